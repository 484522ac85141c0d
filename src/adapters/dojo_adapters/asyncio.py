"""Serve an EPOS with asyncio, on its own loop or on uvloop."""

import asyncio
import socket
import sys
from collections.abc import Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    nullcontext,
    suppress,
)
from contextvars import copy_context
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any, Unpack

from dojo_adapters.dialing import begin, finish
from dojo_adapters.engine import BRIEFLY
from dojo_adapters.options import Options
from dojo_adapters.service import AsyncEngine, Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.sockets import SocketTransport
from dojo_adapters.streams import Stream
from dojo_adapters.tls import Wire
from dojo_proto import Dial, Epos, Link, Settings, Status
from dojo_proto.call import Call
from dojo_proto.work import Outcome, Raised, Returned, Run

__all__ = ["Service", "open_service", "run", "serve"]


def run(
    epos: Epos,
    settings: Settings | None = None,
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    **options: Unpack[Options],
) -> Status:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None. `loop_factory=uvloop.new_event_loop` runs on
    uvloop. Returns the status at the end: `cut_off` says whether something was. Raises
    ConfigurationError, or AuthenticationError if the gateway refuses the key.
    """

    async def main() -> Status:
        async with open_service(epos, settings, **options) as service:
            with owned_signals(service.request_stop, service.request_abort):
                await service.wait()
            return service.status()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main())


async def serve(epos: Epos, settings: Settings | None = None, **options: Unpack[Options]) -> None:
    """Serve inside a running loop until cancelled, which is a hard stop: nothing more is answered.

    Takes and raises what `run` does.
    """
    async with open_service(epos, settings, **options) as service:
        await service.wait()


def open_service(
    epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
) -> AbstractAsyncContextManager[Service]:
    """Serve while the block runs. Leaving it drains; an exception or a cancellation stops at once.

    Takes what `run` does. Raises what ended the service when the block is left.
    """
    return Opening(lambda: AsyncioEngine(epos, settings, **options))


class Opening:
    """What `open_service` gives. Within `shield()` nothing cancels this task again and again.

    By hand, since what `asynccontextmanager` keeps is much of the memory of a service that is idle.
    """

    __slots__ = ("_engine", "_make_engine", "_shield")

    def __init__(
        self,
        make_engine: "Callable[[], AsyncioEngine]",
        shield: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._make_engine: Callable[[], AsyncioEngine] | None = make_engine
        self._shield = shield
        self._engine: AsyncioEngine

    async def __aenter__(self) -> Service:
        if self._make_engine is None:
            raise RuntimeError("open_service gives a block that is entered once")
        self._engine, self._make_engine = self._make_engine(), None
        try:
            self._engine.start()
        except BaseException:
            await self._shut_down()
            raise
        return Service(self._engine)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                await Service(self._engine).stop()
        finally:
            await self._shut_down()
        if kind is None and self._engine.error is not None:
            raise self._engine.error

    async def _shut_down(self) -> None:
        with self._shield():
            await self._engine.shut_down()


class AsyncioEngine(AsyncEngine):
    """The engine in an event loop: a transport, and one task for each `async def`."""

    __slots__ = (
        "_attaching",
        "_dialing",
        "_due",
        "_loop",
        "_surroundings",
        "_tasks",
        "_timer",
        "_transport",
        "_turning",
    )

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._dialing: tuple[Dial, socket.socket] | None = None
        self._transport: _Transport | Stream | None = None
        self._turning = False
        self._surroundings = copy_context()
        self._tasks: dict[Call, asyncio.Task[None] | None] = {}
        self._attaching: asyncio.Task[Any] | None = None
        super().__init__(epos, settings, event=asyncio.Event, **options)

    def wake(self) -> None:
        # RuntimeError says that the loop is closed: nobody is interested any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.drain_inbox)

    def start_dial(self, action: Dial) -> None:
        # An address and a key that are known need no thread; Windows' own loop knows no writers.
        if callable(self.settings.api_key) or sys.platform == "win32":
            super().start_dial(action)
            return
        try:
            sock = begin(action.host, action.port)
        except OSError as error:
            reason = self.explain_dial(action, error)
            self.inbox.put(self.client.dial_failed, action.number, reason)
            return
        if sock is None:
            super().start_dial(action)
        else:
            self._dialing = action, sock
            key = self.settings.api_key
            self._loop.add_writer(sock.fileno(), self._connected, key, action, sock)

    def _connected(self, api_key: str, action: Dial, sock: socket.socket) -> None:
        self._dialing = None
        self._loop.remove_writer(sock.fileno())
        try:
            finish(sock)
        except OSError as error:
            reason = self.explain_dial(action, error)
            self.client.dial_failed(action.number, reason, monotonic())
        else:
            self.dial_succeeded(action.number, api_key, sock, monotonic())
        self.turn()

    def _give_up_dial(self, action: Dial, sock: socket.socket) -> None:
        if self.client.next_action() != action:
            self._dialing = None
            self._loop.remove_writer(sock.fileno())
            sock.close()

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        if isinstance(self._loop, asyncio.SelectorEventLoop):
            self._transport = _Transport(self, sock, link, wire, self._loop)
            return
        # The loop has its own way to sockets: uvloop's is quicker, Windows' can do nothing else.
        stream = self._transport = Stream(self, sock, link, wire)
        self._attaching = self._loop.create_task(
            self._loop.create_connection(stream.taken_up, sock=sock)
        )
        self._attaching.add_done_callback(partial(self._attached, stream))

    def _attached(self, stream: Stream, attaching: asyncio.Task[Any]) -> None:
        if self._attaching is attaching:
            self._attaching = None
        if attaching.cancelled():  # by somebody who cancels all there is, as asyncio.run at its end
            stream.cancelled()
        elif (error := attaching.exception()) is not None:
            stream.failed(error)

    def start_task(self, run: Run) -> bool:
        self._tasks[run.call] = None  # it may have ended before there is a task to name
        handling = self._handle(run)
        if sys.version_info >= (3, 12) and self._loop.get_task_factory() is None:
            task, begun = asyncio.Task(handling, loop=self._loop, eager_start=True), True
        else:
            task, begun = self._loop.create_task(handling), False
        if run.call in self._tasks:
            self._tasks[run.call] = task
            # For one that is cancelled: before its first step it cannot even notice.
            task.add_done_callback(self._cut_off)
        return not begun

    async def _handle(self, run: Run) -> None:
        outcome: Outcome
        try:
            outcome = Returned(await run.function(run.context, run.params))
        except KeyboardInterrupt:
            # In the first step it would go to whoever has fed bytes: uvloop takes that for a fault
            # of the transport, and goes on.
            await asyncio.sleep(0)
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - which would end the program
            outcome = Raised(error)
        self._conclude(run.call, outcome)

    def _conclude(self, call: Call, outcome: Outcome) -> None:
        """Called by the task itself: a callback would come a turn of the loop later."""
        if call not in self._tasks:
            return  # its task was cancelled, but a factory had shielded it
        self.client.ran(call, outcome, monotonic())
        task = self._tasks.pop(call)
        if task is not None:  # else a turn is under way, and takes the answer along
            task.remove_done_callback(self._cut_off)
            self.turn_soon()

    def _cut_off(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        for call in [call for call, ended in self._tasks.items() if ended is task]:
            self._conclude(call, Raised(error or asyncio.CancelledError()))

    def cancel_task(self, call: Call) -> None:
        task = self._tasks.get(call)
        if task is not None:
            task.cancel()

    def turn_soon(self) -> None:
        if not self._turning:
            self._turning = True
            # Not in the context of a handler: the next ones would see what it has set.
            self._loop.call_soon(self._turn_now, context=self._surroundings)

    def _turn_now(self) -> None:
        self._turning = False
        self.turn()

    def turn_behind_first_steps(self) -> None:
        self.turn_soon()  # the loop takes things in the order in which they were put

    def settle(self) -> None:
        if self._transport is not None and not self._transport.settle():
            self._transport = None
        if self._dialing is not None:
            self._give_up_dial(*self._dialing)
        timer = self.next_timer()
        if timer is not None and (self._timer is None or timer < self._due):
            if self._timer is not None:
                self._timer.cancel()
            self._due = timer
            self._timer = self._loop.call_later(max(0.0, timer - monotonic()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.handle_timer()

    async def shut_down(self) -> None:
        """Let go of everything that runs in this loop."""
        self.close()
        if self._timer is not None:
            self._timer.cancel()
        running: list[asyncio.Task[Any]] = [task for task in self._tasks.values() if task]
        for task in running:
            task.cancel()
        if self._attaching is not None:
            running.append(self._attaching)
        try:
            if running:
                await asyncio.wait(running)
            if isinstance(self._transport, Stream):
                await self._transport.closed.wait()
        finally:  # who is cancelled again does not wait for handlers, but gives the journal up
            if not self.release(BRIEFLY):
                await self._loop.run_in_executor(None, self.release)


class _Transport(SocketTransport):
    """Has the loop watch its socket."""

    __slots__ = ("_loop",)

    def __init__(
        self,
        engine: AsyncioEngine,
        sock: socket.socket,
        link: Link,
        wire: Wire,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(engine, sock, link, wire)
        self._loop = loop
        loop.add_reader(sock.fileno(), self._guarded, self._readable)

    def _readable(self) -> None:
        self.read()
        self.engine.respond()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception as error:
            # A bug: what came in is half done, and the loop would call again and again.
            self.let_go()
            self.engine.lost(self.link, error)
            raise  # to the loop, which tells of it

    def watch(self, *, stuck: bool) -> None:
        if stuck:
            self._loop.add_writer(self.sock.fileno(), self._guarded, self.engine.turn)
        else:
            self._loop.remove_writer(self.sock.fileno())

    def drop(self) -> None:
        self._loop.remove_reader(self.sock.fileno())
        self._loop.remove_writer(self.sock.fileno())
        self.sock.close()
