"""Serve an EPOS with blocking threads: one for the socket and for timers, more for handlers."""

import socket
from contextlib import suppress
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from threading import Event, Lock, Thread
from time import monotonic
from types import TracebackType
from typing import Self, Unpack

from dojo_adapters.engine import Engine
from dojo_adapters.options import Options
from dojo_adapters.signals import owned_signals
from dojo_adapters.sockets import SocketTransport
from dojo_adapters.tls import Wire
from dojo_adapters.wheel import Wheel
from dojo_adapters.workers import Workers
from dojo_proto import Epos, Link, LocalProtocolError, Notice, Settings, Status
from dojo_proto.call import Call
from dojo_proto.work import Cancel, JournalStep, Outcome, Run

__all__ = ["Runner", "open_service", "run"]

_CHUNK = 65536


def run(epos: Epos, settings: Settings | None = None, **options: Unpack[Options]) -> Status:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None. Handlers are `def`. Returns the status at the end:
    `cut_off` says whether something was. Raises ConfigurationError, or AuthenticationError if the
    gateway refuses the key.
    """
    with (
        Runner(epos, settings, **options) as runner,
        owned_signals(runner.request_stop, runner.request_abort),
    ):
        runner.wait()
    return runner.status()


class Runner:
    """A service in a thread of its own, for programs without an event loop.

    `with Runner(epos, settings, journal=…) as runner:` serves while the block runs; leaving it
    drains, an exception in it stops at once. `start` and `stop` do the same one by one; it holds
    its journal from when it is made until it has stopped, also if it was never started. Everything
    may be called from any thread. Takes and raises what `run` does.
    """

    def __init__(
        self, epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
    ) -> None:
        self._engine = _ThreadsEngine(epos, settings, **options)
        self._thread: Thread | None = None
        # Locked once it is started or stopped, whichever comes first.
        self._used = Lock()

    def start(self) -> None:
        """Begin to dial. Raises LocalProtocolError if it was started or stopped before."""
        if not self._used.acquire(blocking=False):
            raise LocalProtocolError("this Runner was started or stopped before; make a new one")
        thread = Thread(target=self._engine.work, name="dojo-io", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the system gives no thread
            self._engine.end()
            raise
        self._thread = thread

    def ready(self, timeout: float | None = None) -> bool:
        """Wait until a connection is open for the first time.

        False if the service ends before, or if `timeout` seconds pass. Raises what ended it if it
        was not asked to, such as AuthenticationError.
        """
        self._engine.first_opened.wait(timeout)
        self._raise_error()
        return self._engine.was_open

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the service has ended; False if `timeout` seconds pass.

        Raises what ended it, if it was not asked to.
        """
        ended = self._engine.ended.wait(timeout)
        self._raise_error()
        return ended

    def status(self) -> Status:
        """The state of the service, as data."""
        return self._engine.status()

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change at the till, such as `OrderUpdated("order-1")`.

        From any thread; it never blocks. The same news is sent once, as soon as there is a
        connection; `status` counts what waits and what was dropped. Raises ConfigurationError for
        what is no notice.
        """
        self._engine.notify(notice)

    def request_stop(self, timeout: float | None = None) -> None:
        """Begin to drain and return at once; also from a signal handler."""
        self._engine.request_stop(timeout)

    def request_abort(self) -> None:
        """Begin to stop at once, unanswered; also from a signal handler."""
        self._engine.request_abort()

    def stop(self, timeout: float | None = None) -> None:
        """Drain and end: running handlers get `timeout` seconds (`drain_timeout` if None).

        Calling again is harmless and can only shorten the time.
        """
        self._engine.request_stop(timeout)
        if self._used.acquire(blocking=False):
            self._engine.end()  # it was never started
        self._engine.ended.wait()  # another thread may just be starting it
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._engine.request_abort()
        self.stop()
        if kind is None:
            self._raise_error()

    def _raise_error(self) -> None:
        if self._engine.error is not None:
            raise self._engine.error


open_service = Runner
"""The same name as in the other runtimes."""


class _ThreadsEngine(Engine):
    """The engine around a selector, driven by the thread that calls `work`, with its workers' help.

    That thread waits for the socket, for timers, and for what comes into the inbox. The outcomes of
    handlers do not: the workers bring them to the wheel, which is held by whoever uses the client.
    """

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        self.first_opened = Event()
        self.ended = Event()
        self._over = False
        self._wheel = Wheel(self)
        # Steps of the journal for the next turn: those of many handlers share one sync.
        self._later: list[JournalStep] = []
        # When the driving thread wakes by itself.
        self._timer: float | None = None
        # The fault that a worker has found.
        self._failure: BaseException | None = None
        self._transport: _Transport | None = None
        self._waking, self._waker = socket.socketpair()
        self._waking.settimeout(0)
        self._waker.settimeout(0)
        self._selector = DefaultSelector()
        self._selector.register(self._waking, EVENT_READ)
        # Behind the sockets, for a system that has none left: a journal that is open is held.
        try:
            super().__init__(epos, settings, allow_async=False, **options)
        except BaseException:
            self._close_sockets()
            raise

    def work(self) -> None:
        """Serve until the service ends."""
        try:
            with self._wheel.lock:
                self.start()
            while not self._over:
                self._wait()
            self._raise_failure()
        except Exception as error:
            self.error = error  # nobody else would hear of it
            raise
        finally:
            self.end()

    def end(self) -> None:
        """Let go of everything, whether or not it ever served."""
        self._over = True
        try:
            with self._wheel.lock:
                self.close()
            self.release()
        finally:
            self._close_sockets()
            self.first_opened.set()
            self.ended.set()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _close_sockets(self) -> None:
        self._selector.close()
        self._waking.close()
        self._waker.close()

    def _wait(self) -> None:
        ready = self._selector.select(self._patience())
        with self._wheel.lock:
            for key, mask in ready:
                if key.fileobj is self._waking:
                    with suppress(BlockingIOError):
                        self._waking.recv(_CHUNK)
                elif self._transport is not None and mask & EVENT_READ:
                    self._transport.read()
            self.drain_inbox()  # which ends with a turn, and so writes what it can
            if self._timer is not None and self._timer <= monotonic():
                self.handle_timer()

    def _patience(self) -> float | None:
        """How many seconds to wait for something to happen; None if there is nothing else."""
        with self._wheel.lock:
            self._timer = self.next_timer()
        if self._wheel.is_due():
            return 0.0  # a worker has left something meanwhile
        return None if self._timer is None else max(0.0, self._timer - monotonic())

    def turn(self) -> None:
        self._wheel.report_all()
        steps = self._steps
        while self._later and steps is not None:
            steps.do(self._later.pop(0), monotonic())
        super().turn()

    def wake(self) -> None:
        # A full buffer wakes as well; OSError says that the service has ended.
        with suppress(OSError):
            self._waker.send(b"\0")

    def opened(self) -> None:
        self.first_opened.set()

    def stopped(self) -> None:
        self._over = True
        self.wake()

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        self._transport = _Transport(self, sock, link, wire, self._selector)

    def make_workers(self) -> Workers:
        return Workers(self.settings.workers, self._wheel.deliver, came=self._wheel.help)

    def start_task(self, run: Run) -> bool:
        raise LocalProtocolError(f"{run.call!r} is async def, which Epos.check should have refused")

    def cancel_task(self, call: Call) -> None:
        """A thread cannot be cancelled: the handler goes on, and keeps its place."""

    def turn_soon(self) -> None:
        """Each round ends with a turn."""

    def settle(self) -> None:
        if self._transport is not None and not self._transport.settle():
            self._transport = None

    # What the wheel asks for.

    @property
    def driver_comes(self) -> bool:
        return self._over or self.inbox.waiting

    @property
    def is_behind(self) -> bool:
        # A handler may have asked for an end before it returned. At the end all are reported.
        return self.inbox.waiting and not self._over

    @property
    def worker_comes(self) -> bool:
        return self._workers is not None and self._workers.coming

    def report(self, run: Run, outcome: Outcome) -> None:
        self.client.ran(run.call, outcome, monotonic())

    def start_runs(self) -> None:
        while (work := self.client.next_work()) is not None:
            if isinstance(work, Run):
                self.submit(work)
            elif not isinstance(work, Cancel):  # which is nothing to a thread
                self._later.append(work)

    def turn_in_worker(self) -> None:
        self.turn()
        timer = self.next_timer()
        if timer is not None and (self._timer is None or timer < self._timer):
            self.wake()

    def fail(self, error: BaseException) -> None:
        self._failure = error
        self.stopped()


class _Transport(SocketTransport):
    """Waits with the selector of its engine, which the driving thread alone touches.

    A worker may find the socket stuck, or its link over; but a socket is not to be closed while
    somebody waits for it.
    """

    def __init__(
        self,
        engine: _ThreadsEngine,
        sock: socket.socket,
        link: Link,
        wire: Wire,
        selector: DefaultSelector,
    ) -> None:
        super().__init__(engine, sock, link, wire)
        self._selector = selector
        selector.register(sock, EVENT_READ)

    def watch(self, *, stuck: bool) -> None:
        self.engine.inbox.put(self._watch, EVENT_READ | EVENT_WRITE if stuck else EVENT_READ)

    def drop(self) -> None:
        self.engine.inbox.put(self._drop)

    def _watch(self, events: int, _now: float) -> None:
        self._selector.modify(self.sock, events)

    def _drop(self, _now: float) -> None:
        self._selector.unregister(self.sock)
        self.sock.close()
