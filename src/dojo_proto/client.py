"""What an adapter drives: one service, from dial to stop.

Bytes come in through `receive_data`, work for handlers and the journal comes out of `next_work`,
its results go back in, and answers leave through `data_to_send`. The client wires the machines
together and decides nothing that one of them can.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from dojo_proto import framing
from dojo_proto.actions import Action, Carry, Dial, Link, Stop, Wait
from dojo_proto.call import Call
from dojo_proto.connecting import closed, connect, explained
from dojo_proto.connection import (
    CLOSED,
    CLOSING,
    OPEN,
    Connection,
    ConnectionEvent,
    Ended,
    RoundTrip,
)
from dojo_proto.connection import State as ConnectionState
from dojo_proto.dispatch import Dispatch
from dojo_proto.epos import Epos
from dojo_proto.errors import ConfigurationError
from dojo_proto.events import Cause, Draining, Event, JournalFailed, Opened, PingRoundTrip
from dojo_proto.framing import NORMAL_CLOSURE, Message
from dojo_proto.journal import Found, Row
from dojo_proto.pending import PendingEvents
from dojo_proto.settings import Settings, environment_of
from dojo_proto.shortcut import Shortcut
from dojo_proto.status import Status
from dojo_proto.supervisor import DRAINING, State, Supervisor
from dojo_proto.timers import earlier
from dojo_proto.version import __version__
from dojo_proto.work import Outcome, Work

_STOPPED = "the service was stopped"


class Client:
    """One service. Driven by an adapter, from one thread at a time.

    `entropy(n)` gives n unpredictable bytes, `uniform()` a number in [0, 1). `state` is what
    handlers get as `ctx.state`. With `observe`, events of every request are made too; without
    `shortcut`, all goes the longer way. `wall_offset` is the wall clock minus the clock of `now`,
    in seconds. Raises ConfigurationError if the EPOS cannot be served.
    """

    __slots__ = (
        "_address",
        "_api_key",
        "_connection",
        "_dispatch",
        "_entropy",
        "_epos",
        "_events",
        "_last_received",
        "_link",
        "_proxy",
        "_settings",
        "_shortcut",
        "_supervisor",
        "_wall_offset",
    )

    def __init__(
        self,
        epos: Epos,
        settings: Settings,
        *,
        entropy: Callable[[int], bytes],
        uniform: Callable[[], float],
        state: Any = None,
        observe: bool = False,
        shortcut: bool = True,
        wall_offset: float = 0.0,
    ) -> None:
        framing.prepare()
        self._epos = epos
        self._settings = settings
        self._entropy = entropy
        self._wall_offset = wall_offset
        self._address = settings.address
        self._proxy = settings.proxy_address
        self._events = PendingEvents()
        self._supervisor = Supervisor(settings=settings, uniform=uniform, emit=self._events.put)
        self._dispatch = Dispatch(
            handlers=epos.handlers(),
            unresolved=epos.unresolved(),
            settings=settings,
            scope=f"{settings.environment}/{settings.instance}",
            entropy=entropy,
            state=state,
            emit=self._events.put,
            observe=observe,
            wall_offset=wall_offset,
        )
        self._shortcut = Shortcut(self._dispatch, settings, enabled=shortcut)
        self._connection: Connection | None = None
        self._link: Link | None = None
        self._api_key = ""
        self._last_received: float | None = None

    # What the adapter asks.

    def next_action(self) -> Action:
        """What the transport should be doing now. Asking changes nothing."""
        if self._link is not None:
            return Carry(link=self._link)
        match self._supervisor.state:
            case State.DIALING:
                via = self._proxy or self._address
                return Dial(
                    number=self._supervisor.dials,
                    host=via.host,
                    port=via.port,
                    deadline=self._supervisor.deadline,
                )
            case State.STOPPED:
                return Stop(error=self._supervisor.error)
            case _:
                return Wait()

    def speaks_tls(self, link: Link) -> bool:
        """Whether the bytes of `link` are TLS from here on; a tunnel is asked for without."""
        if (connection := self._current(link)) is None or link.server_hostname is None:
            return False
        return connection.state is not ConnectionState.TUNNELLING

    def data_to_send(self, link: Link, now: float, limit: int = 65536) -> bytes:
        """Up to `limit` bytes for the socket of `link`, before any TLS; empty if none wait.

        Ask only when what was given before has been written.
        """
        if (connection := self._current(link)) is None:
            return b""
        data = connection.data_to_send(now, limit)
        receipts = self._dispatch.receipts
        if receipts.waiting():
            receipts.written(connection.written)
            if not data and self._supervisor.state is DRAINING and connection.confirm(now):
                data = connection.data_to_send(now, limit)
        return data

    def next_work(self) -> Work | None:
        """The next thing to do for a handler or the journal, or None."""
        work = self._dispatch.agenda.work
        return work.pop(0) if work else None

    def next_event(self) -> Event | None:
        """The next thing an observer may want to know, or None."""
        return self._events.take()

    def next_timer(self) -> float | None:
        """When to call `handle_timer`; None if only input can change anything."""
        due = earlier(self._dispatch.next_timer(), self._supervisor.next_timer())
        return due if self._connection is None else earlier(self._connection.next_timer(), due)

    def status(self) -> Status:
        """The state of the service, as data. Another thread may ask while one drives."""
        is_open = (connection := self._connection) is not None and connection.state is OPEN
        return Status(
            state=self._supervisor.state.value,
            since=self._wall(self._supervisor.since),
            healthy=is_open and self._supervisor.state is State.UP,
            last_received=self._wall(self._last_received),
            last_request=self._wall(self._dispatch.intake.last_request),
            in_flight=self._dispatch.table.in_flight,
            queued=self._dispatch.admission.queued,
            unresolved=self._dispatch.table.unresolved,
            cut_off=self._dispatch.table.cut_off,
            unconfirmed=self._dispatch.receipts.unconfirmed,
            last_error=self._supervisor.last_error,
            version=__version__,
        )

    def set_wall_offset(self, wall_offset: float) -> None:
        """The wall clock was set, or the machine slept: wall clock minus the clock of `now`."""
        self._wall_offset = wall_offset
        self._dispatch.agenda.wall_offset = wall_offset

    # What the user wants.

    def resume(self, rows: Sequence[Row], now: float) -> None:
        """Take up what an earlier process has left open in the journal. Before `start`."""
        self._dispatch.settling.resume(rows, now)

    def start(self, now: float) -> None:
        """Begin to dial. Raises LocalProtocolError the second time, or after a stop."""
        self._supervisor.start(now)

    def stop(self, now: float, timeout: float | None = None) -> None:
        """Drain: start nothing new, let what runs finish, answer, close with 1000, stop.

        `timeout` is in seconds, `drain_timeout` if None. Calling again can only shorten it.
        """
        before = self._supervisor.state
        seconds = self._settings.drain_timeout if timeout is None else timeout
        self._supervisor.drain(now, seconds)
        if self._supervisor.state is State.DRAINING is not before:
            self._events.put(Draining(running=self._dispatch.table.in_flight, seconds=seconds))
        if before is State.DIALING:
            self._dial_over(Ended(cause=Cause.STOPPED, reason=_STOPPED), now)
        self._dispatch.drain(now)
        self._advance(now)

    def abort(self, now: float) -> None:
        """Stop at once. Nothing more is answered; what was begun comes back as redelivered."""
        ended = Ended(cause=Cause.ABORTED, reason=f"{_STOPPED} at once")
        dialing = self._supervisor.state is State.DIALING
        self._end(now)
        if dialing:
            self._dial_over(ended, now)
        if self._connection is not None:
            self._connection.abort(ended.cause, ended.reason, now)
        self._advance(now)

    # What the network does.

    def dial_succeeded(self, number: int, api_key: str, now: float) -> Link | None:
        """The socket of dial `number` is open; `api_key` is the key as it is now.

        None says that nobody wants this socket any more: close it.
        """
        if self._supervisor.state is not State.DIALING or number != self._supervisor.dials:
            return None
        try:
            connection = connect(
                self._settings,
                software_house_id=self._epos.software_house_id,
                api_key=api_key,
                deadline=self._supervisor.deadline,
                entropy=self._entropy,
                now=now,
            )
        except ConfigurationError as error:
            self._dial_over(Ended(cause=Cause.DIAL_FAILED, reason=str(error)), now)
            return None
        self._supervisor.dialed(now)
        self._dispatch.intake.scope = f"{environment_of(api_key)}/{self._settings.instance}"
        self._connection = connection
        self._api_key = api_key
        hostname = self._address.host if self._address.tls else None
        self._link = Link(number=number, server_hostname=hostname)
        return self._link

    def dial_failed(self, number: int, reason: str, now: float) -> None:
        """Dial `number` gave no socket."""
        if self._supervisor.state is State.DIALING and number == self._supervisor.dials:
            self._dial_over(Ended(cause=Cause.DIAL_FAILED, reason=reason), now)

    def receive_data(self, link: Link, data: bytes, now: float) -> None:
        """Bytes came in on `link`, after any TLS. Never raises on what a peer sent."""
        connection = self._current(link)
        if connection is not None and data:
            self._last_received = now
            taken = self._shortcut.receive(connection, data, now)
            if taken < len(data) or self._dispatch.delivery.outgoing:
                connection.receive_data(data[taken:], now)
                self._advance(now)

    def receive_eof(self, link: Link, now: float) -> None:
        """The peer has ended the stream of `link`."""
        connection = self._current(link)
        if connection is not None:
            connection.receive_eof(now)
            self._advance(now)

    def link_failed(self, link: Link, cause: Cause, reason: str, now: float) -> None:
        """The stream of `link` is gone: LOST if it was reset, TLS_FAILED if its TLS failed."""
        connection = self._current(link)
        if connection is not None:
            connection.fail(cause, reason, now)
            self._advance(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due. Early calls are harmless; feed readable bytes first."""
        if self._supervisor.handle_timer(now):
            reason = f"there was no TCP connection within {self._settings.open_timeout:g} s"
            self._dial_over(Ended(cause=Cause.OPEN_TIMEOUT, reason=reason), now)
        if self._connection is not None:
            self._connection.handle_timer(now)
        self._dispatch.handle_timer(now)
        self._advance(now)

    # What became of the work.

    def begun(self, call: Call, found: Found, now: float) -> None:
        """The journal has done a Begin."""
        self._dispatch.begun(call, found, now)
        self._advance(now)

    def ran(self, call: Call, outcome: Outcome, now: float) -> None:
        """A handler has returned, raised, or been cancelled."""
        connection = self._connection
        if connection is None or not self._shortcut.answer(connection, call, outcome, now):
            self._dispatch.ran(call, outcome, now)
        elif connection.state is OPEN:
            return  # as nearly always
        self._advance(now)

    def committed(self, call: Call, now: float) -> None:
        """The journal has done a Commit or an Abort."""
        self._dispatch.committed(call, now)
        self._advance(now)

    def journal_failed(self, call: Call, reason: str, now: float, *, fresh: bool = False) -> None:
        """The journal could not do a step. `fresh`: its look-up had found nothing before that."""
        self._dispatch.journal_failed(call, reason, now, fresh=fresh)
        self._advance(now)

    def note_failed(self, reason: str) -> None:
        """The journal could not do a Note."""
        self._events.put(JournalFailed(method="", step="note", reason=reason))

    # Inside.

    def _current(self, link: Link) -> Connection | None:
        """The connection of `link`; None if that has ended, whatever late news of it come."""
        return self._connection if link == self._link else None

    def _wall(self, at: float | None) -> datetime | None:
        return None if at is None else datetime.fromtimestamp(at + self._wall_offset, UTC)

    def _advance(self, now: float) -> None:
        """Carry what one machine has said to the others, until none has anything to say."""
        # An answer leaves before the next event is looked at: it makes no difference then whether
        # what came in came at once or bit by bit.
        outgoing = self._dispatch.delivery.outgoing
        while (connection := self._connection) is not None:
            if outgoing:
                message, ticket = outgoing.pop(0)
                mark = connection.send_text(message, now, confirm=ticket != "")
                if ticket and mark is not None:
                    self._dispatch.receipts.queued(ticket, mark)
            elif (event := connection.next_event()) is not None:
                self._handle(event, connection, now)
            elif connection.state is OPEN and self._supervisor.state is not DRAINING:
                return  # as nearly always
            elif not self._wind_up(connection, now):
                return
        if self._drained:
            self._end(now)

    def _end(self, now: float) -> None:
        if self._supervisor.state is not State.STOPPED:
            self._supervisor.stop(now)
            self._dispatch.end(now)

    @property
    def _drained(self) -> bool:
        if self._supervisor.state is not DRAINING:
            return False
        # Is an answer on the open link that Dojo is not known to have?
        unconfirmed = self._dispatch.receipts.waiting()
        return (self._dispatch.idle and not unconfirmed) or self._supervisor.drain_expired

    def _wind_up(self, connection: Connection, now: float) -> bool:
        """Let go of a connection that nobody needs; say whether that made something happen."""
        if connection.state is CLOSING:
            # RFC 6455 section 5.5.1: behind a Close no answer may leave.
            self._dispatch.link_closed(self._dispatch.delivery.link, now)
            return False
        draining = self._supervisor.state is DRAINING
        if not draining or (connection.state is OPEN and not self._drained):
            return False
        # Nothing is left to answer; on one that is still opening nothing was ever asked.
        connection.close(NORMAL_CLOSURE, _STOPPED, now)
        return True

    def _handle(self, event: ConnectionEvent, connection: Connection, now: float) -> None:
        is_over = connection.state is CLOSED  # what came in behind what ended it counts as unread
        if isinstance(event, Message):
            link = self._dispatch.delivery.link
            if link and not is_over:  # behind this side's Close nobody can be answered
                self._dispatch.intake.receive(link, event.data, now, binary=event.binary)
        elif isinstance(event, Ended):
            self._connection = None
            self._link = None
            self._dispatch.link_closed(self._dispatch.delivery.link, now)
            self._dial_over(event, now)
        elif is_over:
            pass
        elif isinstance(event, RoundTrip):
            self._dispatch.receipts.arrived(event.arrived)
            self._events.put(PingRoundTrip(link=self._supervisor.dials, seconds=event.seconds))
        else:  # Open; a client's stages pass or are refused, and none has Asked
            self._supervisor.opened(now)
            number = self._dispatch.delivery.link = self._supervisor.dials
            seconds = now - self._supervisor.deadline + self._settings.open_timeout
            self._events.put(Opened(link=number, url=self._settings.url, seconds=seconds))

    def _dial_over(self, ended: Ended, now: float) -> None:
        ended = explained(ended, self._api_key)
        self._events.put(closed(ended, self._supervisor.dials))
        self._supervisor.ended(ended, now)
