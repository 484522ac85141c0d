"""What trio and anyio share: an engine in a nursery, by whatever name the library calls that."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from math import inf
from time import monotonic
from types import ModuleType
from typing import Any, Unpack

from dojo_adapters.engine import BRIEFLY, Options
from dojo_adapters.service import AsyncEngine, Service
from dojo_adapters.tls import Wire
from dojo_proto import Epos, Link, Settings
from dojo_proto.call import Call
from dojo_proto.work import Outcome, Raised, Returned, Run


class StructuredEngine(AsyncEngine):
    """A ticker, a transport, and a task for each `async def`.

    `library` is trio or anyio, which name most things alike; `open_group` opens a nursery, or a
    task group.
    """

    start_soon: Callable[..., object]
    """Of the nursery or task group that all of it runs in."""

    def __init__(
        self,
        epos: Epos,
        settings: Settings | None,
        *,
        library: ModuleType,
        open_group: Callable[[], AbstractAsyncContextManager[Any]],
        **options: Unpack[Options],
    ) -> None:
        self.transport: StructuredTransport | None = None
        self.library = library
        self.open_group = open_group
        self._sleeping: Any = library.CancelScope()
        self._sleeps_until = inf
        self._tasks: dict[Call, Any] = {}
        super().__init__(epos, settings, event=library.Event, **options)

    async def listen(self) -> None:
        """Take what other threads bring, where `wake` alone cannot; until cancelled."""

    async def tick(self) -> None:
        """Call `handle_timer` when it is time, until cancelled."""
        while True:
            self._sleeps_until = self._timer_or_inf()
            with self.library.CancelScope() as self._sleeping:
                await self.library.sleep(max(0.0, self._sleeps_until - monotonic()))
                self._sleeps_until = -inf
                await self.library.lowlevel.checkpoint()  # what is readable is fed first
                self.handle_timer()

    def start_task(self, run: Run) -> None:
        """Run an `async def`."""
        scope = self._tasks[run.call] = self.library.CancelScope()
        self.start_soon(self._handle, run, scope)

    def cancel_task(self, call: Call) -> None:
        """Cancel the `async def` of `call`, if it still runs."""
        scope = self._tasks.get(call)
        if scope is not None:
            scope.cancel()

    def settle(self) -> None:
        """Wake the writer, and the ticker if it sleeps too long."""
        if self.transport is not None:
            self.transport.wake()
        if self._timer_or_inf() < self._sleeps_until:
            self._sleeping.cancel()

    def _timer_or_inf(self) -> float:
        timer = self.next_timer()
        return inf if timer is None else timer

    async def _handle(self, run: Run, scope: Any) -> None:
        # What stays if the scope is cancelled; a cancellation from outside passes through.
        outcome: Outcome = Raised(TimeoutError("cancelled: nobody waits for it any more"))
        try:
            with scope:
                try:
                    outcome = Returned(await run.function(run.context, run.params))
                except KeyboardInterrupt:
                    raise
                except BaseException as error:
                    # What looks like a cancellation is one only if this task is being cancelled:
                    # a handler may have awaited something else that was.
                    if self.library.current_effective_deadline() == -inf:
                        raise
                    outcome = Raised(error)
        finally:
            del self._tasks[run.call]
        self.ran(run.call, outcome)


@asynccontextmanager
async def opened(engine: StructuredEngine) -> AsyncIterator[Service]:
    """Serve while the block runs. Leaving it drains; an exception or a cancellation stops at once.

    Raises what ended the service when the block is left.
    """
    library = engine.library
    service = Service(engine)
    failure: Exception | None = None
    try:
        async with engine.open_group() as group:
            engine.start_soon = group.start_soon
            group.start_soon(engine.tick)
            group.start_soon(engine.listen)
            try:
                engine.start()
                yield service
                await service.stop()
            except Exception as error:  # noqa: BLE001 - raised below, since the group would wrap it
                failure = error
            finally:
                engine.close()
                group.cancel_scope.cancel()
    finally:
        if not engine.release(BRIEFLY):
            with library.CancelScope(shield=True):
                await library.to_thread.run_sync(engine.release)
    if (failure := failure or engine.error) is not None:
        raise failure


class StructuredTransport(ABC):
    """Carries the bytes of one link: a reader, and a writer that sleeps until it is woken."""

    def __init__(self, engine: StructuredEngine, link: Link, wire: Wire) -> None:
        self.engine = engine
        self.link = link
        self._wire = wire
        self._scope = engine.library.CancelScope()
        self._woken = engine.library.Event()

    @abstractmethod
    async def receive(self) -> bytes:
        """Bytes from the socket; none at the end of the stream. Raises BrokenResourceError."""

    @abstractmethod
    async def send(self, data: bytes) -> None:
        """Write all of `data`. Raises BrokenResourceError."""

    def wake(self) -> None:
        """Have the writer look for bytes; end both when the link is over."""
        if self.engine.carries(self.link):
            self._woken.set()
        else:
            self._scope.cancel()

    async def carry(self) -> None:
        """Carry bytes until the link is over."""
        with self._scope:
            async with self.engine.open_group() as group:
                group.start_soon(self._read)
                await self._write()

    async def _read(self) -> None:
        while True:
            try:
                data = await self.receive()
            except self.engine.library.BrokenResourceError as error:
                self.engine.lost(self.link, error)
                return
            if data:
                self._wire.receive(data, monotonic())
            else:
                self._wire.receive_eof(monotonic())
            self.engine.turn()
            if not data:
                return

    async def _write(self) -> None:
        while True:
            self._woken = self.engine.library.Event()
            data = self._wire.data_to_send(monotonic())
            if not data:
                await self._woken.wait()
                continue
            try:
                await self.send(data)
            except self.engine.library.BrokenResourceError as error:
                self.engine.lost(self.link, error)
                return
