"""Handlers as tasks of asyncio: each is heard of once, whoever makes its task, or cancels it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from select import select
from typing import Any

import pytest
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.pieces import DEADLINE

from dojo_adapters.asyncio import Service, open_service
from dojo_proto import Context, Epos, Settings
from dojo_simulator import ONCE, LocalGateway, Reply

Loop = asyncio.AbstractEventLoop
NewLoop = Callable[[], Loop]
Handler = Callable[[Context, Any], Coroutine[Any, Any, list[Any]]]

WAITER: ContextVar[str] = ContextVar("WAITER", default="nobody")


@pytest.fixture(params=["asyncio", "uvloop"])
def new_loop(request: pytest.FixtureRequest) -> NewLoop:
    made: NewLoop = pytest.importorskip(request.param).new_event_loop
    return made


def asked(
    handler: Handler, new_loop: NewLoop, *, times: int = 1, factory: Any = None
) -> list[Reply]:
    """The answers to requests at once, of which one runs at a time; `ctx.state` has the service.

    With `factory`, that makes the task of the first handler.
    """
    epos = Epos("acme-epos")
    epos.on("ListAreas")(handler)

    def once(loop: Loop, coroutine: Any, **options: Any) -> Any:
        loop.set_task_factory(None)
        return factory(loop, coroutine, **options)

    async def main(gateway: LocalGateway) -> list[Reply]:
        settings = Settings(api_key="sk_sandbox_c4nary", url=gateway.url, max_in_flight=1)
        state: list[Service] = []
        async with open_service(epos, settings, state=state) as service:
            state.append(service)
            await service.ready()
            await asyncio.to_thread(gateway.wait_for_epos, DEADLINE)
            loop = asyncio.get_running_loop()
            calls = [
                loop.run_in_executor(None, lambda: gateway.call("ListAreas", retry=ONCE))
                for _ in range(times)
            ]
            if factory is not None:
                loop.set_task_factory(once)
            return [await call for call in calls]

    with LocalGateway() as gateway, asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(main(gateway))


async def no_areas(_ctx: Context, _params: Any) -> list[Any]:
    return []


def test_one_that_is_cancelled_before_its_first_step_is_answered_too(new_loop: NewLoop) -> None:
    begun: list[str] = []

    async def begins(_ctx: Context, _params: Any) -> list[Any]:
        begun.append("begun")
        return []

    def cancelled(loop: Loop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task = asyncio.Task(coroutine, loop=loop, **options)
        task.cancel()
        return task

    (reply,) = asked(begins, new_loop, factory=cancelled)
    assert reply.error is not None
    assert reply.error["errorType"] == "UnexpectedError"
    assert begun == []


def test_one_may_be_wrapped_by_a_task_factory(new_loop: NewLoop) -> None:
    steps: list[str] = []

    def wrapping(loop: Loop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        async def wrapped() -> Any:
            steps.append("begun")
            await coroutine
            steps.append("ended")

        return asyncio.Task(wrapped(), loop=loop, **options)

    (reply,) = asked(no_areas, new_loop, factory=wrapping)
    assert reply.error is None
    assert steps == ["begun", "ended"]


def test_one_that_a_task_factory_shields_ends_once_although_it_goes_on(new_loop: NewLoop) -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def goes_on(_ctx: Context, _params: Any) -> list[Any]:
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        return []

    def shielding(loop: Loop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        async def shielded() -> None:
            tasks.append(asyncio.create_task(coroutine))
            await asyncio.shield(tasks[1])

        tasks.append(asyncio.Task(shielded(), loop=loop, **options))
        return tasks[0]

    (reply,) = asked(goes_on, new_loop, factory=shielding)
    assert reply.error is not None
    assert tasks[1].result() is None


def test_what_one_sets_in_its_context_is_not_seen_by_one_that_waited_for_its_place(
    new_loop: NewLoop,
) -> None:
    seen: list[str] = []

    async def sets(ctx: Context, _params: Any) -> list[Any]:
        seen.append(WAITER.get())
        WAITER.set("Ada")
        while len(seen) == 1 and not ctx.state[0].status().queued:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        return []

    asked(sets, new_loop, times=2)
    assert seen == ["nobody", "nobody"]


@pytest.mark.parametrize("waits", [False, True])
def test_one_that_is_interrupted_ends_the_program(new_loop: NewLoop, *, waits: bool) -> None:
    async def interrupted(_ctx: Context, _params: Any) -> list[Any]:
        if waits:
            await asyncio.sleep(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(interrupted, new_loop)


def test_the_answer_of_one_that_never_waits_has_left_when_the_loop_turns_next(
    new_loop: NewLoop,
) -> None:
    epos = Epos("acme-epos")

    async def main(played: PlayedGateway) -> bool:
        loop = asyncio.get_running_loop()
        has_left = loop.create_future()

        @epos.on("ListAreas")
        async def lists(_ctx: Context, _params: Any) -> list[Any]:
            loop.call_soon(lambda: has_left.set_result(select([peer.socket], [], [], 0)[0] != []))
            return []

        settings = Settings(api_key="sk_sandbox_c4nary", url=played.url)
        async with open_service(epos, settings) as service:
            peer = await asyncio.to_thread(played.accept_epos)
            await service.ready()
            with peer.socket:
                peer.send(peer.request(1, "ListAreasV1"))
                return bool(await has_left)

    with PlayedGateway() as played, asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(main(played))
