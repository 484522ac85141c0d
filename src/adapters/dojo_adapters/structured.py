"""What trio and anyio share: an engine in a nursery, by whatever name the library calls that."""

from collections.abc import Callable
from math import inf
from time import monotonic
from types import ModuleType
from typing import Any, Protocol, Unpack

from dojo_adapters.engine import Options
from dojo_adapters.service import AsyncEngine
from dojo_proto import Epos, Settings
from dojo_proto.call import Call
from dojo_proto.work import Outcome, Raised, Returned, Run


class Transport(Protocol):
    """What carries the bytes of one link."""

    def wake(self) -> None:
        """Look for bytes to write; end when the link is over."""
        ...


class StructuredEngine(AsyncEngine):
    """A ticker, a transport, and a task for each `async def`.

    `library` is trio or anyio, which name the same things alike.
    """

    start_soon: Callable[..., object]
    """Of the nursery or task group that all of it runs in."""

    def __init__(
        self,
        epos: Epos,
        settings: Settings | None,
        *,
        library: ModuleType,
        **options: Unpack[Options],
    ) -> None:
        self.transport: Transport | None = None
        self._library = library
        self._sleeping: Any = library.CancelScope()
        self._sleeps_until = inf
        self._tasks: dict[Call, Any] = {}
        super().__init__(epos, settings, event=library.Event, **options)

    async def tick(self) -> None:
        """Call `handle_timer` when it is time, until cancelled."""
        while True:
            self._sleeps_until = self._timer_or_inf()
            with self._library.CancelScope() as self._sleeping:
                await self._library.sleep(max(0.0, self._sleeps_until - monotonic()))
                self._sleeps_until = -inf
                await self._library.lowlevel.checkpoint()  # what is readable is fed first
                self.handle_timer()

    def start_task(self, run: Run) -> None:
        """Run an `async def`."""
        scope = self._tasks[run.call] = self._library.CancelScope()
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
                    if self._library.current_effective_deadline() == -inf:
                        raise
                    outcome = Raised(error)
        finally:
            del self._tasks[run.call]
        self.ran(run.call, outcome)
