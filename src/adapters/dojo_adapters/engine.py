"""What all runtimes share: a client with its threads, and how a turn goes.

A runtime feeds bytes, timers and what the inbox has. After each input it takes a turn:

    do_work       has handlers called, and the journal do its steps
    finish_turn   tells observers, dials, says that the service has ended; and then
    settle        writes what waits, drops a link that is over, sets the timer

`turn` is all of that. `respond` is the one after something came in: in an event loop the handlers
that it has started may take their first step before it goes on. Handlers end one by one, but often
many at once: for all of them `turn_soon` asks for one turn. A runtime implements how to be woken,
how to carry a socket, and how to run an `async def`.
"""

import os
import random
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from logging import getLevelNamesMapping
from time import monotonic, time
from typing import Unpack

import msgspec

from dojo_adapters.dial_threads import dial_threads
from dojo_adapters.dialing import connect, explain_dial
from dojo_adapters.environment import chosen_settings, current_key, proxy_of, with_proxy
from dojo_adapters.inbox import Inbox
from dojo_adapters.journals import open_journal
from dojo_adapters.observer import Observer
from dojo_adapters.options import Options, check_options
from dojo_adapters.rest import Rest, RestThread
from dojo_adapters.steps import JOURNAL_TIMEOUT, Steps
from dojo_adapters.tls import Wire, make_context
from dojo_adapters.workers import Workers
from dojo_proto import (
    Carry,
    Client,
    ConfigurationError,
    Dial,
    Epos,
    JournalStore,
    Link,
    Notice,
    Settings,
    Status,
    Stop,
)
from dojo_proto.call import Call
from dojo_proto.epos import expect_epos
from dojo_proto.events import Cause, Closed, Opened
from dojo_proto.journal import Row
from dojo_proto.timers import earlier
from dojo_proto.work import UNSTARTED, Abort, Begin, Cancel, Commit, Note, Outcome, Run

BRIEFLY = 0.01
"""Seconds that an event loop may be held up when a service ends."""


class Engine(ABC):
    """One service. It is driven by one thread, but for what anybody may call.

    Raises ConfigurationError if the EPOS, the settings or the journal are wrong.
    """

    __slots__ = (
        "_closed",
        "_context",
        "_dialed",
        "_ended",
        "_observer",
        "_owns_store",
        "_proxy_of",
        "_rest",
        "_steps",
        "_store",
        "_unsettled",
        "_workers",
        "client",
        "error",
        "inbox",
        "settings",
        "was_open",
    )

    def __init__(
        self,
        epos: Epos,
        settings: Settings | None,
        *,
        allow_async: bool,
        **options: Unpack[Options],
    ) -> None:
        check_options(options)
        journal = options.get("journal")
        expect_epos(epos).check(allow_async=allow_async, journaled=journal is not None)
        given = chosen_settings(settings)
        settings = self.settings = with_proxy(given)
        self._proxy_of = proxy_of(given, settings)
        context = options.get("ssl_context")
        self._context = make_context(context) if settings.address.tls else None
        level = getLevelNamesMapping()[settings.log_level]
        self._observer = Observer(options.get("on_event"), level)
        rest = Rest(given, epos.software_house_id, context)
        self._rest = RestThread(rest, settings, self._observer.put)
        if options.get("register"):
            self._rest.register(epos.capabilities())
        self.client = Client(
            epos,
            settings,
            entropy=os.urandom,
            uniform=random.random,
            state=options.get("state"),
            observe=self._observer.wants_requests,
            wall_offset=time() - monotonic(),
        )
        self.error: Exception | None = None
        """Why the service has ended by itself; known when `stopped` is called."""
        self.was_open = False
        """Whether there ever was a connection."""
        self.inbox = Inbox(self.wake)
        self._workers: Workers | None = None
        self._dialed = 0
        self._ended = False
        self._closed = False
        self._store: JournalStore | None = None
        # A store that the user has made is theirs to close.
        self._owns_store = isinstance(journal, str)
        self._unsettled: Sequence[Row] = ()
        self._steps: Steps | None = None
        self._open_store(journal)

    # What a runtime implements.

    @abstractmethod
    def wake(self) -> None:
        """Have `drain_inbox` called soon. Called from any thread, and from signal handlers."""

    @abstractmethod
    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        """Begin to carry bytes between `sock` and `wire`, for as long as `carries(link)`."""

    @abstractmethod
    def start_task(self, run: Run) -> bool:
        """Run an `async def`, tell the client its outcome, also if cancelled, and have a turn.

        Say whether it is still to take its first step.
        """

    @abstractmethod
    def cancel_task(self, call: Call) -> None:
        """Cancel the `async def` of `call`, if it still runs."""

    @abstractmethod
    def turn_soon(self) -> None:
        """Call `turn` once what can run now has run: answers that are ready leave in one write."""

    @abstractmethod
    def settle(self) -> None:
        """At the end of each turn: write what waits, drop a link that is over, set the timer."""

    @abstractmethod
    def opened(self) -> None:
        """A connection is open: requests can come in."""

    @abstractmethod
    def stopped(self) -> None:
        """The service has ended; `error` says why if it was not asked to."""

    def make_workers(self) -> Workers:
        """The threads for `def` handlers; made when the first of them is to run."""
        return Workers(self.settings.workers, self._deliver_ran)

    # What a runtime calls.

    def start(self) -> None:
        """Begin to dial."""
        self.client.resume(self._unsettled, monotonic())
        self._rest.start()
        self.client.start(monotonic())
        self.turn()

    def turn(self) -> None:
        """Do what the client wants after an input."""
        if self._closed:
            return
        self.do_work()
        self.finish_turn()

    def finish_turn(self) -> None:
        """All of a turn that comes behind its work."""
        while (event := self.client.next_event()) is not None:
            if isinstance(event, Opened | Closed):
                self._rest.linked(up=isinstance(event, Opened))
            if isinstance(event, Opened):
                self.was_open = True
                self.opened()
            self._observer.put(event)
        match self.client.next_action():
            case Carry():
                pass  # as nearly always
            case Dial() as dial if dial.number != self._dialed:
                self._dialed = dial.number
                # Anew with each dial: after a sleep or a step of the clock there is one soon.
                self.client.set_wall_offset(time() - monotonic())
                self.start_dial(dial)
            case Stop(error=error) if not self._ended:
                self._ended = True
                self._rest.stop()
                self.error = self.error or error
                self.stopped()
        self.settle()

    def do_work(self) -> bool:
        """Have handlers called, and the journal do its steps. Part of a turn.

        Say whether some are still to take their first step.
        """
        begins = False
        while (work := self.client.next_work()) is not None:
            match work:
                case Run() if self._closed:
                    pass
                case Run() if work.is_async:
                    begins |= self.start_task(work)
                case Run():
                    self.submit(work)
                case Cancel(call=call):
                    self.cancel_task(call)
                case Begin() | Commit() | Abort() | Note() if self._steps is not None:
                    self._steps.do(work, monotonic())
        return begins

    def respond(self) -> None:
        """Take a turn after an input that may have handlers called; their answers may go along."""
        self.turn()

    def submit(self, run: Run) -> None:
        """Have a worker run a `def`."""
        if self._workers is None:
            self._workers = self.make_workers()
        if not self._workers.submit(run):
            self.client.ran(run.call, UNSTARTED, monotonic())

    def start_dial(self, action: Dial) -> None:
        """Begin to dial, and have the client told of the outcome: in a thread, if it may block."""
        if not dial_threads().submit(partial(self._dial, action)):
            reason = "the system gives no thread to dial in"
            self.inbox.put(self.client.dial_failed, action.number, reason)

    def dial_succeeded(self, number: int, api_key: str, sock: socket.socket, now: float) -> None:
        """Dial `number` has given `sock`."""
        link = self.client.dial_succeeded(number, api_key, now)
        if link is None:
            sock.close()
        else:
            self.carry(sock, link, Wire(self.client, link, self._context))

    def explain_dial(self, action: Dial, error: OSError | UnicodeError) -> str:
        """Why it gave no socket, for people."""
        return explain_dial(action.host, action.port, error, proxy_of=self._proxy_of)

    def drain_inbox(self) -> None:
        """Take what other threads have brought."""
        for function, arguments in self.inbox.drain():
            function(*arguments, monotonic())
        self.respond()

    def carries(self, link: Link) -> bool:
        """Whether `link` is still to be carried; when not, its socket is to be closed."""
        action = self.client.next_action()
        return isinstance(action, Carry) and action.link == link

    def next_timer(self) -> float | None:
        """When to call `handle_timer`, on the clock of `time.monotonic`."""
        timer = self.client.next_timer()
        return timer if self._steps is None else earlier(timer, self._steps.next_timer())

    def handle_timer(self) -> None:
        """Do what is due. Feed readable bytes first."""
        now = monotonic()
        if self._steps is not None:
            self._steps.handle_timer(now)
        if self._workers is not None:
            self._workers.try_again()
        self.client.handle_timer(now)
        self.turn()

    def lost(self, link: Link, error: BaseException | None) -> None:
        """The socket of `link` has failed, or was closed under it."""
        said = error.strerror if isinstance(error, OSError) else None
        reason = f"the connection was lost: {said or error or 'it was closed'}"
        self.client.link_failed(link, Cause.LOST, reason, monotonic())
        self.turn()

    def ran(self, call: Call, outcome: Outcome) -> None:
        """An `async def` has returned, raised, or been cancelled."""
        self.client.ran(call, outcome, monotonic())
        self.turn_soon()

    def close(self) -> None:
        """Let go of everything; the service has ended, or is given up. Turns do nothing more.

        What has ended by now is journaled; what ends later stays open there, as after a crash.
        """
        if not self._ended:
            self._rest.abort()
        self.client.abort(monotonic())
        self.turn()
        self._closed = True
        self.inbox.close()
        self.drain_inbox()  # there may be outcomes of handlers, and a socket just dialed
        self.do_work()
        if self._workers is not None:
            self._workers.close()
        while (event := self.client.next_event()) is not None:
            self._observer.put(event)
        self.release(0.0)  # the threads end by themselves, even if nobody waits for that

    def release(self, patience: float = JOURNAL_TIMEOUT + 1.0) -> bool:
        """Once it is closed, wait for the journal's last steps, last notices and the observer.

        Blocks for up to `patience` seconds, so an event loop may only wait a little itself; says
        whether all was done by then.
        """
        deadline = monotonic() + patience
        done = self._steps is None or self._steps.close(patience)
        if done:
            self._close_store()
        if not self._rest.close(max(0.0, deadline - monotonic())):
            return False  # the observer is still to hear of those that did not get through
        return self._observer.close(max(0.0, min(1.0, deadline - monotonic()))) and done

    # What anybody may call.

    def status(self) -> Status:
        """The state of the service, as data."""
        registration, waiting, dropped = self._rest.report()
        return msgspec.structs.replace(
            self.client.status(),
            registration=registration,
            notices_waiting=waiting,
            notices_dropped=dropped,
        )

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change at the till; never blocks. Raises ConfigurationError."""
        self._rest.notify(notice)

    def request_stop(self, timeout: float | None = None) -> None:
        """Drain and end within `timeout` seconds (`drain_timeout` if None)."""
        self.inbox.put(lambda now: self.client.stop(now, timeout))

    def request_abort(self) -> None:
        """End at once; nothing more is answered."""
        self.inbox.put(self._abort)

    # Inside.

    def _open_store(self, journal: str | JournalStore | None) -> None:
        """Last: a journal that is open is held against others, and nothing may leave it so."""
        self._store = open_journal(journal)
        if self._store is not None:
            try:
                self._unsettled = self._store.unsettled()
                self._steps = Steps(self._store, self.client, self.inbox)
            except BaseException:
                self._close_store()
                raise

    def _close_store(self) -> None:
        if self._store is not None and self._owns_store:
            self._store.close()
            self._store = None

    def _abort(self, now: float) -> None:
        self._rest.abort()
        self.client.abort(now)

    # In other threads.

    def _deliver_ran(self, run: Run, outcome: Outcome) -> None:
        self.inbox.put(self.client.ran, run.call, outcome)

    def _dial(self, action: Dial) -> None:
        try:
            key = current_key(self.settings)
            sock = connect(action.host, action.port, action.deadline, self.inbox.is_open)
        except ConfigurationError as error:
            reason = str(error)
        except (OSError, UnicodeError) as error:
            reason = self.explain_dial(action, error)
        else:
            if not self.inbox.put(self.dial_succeeded, action.number, key, sock):
                sock.close()
            return
        self.inbox.put(self.client.dial_failed, action.number, reason)
