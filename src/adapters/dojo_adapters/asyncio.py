"""Serve an EPOS with asyncio, on its own loop or on uvloop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any, Unpack, cast

from dojo_adapters.engine import BRIEFLY, Options
from dojo_adapters.service import AsyncEngine, Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.tls import Wire
from dojo_proto import Epos, Link, Settings
from dojo_proto.call import Call
from dojo_proto.work import Outcome, Raised, Returned, Run

__all__ = ["Service", "open_service", "run", "serve"]


def run(
    epos: Epos,
    settings: Settings | None = None,
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    **options: Unpack[Options],
) -> None:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None. `loop_factory=uvloop.new_event_loop` runs on
    uvloop. Raises ConfigurationError, or AuthenticationError if the gateway refuses the key.
    """

    async def main() -> None:
        async with open_service(epos, settings, **options) as service:
            with owned_signals(service.request_stop, service.request_abort):
                await service.wait()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


async def serve(epos: Epos, settings: Settings | None = None, **options: Unpack[Options]) -> None:
    """Serve inside a running loop until cancelled, which is a hard stop: nothing more is answered.

    Takes and raises what `run` does.
    """
    async with open_service(epos, settings, **options) as service:
        await service.wait()


@asynccontextmanager
async def open_service(
    epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
) -> AsyncIterator[Service]:
    """Serve while the block runs. Leaving it drains; an exception or a cancellation stops at once.

    Takes what `run` does. Raises what ended the service when the block is left.
    """
    engine = _AsyncioEngine(epos, settings, **options)
    service = Service(engine)
    try:
        engine.start()
        yield service
        await service.stop()
    finally:
        await engine.shut_down()
    if engine.error is not None:
        raise engine.error


class _AsyncioEngine(AsyncEngine):
    """The engine in an event loop: one Protocol for the socket, one task for each `async def`."""

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._transport: _Transport | None = None
        self._flushing = False
        self._tasks: dict[Call, asyncio.Task[Any]] = {}
        self._attaching: set[asyncio.Task[Any]] = set()
        super().__init__(epos, settings, event=asyncio.Event, **options)

    def wake(self) -> None:
        # RuntimeError says that the loop is closed: nobody is interested any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.drain_inbox)

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        transport = self._transport = _Transport(self, sock, link, wire)
        attaching = self._loop.create_task(
            self._loop.create_connection(lambda: transport, sock=sock)
        )
        self._attaching.add(attaching)
        attaching.add_done_callback(partial(self._attached, transport))

    def _attached(self, transport: "_Transport", attaching: asyncio.Task[Any]) -> None:
        self._attaching.discard(attaching)
        if not attaching.cancelled() and (error := attaching.exception()) is not None:
            transport.failed(error)

    def start_task(self, run: Run) -> None:
        task = self._tasks[run.call] = self._loop.create_task(_handle(run))
        # Not from inside the task: one that is cancelled before its first step never gets there.
        task.add_done_callback(partial(self._finished, run))

    def _finished(self, run: Run, task: asyncio.Task[Outcome]) -> None:
        del self._tasks[run.call]
        outcome: Outcome
        if task.cancelled():
            outcome = Raised(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            outcome = Raised(error)
        else:
            outcome = task.result()
        self.ran(run.call, outcome)

    def cancel_task(self, call: Call) -> None:
        task = self._tasks.get(call)
        if task is not None:
            task.cancel()

    def settle(self) -> None:
        # Answers that become ready in one turn of the loop leave in one write.
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)
        timer = self.next_timer()
        if timer is not None and (self._timer is None or timer < self._due):
            if self._timer is not None:
                self._timer.cancel()
            self._due = timer
            self._timer = self._loop.call_later(max(0.0, timer - monotonic()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.handle_timer()

    def _flush(self) -> None:
        self._flushing = False
        if self._transport is not None:
            self._transport.flush()

    async def shut_down(self) -> None:
        """Let go of everything that runs in this loop."""
        self.close()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks.values():
            task.cancel()
        if running := {*self._tasks.values(), *self._attaching}:
            await asyncio.wait(running)
        if self._transport is not None:
            await self._transport.closed.wait()
        if not self.release(BRIEFLY):
            await self._loop.run_in_executor(None, self.release)


async def _handle(run: Run) -> Outcome:
    try:
        return Returned(await run.function(run.context, run.params))
    except SystemExit as error:
        return Raised(error)  # a task would pass it on to the loop, and end the program


class _Transport(asyncio.Protocol):
    """Carries the bytes of one link."""

    def __init__(self, engine: _AsyncioEngine, sock: socket.socket, link: Link, wire: Wire) -> None:
        self._engine = engine
        self._sock = sock
        self._link = link
        self._wire = wire
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self.closed = asyncio.Event()
        """The socket is closed, or was never carried."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # Paused until the buffer is empty: the client keeps what waits, and counts it.
        self._transport.set_write_buffer_limits(high=0)
        self.flush()

    def data_received(self, data: bytes) -> None:
        self._wire.receive(data, monotonic())
        self._engine.turn()

    def eof_received(self) -> bool:
        self._wire.receive_eof(monotonic())
        self._engine.turn()
        return True  # the engine closes the socket

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        # A socket that is lost at once is closed by uvloop and stays open to Python, which would
        # close it again, whosever its number is by then. Elsewhere it is closed in the next turn.
        asyncio.get_running_loop().call_soon(self._sock.detach)
        self.closed.set()
        self._engine.lost(self._link, exc)

    def failed(self, error: BaseException) -> None:
        """The loop did not take the socket."""
        self._sock.close()
        self.closed.set()
        self._engine.lost(self._link, error)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.flush()

    def flush(self) -> None:
        """Write what waits, and drop the socket when its link is over."""
        if self._transport is None:
            return
        while not self._paused and (data := self._wire.data_to_send(monotonic())):
            self._transport.write(data)
        if not self._engine.carries(self._link):
            self._transport.abort()
