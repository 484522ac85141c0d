"""The end of a service holds up nobody else in its event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import pytest

from dojo_adapters.engine import BRIEFLY
from dojo_adapters.runtimes import load_runtime
from dojo_proto import Epos, Settings
from dojo_simulator import LocalGateway

SLOW = 0.4
"""Seconds that the observer takes for its last event."""


async def _ends_while_others_run(
    module: Any, url: str, sleep: Callable[[float], Awaitable[None]], lags: list[float]
) -> None:
    epos = Epos("acme-epos")
    epos.on("ListAreas")(lambda _ctx, _params: [])
    busy = threading.Event()

    def on_event(_event: object) -> None:
        busy.wait(SLOW)

    settings = Settings(api_key="sk_sandbox_c4nary", url=url)
    async with module.open_service(epos, settings, on_event=on_event) as service:
        await service.ready()
    lags.append(-1.0)  # the service is over, and so is the measuring
    await sleep(0)


async def _measure(sleep: Callable[[float], Awaitable[None]], lags: list[float]) -> None:
    while not lags or lags[-1] >= 0:
        before = monotonic()
        await sleep(0.005)
        if not lags or lags[-1] >= 0:
            lags.append(monotonic() - before)


@pytest.mark.parametrize("runtime", ["asyncio", "trio", "anyio"])
def test_a_slow_observer_does_not_block_the_loop_when_a_service_ends(runtime: str) -> None:
    library = pytest.importorskip(runtime)
    module = load_runtime(runtime)
    lags: list[float] = []

    async def main() -> None:
        if runtime == "asyncio":
            measuring = asyncio.create_task(_measure(asyncio.sleep, lags))
            await _ends_while_others_run(module, url, asyncio.sleep, lags)
            await measuring
        elif runtime == "trio":
            async with library.open_nursery() as nursery:
                nursery.start_soon(_measure, library.sleep, lags)
                await _ends_while_others_run(module, url, library.sleep, lags)
        else:
            async with library.create_task_group() as group:
                group.start_soon(_measure, library.sleep, lags)
                await _ends_while_others_run(module, url, library.sleep, lags)

    with LocalGateway(close_timeout=0.05) as gateway:
        url = gateway.url
        begin = monotonic()
        if runtime == "asyncio":
            asyncio.run(main())
        else:
            library.run(main)
    assert monotonic() - begin > SLOW, "nothing was waited for, so nothing is shown"
    assert max(lags) < SLOW / 2 + BRIEFLY
