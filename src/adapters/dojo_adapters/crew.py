"""Tasks of trio for `async def` handlers, each for one handler after the other.

To start a task and to open its cancel scope costs more than all else that a request takes. Nothing
of trio tells handlers of one task apart: each has a context of its own, and a task whose scope was
cancelled is not used again.
"""

from collections import deque
from collections.abc import Callable, Generator
from contextvars import copy_context
from functools import partial
from typing import Any

import trio

from dojo_proto.call import Call
from dojo_proto.work import Outcome, Raised, Returned, Run

_KEPT = 4
"""Tasks that wait for the next handlers; what a burst has needed besides ends."""


class Crew:
    """As many tasks as there are handlers that wait for something, and one for all others.

    `start_soon` is that of a nursery. The tasks call `deliver(call, outcome)`, and `all_begun()`
    each time that no handler is left which has not begun.
    """

    def __init__(
        self,
        start_soon: Callable[..., object],
        deliver: Callable[[Call, Outcome], None],
        all_begun: Callable[[], None],
    ) -> None:
        self._start_soon = start_soon
        self._deliver = deliver
        self._all_begun = all_begun
        self._runs: deque[Run] = deque()
        # Of handlers that run; None is one that was cancelled.
        self._scopes: dict[Call, trio.CancelScope | None] = {}
        self._asleep: list[trio.Event] = []
        # Tasks that were started or woken, and have not looked yet at what there is to do.
        self._coming = 0

    def submit(self, run: Run) -> None:
        """Have the handler called in the next turn of the loop."""
        self._runs.append(run)
        if not self._coming:
            self._call(1)

    def cancel(self, call: Call) -> None:
        """Cancel the handler of `call`, if it still runs; one that has not begun never does."""
        scope = self._scopes.get(call)
        if scope is not None:
            self._scopes[call] = None
            scope.cancel()
            return
        for run in self._runs:
            if run.call is call:
                self._runs.remove(run)
                self._deliver(call, Raised(trio.TooSlowError()))
                return

    def _call(self, wanted: int) -> None:
        """See to it that `wanted` tasks are on their way, as far as there is work for them."""
        while self._coming < min(wanted, len(self._runs)):
            self._coming += 1
            if self._asleep:
                self._asleep.pop().set()
            else:
                self._start_soon(self._work)

    async def _work(self) -> None:
        with trio.CancelScope() as scope:
            self._coming -= 1
            usable = True
            while usable:
                if self._runs:
                    usable = await self._serve(self._runs.popleft(), scope)
                    continue
                self._all_begun()
                if len(self._asleep) < _KEPT:
                    await self._sleep()
                else:
                    break
        self._call(1)

    async def _serve(self, run: Run, scope: trio.CancelScope) -> bool:
        """Whether this task may serve another one: not if its scope was cancelled.

        Of its own, so that a task that sleeps keeps nothing of the last request.
        """
        self._scopes[run.call] = scope
        outcome: Outcome
        try:
            outcome = Returned(await _Handling(run, self._wait))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - nothing that a handler raises ends a service
            # A cancellation may stop here. If it was of this handler, this task ends.
            outcome = Raised(error)
        fresh = self._scopes.pop(run.call) is not None
        if type(outcome) is Raised and fresh:
            # If all of the service is cancelled, this says so: it ends by that, and the handler was
            # cut off, which is for the client to judge.
            await trio.lowlevel.checkpoint_if_cancelled()
        self._deliver(run.call, outcome)
        return fresh

    async def _sleep(self) -> None:
        woken = trio.Event()
        self._asleep.append(woken)
        await woken.wait()
        self._coming -= 1

    def _wait(self) -> None:
        """A handler has to wait: others take what is left, and twice as many in each turn."""
        self._call(2)
        if not self._runs:
            self._all_begun()


class _Handling:
    """Awaits a handler in a context of its own, and calls `waits` when it first has to wait."""

    __slots__ = ("_run", "_waits")

    def __init__(self, run: Run, waits: Callable[[], None]) -> None:
        self._run = run
        self._waits = waits

    def __await__(self) -> Generator[Any, Any, Any]:
        run = self._run
        in_context = copy_context().run
        try:
            steps = in_context(run.function, run.context, run.params).__await__()
            wanted = in_context(steps.send, None)
        except StopIteration as end:
            return end.value
        self._waits()
        while True:
            try:
                step = partial(steps.send, (yield wanted))
            except BaseException as error:  # noqa: BLE001 - it is the handler's
                step = partial(steps.throw, error)
            try:
                wanted = in_context(step)
            except StopIteration as end:
                return end.value
