"""The end of a service holds up nobody else in its event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Condition
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE

from dojo_adapters.runtimes import load_runtime
from dojo_proto import Epos, Settings
from dojo_proto.events import Closed, Event
from dojo_simulator import LocalGateway

Sleep = Callable[[float], Awaitable[None]]
STEPS = 10
"""Of the other task. Together they take far longer than what a service does until it is released,
and far less than what it then waits for an observer."""


class Beside:
    """Another task of the loop, and an observer who is busy until that has taken STEPS.

    `ended_first` says whether the service was over before that.
    """

    def __init__(self) -> None:
        self.ended_first: bool | None = None
        self._steps = 0
        self._over = False
        self._changed = Condition()

    async def run(self, sleep: Sleep) -> None:
        while not self._over:
            await sleep(0.005)
            with self._changed:
                self._steps += 1
                self._changed.notify_all()

    def on_event(self, event: Event) -> None:
        if isinstance(event, Closed):
            with self._changed:
                until = self._steps + STEPS
                self._changed.wait_for(lambda: self._over or self._steps >= until, DEADLINE)
                self.ended_first = self._over

    def end(self) -> None:
        """The service is over."""
        with self._changed:
            self._over = True
            self._changed.notify_all()


async def serve_briefly(module: Any, url: str, beside: Beside) -> None:
    epos = Epos("acme-epos")
    epos.on("ListAreas")(lambda _ctx, _params: [])
    settings = Settings(api_key="sk_sandbox_c4nary", url=url)
    async with module.open_service(epos, settings, on_event=beside.on_event) as service:
        await service.ready()
    beside.end()


@pytest.mark.parametrize("runtime", ["asyncio", "trio", "anyio"])
def test_a_slow_observer_does_not_block_the_loop_when_a_service_ends(runtime: str) -> None:
    library = pytest.importorskip(runtime)
    module = load_runtime(runtime)
    beside = Beside()

    async def main() -> None:
        if runtime == "asyncio":
            other = asyncio.create_task(beside.run(asyncio.sleep))
            await serve_briefly(module, url, beside)
            await other
        elif runtime == "trio":
            async with library.open_nursery() as nursery:
                nursery.start_soon(beside.run, library.sleep)
                await serve_briefly(module, url, beside)
        else:
            async with library.create_task_group() as group:
                group.start_soon(beside.run, library.sleep)
                await serve_briefly(module, url, beside)

    with LocalGateway(close_timeout=0.05) as gateway:
        url = gateway.url
        if runtime == "asyncio":
            asyncio.run(main())
        else:
            library.run(main)
    assert beside.ended_first is False
