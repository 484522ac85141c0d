"""The engine of threads, its workers and its inbox leave nothing undone, however they go on."""

from collections.abc import Callable
from functools import partial

import pytest
from tests.adapters.interleaving.explorer import explore
from tests.adapters.interleaving.till import Till
from tests.adapters.interleaving.world import Strand, World

from dojo_adapters import engine, inbox, pool, threads, wheel, workers

Handler = Callable[[Till], object]
Check = Callable[[Till], object]


def explore_till(
    *handlers: Handler,
    workers_most: int,
    check: Check,
    other: Handler | None = None,
    timed: bool = False,
    preemptions: float = 1,
) -> None:
    """Have a till run `handlers`, while an `other` thread does something to it."""

    def build(world: World) -> Callable[[], object]:
        till = Till(world, handlers, workers=workers_most, timed=timed)
        for module in (threads, engine):
            patch.setattr(module, "monotonic", till.monotonic)
        world.spawn("driver", till.drive, sleeps=True)
        if other is not None:
            world.spawn("other", partial(other, till))
        return partial(check, till)

    with pytest.MonkeyPatch.context() as patch:
        explore(
            build,
            [threads, wheel, inbox],
            unwatched=[engine, pool, workers],  # they have tests of their own, or need the wheel
            preemptions=preemptions,
        )


def answer(_till: Till) -> None:
    """A handler that returns at once."""


def never(till: Till) -> None:
    """A handler that does not return."""
    till.world.wait_until(lambda: False)


def abort(till: Till) -> None:
    """A handler, or another thread, that ends the service."""
    till.request_abort()


def expect_answered(*numbers: int) -> Check:
    def check(till: Till) -> None:
        till.expect_rest()
        assert sorted(till.known.sent) == list(numbers), f"{till.known.sent} are answered"

    return check


def fail(_till: Till) -> None:
    """A handler with whose outcome the client cannot do."""
    raise ValueError


def expect_ended(till: Till) -> None:
    expect_no_thread(till)
    assert till._failure is None, till._failure  # which a worker has left to the driving thread
    assert till.error is None, till.error


def expect_no_thread(till: Till) -> None:
    left = [strand.name for strand in till.world.strands if not strand.ended]
    assert not left, f"{left} wait"


def test_a_worker_and_the_driving_thread_do_it_all_between_them() -> None:
    explore_till(answer, workers_most=1, check=expect_answered(0), preemptions=2)


def test_the_driving_thread_waits_for_a_timer_that_a_worker_has_set() -> None:
    explore_till(answer, workers_most=1, check=expect_answered(0), timed=True, preemptions=2)


@pytest.mark.parametrize("timed", [False, True])
def test_two_workers_and_the_driving_thread_do_it_all_between_them(timed: bool) -> None:
    explore_till(answer, answer, workers_most=2, check=expect_answered(0, 1), timed=timed)


def test_a_worker_runs_what_follows_from_what_another_one_has_reported() -> None:
    explore_till(answer, answer, answer, workers_most=2, check=expect_answered(0, 1, 2))


def test_an_answer_never_waits_for_the_next_handler_of_its_worker() -> None:
    explore_till(answer, never, answer, never, workers_most=2, check=expect_answered(0, 2))


def test_what_comes_into_the_inbox_is_done_by_the_driving_thread() -> None:
    def put(till: Till) -> None:
        till.inbox.put(lambda _now: done.append(till.world.running))

    def check(till: Till) -> None:
        expect_answered(0)(till)
        assert [strand and strand.name for strand in done] == ["driver"]
        done.clear()

    done: list[Strand | None] = []
    explore_till(answer, workers_most=1, check=check, other=put)


def test_a_service_that_is_aborted_ends_all_threads_and_answers_nothing_any_more() -> None:
    def check(till: Till) -> None:
        expect_ended(till)
        assert till.known.unsent == []

    explore_till(answer, workers_most=1, check=check, other=abort)


def test_a_fault_that_a_worker_finds_ends_the_service_and_all_threads() -> None:
    def check(till: Till) -> None:
        expect_no_thread(till)
        assert "Raised" in str(till.error)

    explore_till(fail, workers_most=1, check=check, preemptions=2)


def test_what_a_handler_asks_for_comes_before_its_own_outcome() -> None:
    def check(till: Till) -> None:
        expect_ended(till)
        assert till.known.sent == [], "what it has aborted is answered all the same"

    explore_till(abort, workers_most=1, check=check)


def test_it_does_so_too_where_the_driving_thread_has_just_looked_what_came_in() -> None:
    def wake(till: Till) -> None:
        till.inbox.put(lambda _now: None)

    def check(till: Till) -> None:
        expect_ended(till)
        assert till.known.sent == [], "what it has aborted is answered all the same"

    explore_till(abort, workers_most=1, check=check, other=wake)


def test_what_has_ended_before_the_engine_closes_is_journaled_whatever_comes_in() -> None:
    def outlast(till: Till) -> None:
        till.world.wait_until(lambda: till.known.stopped)

    def end(till: Till) -> None:
        def come_in() -> None:
            till.known.left_over = len(till._wheel._outcomes)
            till.inbox.put(lambda _now: None)

        till.known.when_closing = come_in
        till.request_abort()

    def check(till: Till) -> None:
        expect_ended(till)
        left_over.append(till.known.left_over)
        assert len(till.steps.done) >= till.known.left_over, "the journal does not hear of it"

    left_over: list[int] = []
    explore_till(outlast, workers_most=1, check=check, other=end)
    assert set(left_over) == {0, 1}
