"""How a contestant runs its loop, and a task for each request."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def loop_factory(loop: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the loop of that name, "asyncio" or "uvloop"; None for asyncio's own."""
    if loop == "uvloop":
        import uvloop  # noqa: PLC0415 - only where it is wanted

        return uvloop.new_event_loop
    return None


def workers(loop: str) -> int:
    """How many threads there are for handlers: ours has 8 by default, and "threads-32" has 32."""
    return int(loop.partition("-")[2] or 8)


def run(main: Coroutine[Any, Any, None], loop: str) -> None:
    """Run `main` on the loop of that name."""
    with asyncio.Runner(loop_factory=loop_factory(loop)) as runner:
        runner.run(main)


class Tasks:
    """Tasks that nobody waits for, kept from being collected, as asyncio's documentation says."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run `coroutine` in a task."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
