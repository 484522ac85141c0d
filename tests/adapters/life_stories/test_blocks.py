"""What the users of a runtime write around a service: tasks, groups, threads that wait."""

import threading
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Network
from tests.adapters.life_stories.serving import DEADLINE

from dojo_adapters.engine import Engine
from dojo_adapters.service import Service
from dojo_adapters.threads import Runner
from dojo_proto import Client, Epos, LocalProtocolError, Settings
from dojo_simulator import LocalGateway

LOOPS = [("asyncio", "asyncio"), ("trio", "trio"), ("anyio", "asyncio"), ("anyio", "trio")]


@pytest.fixture
def epos() -> Epos:
    """One that needs no journal."""
    epos = Epos("acme-epos")
    epos.on("SearchOrders")(lambda _ctx, _params: {"data": []})
    return epos


@pytest.fixture
def settings(network: Network) -> Settings:
    return network.settings()


class Loop:
    """An adapter, and a loop that it can serve in; anyio writes the program around it."""

    def __init__(self, adapter: str, backend: str) -> None:
        self.anyio = pytest.importorskip("anyio", reason="anyio is not installed")
        pytest.importorskip(backend, reason=f"{backend} is not installed")
        self.dojo: Any = import_module(f"dojo_adapters.{adapter}")
        self.run = partial(self.anyio.run, backend=backend)


@pytest.fixture(params=LOOPS, ids=" on ".join)
def loop(request: pytest.FixtureRequest) -> Loop:
    return Loop(*request.param)


def test_cancelling_serve_is_a_hard_stop(
    loop: Loop, epos: Epos, settings: Settings, gateway: LocalGateway
) -> None:
    async def main() -> None:
        with loop.anyio.fail_after(DEADLINE):
            async with loop.anyio.create_task_group() as group:
                group.start_soon(loop.dojo.serve, epos, settings)
                while gateway.epos is None:
                    await loop.anyio.sleep(0.001)
                group.cancel_scope.cancel()

    loop.run(main)
    (connection,) = gateway.connections
    assert connection.wait_closed().code == 1006


@pytest.mark.parametrize("loop", LOOPS[1:], ids=" on ".join, indirect=True)
def test_a_group_that_starts_serve_gets_the_service(
    loop: Loop, epos: Epos, settings: Settings, gateway: LocalGateway
) -> None:
    async def main() -> None:
        with loop.anyio.fail_after(DEADLINE):
            async with loop.anyio.create_task_group() as group:
                service: Service = await group.start(loop.dojo.serve, epos, settings)
                assert await service.ready()
                await service.stop()

    loop.run(main)
    (connection,) = gateway.connections
    assert connection.wait_closed().code == 1000


def test_everybody_who_waits_learns_that_the_block_is_over(
    loop: Loop, epos: Epos, settings: Settings
) -> None:
    told: list[str] = []

    async def wait(service: Service, *, task_status: Any) -> None:
        task_status.started()
        await service.wait()
        told.append(service.status().state)

    async def main() -> None:
        with loop.anyio.fail_after(DEADLINE):
            async with loop.anyio.create_task_group() as group:
                with suppress(ZeroDivisionError):
                    async with loop.dojo.open_service(epos, settings) as service:
                        assert await service.ready()
                        await group.start(wait, service)
                        raise ZeroDivisionError

    loop.run(main)
    assert told == ["stopped"]


def test_a_runner_is_started_once(epos: Epos, settings: Settings) -> None:
    with Runner(epos, settings) as runner:
        assert runner.ready(DEADLINE)
        with pytest.raises(LocalProtocolError, match="make a new one"):
            runner.start()


def test_threads_that_wait_for_a_runner_learn_of_its_end(epos: Epos, settings: Settings) -> None:
    told: list[bool] = []
    runner = Runner(epos, settings)
    assert not runner.wait(timeout=0)

    def wait() -> None:
        told.append(runner.wait(DEADLINE))

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    with runner:
        assert runner.ready(DEADLINE)
        for thread in waiting:
            thread.start()
    for thread in waiting:
        thread.join(DEADLINE)
    assert told == [True, True]


def test_a_runner_that_is_not_connected_in_time_says_so(
    epos: Epos, settings: Settings, gateway: LocalGateway
) -> None:
    gateway.refuse_next(503, retry_after=300)
    with Runner(epos, settings) as runner:
        gateway.wait_for_refusals(1)
        assert not runner.ready(timeout=0.01)
        assert not runner.wait(timeout=0)


def test_a_fault_in_a_runners_thread_is_not_taken_for_a_stop(
    epos: Epos, settings: Settings, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.stop_accepting()

    def next_timer(_engine: Engine) -> float:
        raise RuntimeError("a fault")

    printed: list[object] = []
    monkeypatch.setattr(Engine, "next_timer", next_timer)
    monkeypatch.setattr(threading, "excepthook", printed.append)
    runner = Runner(epos, settings)
    runner.start()
    with pytest.raises(RuntimeError, match="a fault"):
        runner.wait(DEADLINE)
    runner.stop()
    assert len(printed) == 1


def test_a_fault_in_one_of_a_runners_other_threads_ends_it_at_once(
    epos: Epos, network: Network, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ran(*_arguments: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(Client, "ran", ran)
    monkeypatch.setattr(threading, "excepthook", lambda _arguments: None)
    # Nothing is due before the test has given up.
    runner = Runner(epos, network.settings(ping_interval=30, read_timeout=60))
    runner.start()
    gateway.wait_for_epos().start_call("SearchOrdersV1")
    with pytest.raises(RuntimeError, match="a fault"):
        runner.wait(DEADLINE)
    runner.stop()
