"""Threads for `def` handlers."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Barrier, Event, current_thread
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE, Collected, eventually, join_all, make_run, threads_named

from dojo_adapters.workers import Workers, call
from dojo_proto.work import Outcome, Raised, Returned, Run

Delivered = tuple[Run, Outcome]


@contextmanager
def workers(limit: int) -> Iterator[tuple[Workers, Collected[Delivered]]]:
    """Workers, and what they have delivered; no thread is left behind, nor was one by others."""
    join_all("dojo-handler")
    delivered = Collected[Delivered]()
    pool = Workers(limit, lambda run, outcome: delivered.put((run, outcome)))
    yield pool, delivered
    pool.close()
    join_all("dojo-handler")


handler_threads = partial(threads_named, "dojo-handler")


# What becomes of a call.


def test_what_a_handler_returns_is_its_outcome() -> None:
    assert call(lambda context, params: (context, params), 1, 2) == Returned((1, 2))


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(0), KeyboardInterrupt()])
def test_what_a_handler_raises_is_its_outcome_whatever_it_is(error: BaseException) -> None:
    def handler() -> None:
        raise error

    assert call(handler) == Raised(error)


def test_a_handler_gets_context_and_params_and_its_run_comes_back() -> None:
    seen: list[Any] = []

    def handler(*arguments: Any) -> str:
        seen.extend(arguments)
        return "done"

    run = make_run(handler, {"orderId": "7"})
    with workers(1) as (pool, delivered):
        pool.submit(run)
        assert delivered.wait(1) == [(run, Returned("done"))]
    assert seen == [run.context, {"orderId": "7"}]


def test_a_thread_lives_on_after_a_handler_that_wants_to_exit() -> None:
    def leave(*_arguments: Any) -> None:
        sys.exit(3)

    def stay(*_arguments: Any) -> str:
        return current_thread().name

    with workers(1) as (pool, delivered):
        pool.submit(make_run(leave))
        pool.submit(make_run(stay))
        (_, left), (_, stayed) = delivered.wait(2)
        assert isinstance(left, Raised)
        assert isinstance(left.error, SystemExit)
        assert stayed == Returned("dojo-handler")


# How many threads there are.


def test_no_thread_is_started_before_there_is_work() -> None:
    with workers(8) as (pool, delivered):
        assert handler_threads() == []
        pool.submit(make_run(lambda *_: None))
        delivered.wait(1)
        assert len(handler_threads()) == 1


def test_a_thread_that_is_free_is_used_again() -> None:
    with workers(8) as (pool, delivered):
        for done in range(1, 20):
            pool.submit(make_run(lambda *_: None))
            delivered.wait(done)
            eventually(lambda: len(pool._free) == 1, "the thread is free")
            assert len(handler_threads()) == 1


def test_as_many_run_at_once_as_there_may_be_threads() -> None:
    together = Barrier(4)  # passed only if all four run at once

    def meet(*_arguments: Any) -> int:
        return together.wait(DEADLINE)

    with workers(4) as (pool, delivered):
        for _ in range(4):
            pool.submit(make_run(meet))
        outcomes = [outcome for _, outcome in delivered.wait(4)]
    assert sorted(outcome.value for outcome in outcomes if isinstance(outcome, Returned)) == [
        *range(4)
    ]


def test_what_waits_runs_in_order() -> None:
    ran: list[int] = []
    with workers(1) as (pool, delivered):
        for number in range(20):
            pool.submit(make_run(lambda _context, number: ran.append(number), number))
        delivered.wait(20)
    assert ran == list(range(20))


def test_more_work_than_threads_waits() -> None:
    going = Event()
    running = Collected[int]()

    def handler(_context: Any, number: int) -> int:
        running.put(number)
        assert going.wait(DEADLINE)
        return number

    with workers(2) as (pool, delivered):
        for number in range(20):
            pool.submit(make_run(handler, number))
        assert sorted(running.wait(2)) == [0, 1]
        assert len(handler_threads()) == 2
        going.set()
        outcomes = [outcome for _, outcome in delivered.wait(20)]
        assert {o.value for o in outcomes if isinstance(o, Returned)} == set(range(20))
        assert len(handler_threads()) == 2


def test_waves_of_work_never_need_more_threads_than_allowed() -> None:
    with workers(3) as (pool, delivered):
        for wave in range(1, 30):
            for _ in range(5):
                pool.submit(make_run(lambda *_: None))
            delivered.wait(5 * wave)
            assert len(handler_threads()) <= 3


# How it ends.


def test_closing_ends_each_thread_once_its_handler_has_returned() -> None:
    going, running = Event(), Event()

    def stuck(*_arguments: Any) -> str:
        running.set()
        assert going.wait(DEADLINE)
        return "late"

    with workers(2) as (pool, delivered):
        pool.submit(make_run(stuck))
        assert running.wait(DEADLINE)
        pool.close()
        [thread] = handler_threads()
        assert thread.is_alive()
        going.set()
        assert [outcome for _, outcome in delivered.wait(1)] == [Returned("late")]
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_a_handler_that_is_stuck_does_not_hold_the_interpreters_exit() -> None:
    program = """
from threading import Event

from dojo_adapters.workers import Workers
from tests.adapters.pieces import make_run

running = Event()

def stuck(*_):
    running.set()
    Event().wait()

Workers(1, print).submit(make_run(stuck))
assert running.wait(10)
print("the end of the program")
"""
    ended = subprocess.run(  # noqa: S603 - the program above
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "the end of the program\n", "")
