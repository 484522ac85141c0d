"""Tasks of trio that run one handler after the other."""

from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from typing import Any

import pytest
from tests.adapters.pieces import make_run

from dojo_proto.call import Call
from dojo_proto.work import Outcome, Raised, Returned, Run

trio = pytest.importorskip("trio")
pytest.importorskip("trio.testing")
crew_module = pytest.importorskip("dojo_adapters.crew")

WAITER: ContextVar[str] = ContextVar("WAITER", default="nobody")


class Stage:
    """A crew in a nursery, with what its handlers came to."""

    def __init__(self, nursery: Any) -> None:
        self.started = 0
        self.ended_by_then: list[int] = []
        """How many had ended, each time that all had begun."""
        self.outcomes: dict[Call, Outcome] = {}
        self._unbegun: set[Call] = set()
        self._nursery = nursery
        self.crew = crew_module.Crew(self._start_soon, self._deliver, self._all_begun)

    def submit(self, handler: Callable[..., Awaitable[Any]]) -> Run:
        async def begins(*arguments: object) -> Any:
            self._unbegun.discard(run.call)
            return await handler(*arguments)

        run = make_run(begins)
        self._unbegun.add(run.call)
        self.crew.submit(run)
        return run

    def _start_soon(self, function: Callable[..., Awaitable[None]]) -> None:
        self.started += 1
        self._nursery.start_soon(function)

    def _all_begun(self) -> None:
        assert not self._unbegun
        self.ended_by_then.append(len(self.outcomes))

    def _deliver(self, call: Call, outcome: Outcome) -> None:
        assert call not in self.outcomes
        self._unbegun.discard(call)  # one that was cancelled never begins
        self.outcomes[call] = outcome


def play(story: Callable[[Stage], Awaitable[None]]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await story(Stage(nursery))
            nursery.cancel_scope.cancel()

    trio.run(main)


async def passed() -> None:
    """Until all tasks wait for something."""
    await trio.testing.wait_all_tasks_blocked()


async def at_once(_ctx: object, _params: object) -> str:
    return "done"


def sleeping(ended: list[str]) -> Callable[..., Awaitable[None]]:
    """A handler that never ends by itself, and says when it does."""

    async def sleeps(_ctx: object, _params: object) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append("slept")

    return sleeps


def test_handlers_that_never_wait_share_one_task() -> None:
    async def story(stage: Stage) -> None:
        runs = [stage.submit(at_once) for _ in range(50)]
        await passed()
        assert stage.outcomes == {run.call: Returned("done") for run in runs}
        assert stage.started == 1
        stage.submit(at_once)
        await passed()
        assert stage.started == 1

    play(story)


def test_a_task_that_waits_takes_the_next_handler_time_after_time() -> None:
    async def story(stage: Stage) -> None:
        for _ in range(3):
            run = stage.submit(at_once)
            await passed()
            assert stage.outcomes[run.call] == Returned("done")
        assert stage.started == 1

    play(story)


def test_what_a_burst_has_needed_ends_with_it() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            stage = Stage(nursery)
            going = trio.Event()

            async def waits(_ctx: object, _params: object) -> None:
                await going.wait()

            for _ in range(50):
                stage.submit(waits)
            await passed()
            assert len(nursery.child_tasks) == 50
            going.set()
            await passed()
            assert len(nursery.child_tasks) == crew_module._KEPT
            nursery.cancel_scope.cancel()

    trio.run(main)


def test_handlers_that_wait_run_all_at_once() -> None:
    async def story(stage: Stage) -> None:
        going = trio.Event()
        running: list[int] = []

        async def waits(_ctx: object, _params: object) -> None:
            running.append(1)
            await going.wait()

        for _ in range(50):
            stage.submit(waits)
        await passed()
        assert len(running) == 50
        assert stage.outcomes == {}
        going.set()
        await passed()
        assert len(stage.outcomes) == 50
        for _ in range(50):
            stage.submit(waits)
        await passed()
        assert stage.started <= 50 + 50 - 4  # so many of the first were kept

    play(story)


def test_it_is_told_when_all_have_begun_and_those_that_do_not_wait_have_ended() -> None:
    async def story(stage: Stage) -> None:
        for _ in range(3):
            stage.submit(at_once)
        assert stage.ended_by_then == []
        await passed()
        assert stage.ended_by_then == [3]

    play(story)


def test_it_is_told_when_all_have_begun_and_the_last_one_waits() -> None:
    async def story(stage: Stage) -> None:
        async def waits(_ctx: object, _params: object) -> None:
            await trio.sleep_forever()

        stage.submit(at_once)
        stage.submit(waits)
        await passed()
        assert stage.ended_by_then == [1]

    play(story)


def test_each_handler_has_a_context_of_its_own_before_and_after_it_waits() -> None:
    async def story(stage: Stage) -> None:
        async def names(_ctx: object, _params: object) -> tuple[str, str, str]:
            before = WAITER.get()
            WAITER.set("ann")
            await trio.lowlevel.checkpoint()
            within = WAITER.get()
            WAITER.set("bob")
            return before, within, WAITER.get()

        runs = [stage.submit(names) for _ in range(3)]
        await passed()
        assert [stage.outcomes[run.call] for run in runs] == [
            Returned(("nobody", "ann", "bob"))
        ] * 3

    play(story)


def test_only_the_handler_that_is_cancelled_ends() -> None:
    async def story(stage: Stage) -> None:
        ended: list[str] = []
        sleeps = sleeping(ended)
        first, second = stage.submit(sleeps), stage.submit(sleeps)
        await passed()
        stage.crew.cancel(first.call)
        await passed()
        outcome = stage.outcomes[first.call]
        assert isinstance(outcome, Raised)
        assert isinstance(outcome.error, trio.Cancelled)
        assert second.call not in stage.outcomes
        assert ended == ["slept"]
        stage.crew.cancel(first.call)  # which is over
        third = stage.submit(at_once)
        await passed()
        assert stage.outcomes[third.call] == Returned("done")

    play(story)


def test_a_handler_that_is_cancelled_before_it_begins_never_does() -> None:
    async def story(stage: Stage) -> None:
        begun: list[str] = []

        async def begins(_ctx: object, _params: object) -> None:
            begun.append("begun")

        early, late = stage.submit(begins), stage.submit(begins)
        stage.crew.cancel(early.call)
        assert isinstance(stage.outcomes[early.call], Raised)
        await passed()
        assert stage.outcomes[late.call] == Returned(None)
        stage.crew.cancel(late.call)  # of what is over there is nothing to cancel
        assert begun == ["begun"]

    play(story)


def test_only_the_one_that_is_cancelled_before_it_begins_never_does() -> None:
    async def story(stage: Stage) -> None:
        first, second, third = (stage.submit(at_once) for _ in range(3))
        stage.crew.cancel(second.call)
        assert list(stage.outcomes) == [second.call]
        await passed()
        for run in (first, third):
            assert stage.outcomes[run.call] == Returned("done")

    play(story)


def test_what_waits_behind_a_handler_that_is_cancelled_in_its_first_step_runs() -> None:
    async def story(stage: Stage) -> None:
        async def gives_up(_ctx: object, _params: object) -> str:
            stage.crew.cancel(run.call)
            return "all the same"

        run = stage.submit(gives_up)
        after = stage.submit(at_once)
        await passed()
        assert stage.outcomes[run.call] == Returned("all the same")
        assert stage.outcomes[after.call] == Returned("done")

    play(story)


def test_a_handler_that_returns_although_all_is_cancelled_has_returned() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            stage, going = Stage(nursery), trio.Event()

            async def books(_ctx: object, _params: object) -> str:
                with trio.CancelScope(shield=True):
                    await going.wait()
                return "booked"

            run = stage.submit(books)
            await passed()
            nursery.cancel_scope.cancel()
            going.set()
        assert stage.outcomes == {run.call: Returned("booked")}

    trio.run(main)


def test_a_handler_that_waits_for_what_is_not_trios_is_told_so_itself() -> None:
    class Alien:
        def __await__(self) -> Generator[str, None, None]:
            yield "of another library"

    async def story(stage: Stage) -> None:
        async def strays(_ctx: object, _params: object) -> str:
            try:
                await Alien()
            except TypeError:
                return "told"
            return "not told"

        run = stage.submit(strays)
        await passed()
        assert stage.outcomes[run.call] == Returned("told")

    play(story)


def test_a_handler_that_is_cut_off_since_all_is_cancelled_has_no_outcome() -> None:
    ended: list[str] = []
    sleeps = sleeping(ended)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            stage = Stage(nursery)
            for _ in range(3):
                stage.submit(sleeps)
            await passed()
            nursery.cancel_scope.cancel()
        assert stage.outcomes == {}

    trio.run(main)
    assert ended == ["slept"] * 3


def test_a_handler_that_returns_although_it_is_cancelled_has_returned() -> None:
    async def story(stage: Stage) -> None:
        async def stubborn(_ctx: object, _params: object) -> str:
            with trio.CancelScope(shield=True):
                await going.wait()
            return "all the same"

        going = trio.Event()
        run = stage.submit(stubborn)
        await passed()
        stage.crew.cancel(run.call)
        going.set()
        after = stage.submit(at_once)
        await passed()
        assert stage.outcomes[run.call] == Returned("all the same")
        assert stage.outcomes[after.call] == Returned("done")

    play(story)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_what_a_handler_raises_is_its_outcome(error: BaseException) -> None:
    async def story(stage: Stage) -> None:
        async def fails(_ctx: object, _params: object) -> None:
            raise error

        async def fails_later(_ctx: object, _params: object) -> None:
            await trio.lowlevel.checkpoint()
            raise error

        runs = [stage.submit(fails), stage.submit(fails_later)]
        await passed()
        assert [stage.outcomes[run.call] for run in runs] == [Raised(error)] * 2
        assert stage.started == 1

    play(story)


def test_an_interrupt_goes_through() -> None:
    async def story(stage: Stage) -> None:
        async def interrupted(_ctx: object, _params: object) -> None:
            raise KeyboardInterrupt

        stage.submit(interrupted)
        await trio.sleep_forever()

    with pytest.raises(BaseException) as caught:  # noqa: PT011 - in a group, as trio has it
        play(story)
    assert caught.group_contains(KeyboardInterrupt)
