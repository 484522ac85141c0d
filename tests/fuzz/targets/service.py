"""The whole client, driven by a script: dials, data, time, the journal, handlers, stops.

Input: a byte of options (1 has no lookup for payments, 2 echoes methods, 4 dials again after a 401,
the upper half says how to cut), then steps: a byte that names one, and what it takes.
"""

from collections.abc import Callable
from typing import Any

from tests.fuzz.reader import Reader, pieces_of
from tests.fuzz.said import check_text
from tests.fuzz.targets.peer import LARGEST, REQUESTS, Socket, frame
from tests.proto.driven import comparable
from tests.proto.ledger import Ledger
from tests.proto.till import Till
from tests.proto.wired import KEY, counting, plain

from dojo_proto import Carry, Client, Dial, Stop
from dojo_proto.errors import NotFound
from dojo_proto.events import Cause, Closed
from dojo_proto.journal import Found, Verdict
from dojo_proto.work import Begin, Cancel, JournalStep, Note, Outcome, Raised, Returned, Run, Work

MAX_OUTBOUND = 1024
IN_FLIGHT, QUEUED = 2, 2
ASKING = 64
"""Calls that may be under way besides: those that are only looked up."""


def target(data: bytes) -> None:
    """Play the script twice: nothing may depend on how what came in was cut."""
    size = data[0] // 16 + 1 if data else 1
    in_pieces = Service(data, size).play()
    assert Service(data, len(data) + LARGEST).play() == in_pieces, (
        "it makes a difference how it is cut"
    )


class Service:
    """A client, its till and journal, and the script that says what happens to them."""

    def __init__(self, data: bytes, piece: int) -> None:
        self.script = Reader(data)
        options = self.script.byte()
        self.piece = piece
        self.now = 1000.0
        self.till = Till(lookup=not options & 1)
        self.looks_up = not options & 1
        self.journal = Ledger(lambda: self.now)
        self.settings = plain(
            auth_retry="always" if options & 4 else "after-success",
            echo_method=bool(options & 2),
            max_in_flight=IN_FLIGHT,
            max_queued=QUEUED,
            max_outbound=MAX_OUTBOUND,
            max_message_size=1024,
        )
        self.crashes = 0
        self.trace: list[Any] = []
        """All that came of it: events, bytes, work."""
        self.begin()

    def begin(self) -> None:
        """A process begins."""
        self.dialed = 0
        self.socket: Socket | None = None
        self.held: list[Work] = []
        self.closed: list[int] = []
        self.client = Client(
            self.till.epos,
            self.settings,
            entropy=counting(1 + (self.crashes << 16)),
            uniform=lambda: 0.0,
            observe=True,
        )
        self.client.resume(self.journal.unsettled(), self.now)
        self.client.start(self.now)

    def crash(self) -> None:
        """The process is killed, and another one begins."""
        self.crashes += 1
        self.begin()

    def play(self) -> list[Any]:
        """Everything that came of the script."""
        while self.script.more:
            STEPS[self.script.below(len(STEPS))](self)
            self.check()
        self.abort()
        self.check()
        assert isinstance(self.client.next_action(), Stop), "it has not stopped"
        assert sorted(self.closed) == list(range(1, len(self.closed) + 1)), "a dial ended twice"
        assert len(self.closed) >= self.dialed, "a dial has not ended"
        return self.trace

    # What holds at every moment.

    def check(self) -> None:
        client = self.client
        while (event := client.next_event()) is not None:
            self.trace.append(comparable(event))
            if isinstance(event, Closed):
                assert event.link not in self.closed, "one dial has ended twice"
                self.closed.append(event.link)
                check_text(event.reason)
        action, timer = client.next_action(), client.next_timer()
        assert (client.next_action(), client.next_timer()) == (action, timer), "asking has changed"
        if self.socket is not None and action != Carry(link=self.socket.link):
            assert client.data_to_send(self.socket.link, self.now) == b"", "sent on an old link"
            self.socket = None
        status = client.status()
        assert status.healthy <= isinstance(action, Carry)
        assert status.queued <= QUEUED, f"{status.queued} requests are queued"
        assert status.in_flight <= IN_FLIGHT + ASKING, f"{status.in_flight} are under way"
        connection = client._connection
        waiting = 0 if connection is None else connection._outbound.size()
        assert waiting <= MAX_OUTBOUND + LARGEST, f"{waiting} bytes wait"
        # Across a crash only a lookup knows what was booked.
        if self.looks_up or not self.crashes:
            assert all(times == 1 for times in self.till.bookings.values()), "booked twice"

    # The network.

    def dial(self) -> None:
        action = self.client.next_action()
        if isinstance(action, Dial) and action.number > self.dialed:
            self.dialed = action.number
            link = self.client.dial_succeeded(action.number, KEY, self.now)
            assert link is not None, "the dial was asked for"
            self.socket = Socket(link)
            self.write()

    def dial_fails(self) -> None:
        action = self.client.next_action()
        if isinstance(action, Dial) and action.number > self.dialed:
            self.dialed = action.number
            self.client.dial_failed(action.number, "connection refused", self.now)

    def feed(self, data: bytes) -> None:
        """Data comes in; all of it, or up to where the connection has ended."""
        if self.socket is None:
            return
        self.socket.write(data)
        for piece in pieces_of(self.piece, data):
            self.client.receive_data(self.socket.link, piece, self.now)

    def upgrade(self) -> None:
        accept = b"" if self.socket is None else self.socket.accept
        self.feed(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
        )

    def raw(self) -> None:
        self.feed(self.script.chunk())

    def message(self) -> None:
        self.feed(frame(1, self.script.chunk()))

    def request(self) -> None:
        self.feed(frame(1, REQUESTS[self.script.below(len(REQUESTS))]))

    def pong(self) -> None:
        if self.socket is not None and self.socket.pings:
            self.feed(frame(10, self.socket.pings.pop(0)))

    def close(self) -> None:
        self.feed(frame(8, (1000 + self.script.byte()).to_bytes(2)))

    def eof(self) -> None:
        if self.socket is not None:
            self.client.receive_eof(self.socket.link, self.now)

    def fail(self) -> None:
        if self.socket is not None:
            cause = (Cause.LOST, Cause.TLS_FAILED)[self.script.below(2)]
            self.client.link_failed(self.socket.link, cause, "connection reset", self.now)

    def write(self) -> None:
        """The socket takes all there is, or so much."""
        limit = self.script.byte() or 1 << 16
        if self.socket is None:
            return
        data = self.client.data_to_send(self.socket.link, self.now, limit)
        assert len(data) <= limit
        self.trace.append(data)
        self.socket.read(data)

    # Time.

    def wait(self) -> None:
        self.now += self.script.byte() / 4
        self.timer()

    def due(self) -> None:
        """Time goes on until something is due."""
        self.now = max(self.now, self.client.next_timer() or 0.0)
        self.timer()

    def timer(self) -> None:
        self.client.handle_timer(self.now)
        timer = self.client.next_timer()
        assert timer is None or timer > self.now, "a timer is left in the past"

    def clock(self) -> None:
        """The wall clock is set."""
        self.client.set_wall_offset(self.script.byte() * 1e6)

    # The journal and the handlers.

    def take(self) -> None:
        """The adapter takes up the next piece of work."""
        work = self.client.next_work()
        if work is None:
            return
        self.trace.append(type(work))
        if isinstance(work, Note):
            if self.script.byte() & 1:
                self.client.note_failed("disk full")
            else:
                self.journal.perform([work])
        elif not isinstance(work, Cancel):
            self.held.append(work)

    def finish(self) -> None:
        """Some work is done, well or badly."""
        if not self.held:
            return
        choice = self.script.byte()
        self._do(self.held.pop(choice // 8 % len(self.held)), choice % 8)

    def _do(self, work: Work, choice: int) -> None:
        match work:
            case Run():
                self.client.ran(work.call, self._run(work, choice), self.now)
            case Begin():
                self._begin(work, choice)
            case Cancel():
                raise AssertionError(work)
            case _:
                self._perform(work, choice)

    def _perform(self, step: JournalStep, choice: int) -> None:
        """The journal does a step; or it does not (1), or says that it could not (2)."""
        assert not isinstance(step, Note)
        kept = isinstance(step, Begin) or step.ticket in self.journal.rows
        [found] = self.journal.perform([step]) if choice != 1 and kept else [None]
        if choice in {1, 2} or not kept:
            self.client.journal_failed(step.call, "disk full", self.now)
        elif isinstance(found, Found):
            self.client.begun(step.call, found, self.now)
        else:
            self.client.committed(step.call, self.now)

    def _run(self, run: Run, choice: int) -> Outcome:
        if choice == 1:
            return Raised(OSError("no database"))
        # A DomainError says that it was certainly not done.
        if choice == 2 and run.context.idempotency_key not in self.till.paid:
            return Raised(NotFound("there is no such thing"))
        try:
            outcome: Outcome = Returned(run.function(run.context, run.params))
        except Exception as error:  # noqa: BLE001 - as an adapter does
            return Raised(error)
        return Raised(OSError("it broke afterwards")) if choice == 3 else outcome

    def _begin(self, begin: Begin, choice: int) -> None:
        if choice == 2:
            looked_up = Begin(begin.call, begin.entry, insert=False)
            [found] = self.journal.perform([looked_up])
            fresh = isinstance(found, Found) and found.verdict is Verdict.FRESH
            self.client.journal_failed(begin.call, "disk full", self.now, fresh=fresh)
        else:
            self._perform(begin, choice)

    def settle(self) -> None:
        """All that can be done is done well, and what `write` takes of it leaves."""
        while (work := self.client.next_work()) is not None:
            self.trace.append(type(work))
            if isinstance(work, Note):
                self.journal.perform([work])
            elif not isinstance(work, Cancel):
                self._do(work, 0)
        self.write()

    # The user.

    def stop(self) -> None:
        self.client.stop(self.now, self.script.byte() / 4)

    def abort(self) -> None:
        self.client.abort(self.now)


STEPS: tuple[Callable[[Service], None], ...] = (
    Service.dial,
    Service.upgrade,
    Service.request,
    Service.settle,
    Service.take,
    Service.finish,
    Service.write,
    Service.wait,
    Service.due,
    Service.message,
    Service.raw,
    Service.pong,
    Service.close,
    Service.eof,
    Service.fail,
    Service.dial_fails,
    Service.stop,
    Service.abort,
    Service.crash,
    Service.clock,
)
"""What a byte of the script names."""
