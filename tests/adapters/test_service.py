"""What the engines of event loops share: how they respond, and those who wait for them."""

import asyncio

import pytest
from tests.adapters.by_hand import AsyncByHand, Script, make_task, scripted
from tests.adapters.pieces import DEADLINE

from dojo_adapters.service import Latch, Service
from dojo_proto import Stop
from dojo_proto.errors import AuthenticationError


def test_all_who_wait_are_woken_and_whoever_comes_later_does_not_wait() -> None:
    async def main() -> None:
        latch = Latch(asyncio.Event)
        waiting = [asyncio.ensure_future(latch.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in waiting)
        latch.set()
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*waiting)
            await latch.wait()

    asyncio.run(main())


def test_nothing_of_the_runtime_is_made_where_nobody_waits() -> None:
    made: list[asyncio.Event] = []

    def make_event() -> asyncio.Event:
        made.append(asyncio.Event())
        return made[-1]

    async def main() -> None:
        latch = Latch(make_event)
        latch.set()
        await latch.wait()

    asyncio.run(main())
    assert made == []


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Script:
    """That of the engine which the test makes."""
    return scripted(monkeypatch)


def test_the_answers_of_first_steps_leave_with_the_turn_behind_them(client: Script) -> None:
    engine = AsyncByHand(asyncio.Event)
    client.works.append(make_task(params={}))
    engine.respond()
    assert [name for name, *_ in engine.did] == ["task", "turn behind first steps"]
    engine.close()


def test_where_none_is_to_take_its_first_step_the_turn_is_taken_at_once(client: Script) -> None:
    engine = AsyncByHand(asyncio.Event)
    client.works.append(make_task())
    engine.respond()
    assert [name for name, *_ in engine.did] == ["task", "settle"]
    engine.close()


def test_what_comes_in_once_it_is_closed_has_no_handler_called(client: Script) -> None:
    engine = AsyncByHand(asyncio.Event)
    engine.close()
    del engine.did[:]
    client.works.append(make_task())
    engine.drain_inbox()
    assert engine.did == []


def test_who_waits_learns_what_has_ended_it(client: Script) -> None:
    refused = AuthenticationError("refused", status=401)

    async def main() -> None:
        engine = AsyncByHand(asyncio.Event)
        service = Service(engine)
        waiting = [asyncio.ensure_future(each) for each in (service.ready(), service.wait())]
        await asyncio.sleep(0)
        client.action = Stop(error=refused)
        engine.turn()
        async with asyncio.timeout(DEADLINE):
            assert await asyncio.gather(*waiting, return_exceptions=True) == [refused, refused]
        engine.close()

    asyncio.run(main())


def test_who_waits_learns_that_it_was_stopped(client: Script) -> None:
    async def main() -> None:
        engine = AsyncByHand(asyncio.Event)
        service = Service(engine)
        client.action = Stop(error=None)
        engine.turn()
        async with asyncio.timeout(DEADLINE):
            assert not await service.ready()
            await service.wait()
        engine.close()

    asyncio.run(main())
