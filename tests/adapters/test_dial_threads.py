"""The threads that the dials of all services share."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from threading import Event, Thread, current_thread

import pytest
from tests.adapters.pieces import DEADLINE, Collected, eventually, join_all, no_thread

from dojo_adapters.dial_threads import DialThreads, dial_threads


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Each ends by itself, once no dial has come for a while."""
    yield
    join_all("dojo-dial")


def test_dials_that_follow_one_another_share_a_thread() -> None:
    threads, seen = DialThreads(linger=DEADLINE), Collected[Thread]()
    for number in range(1, 4):
        threads.submit(lambda: seen.put(current_thread()))
        seen.wait(number)
        eventually(lambda: len(threads._free) == 1, "the thread is free")
    assert len(set(seen.wait(3))) == 1
    assert seen.wait(3)[0].daemon  # or it would hold the interpreter's exit
    threads.close()


def test_one_that_hangs_holds_up_no_other() -> None:
    threads, seen, hanging = DialThreads(linger=0.05), Collected[int](), Event()
    with ExitStack() as stack:
        stack.callback(hanging.set)
        for number in range(20):
            threads.submit(partial(hanging.wait, DEADLINE))
            threads.submit(partial(seen.put, number))
        assert sorted(seen.wait(20)) == list(range(20))
        assert not hanging.is_set()


def test_one_that_raises_takes_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, seen, said = DialThreads(linger=0.05), Collected[str](), Collected[object]()
    monkeypatch.setattr(threading, "excepthook", said.put)

    def fail() -> None:
        raise SystemError("a dial that ends its thread")

    threads.submit(fail)
    threads.submit(lambda: seen.put("dialed"))
    assert seen.wait(1) == ["dialed"]
    assert len(said.wait(1)) == 1


def test_a_thread_ends_when_nothing_comes_and_another_is_started_then() -> None:
    threads, seen = DialThreads(linger=0.0), Collected[Thread]()
    for number in (1, 2):
        threads.submit(lambda: seen.put(current_thread()))
        thread = seen.wait(number)[-1]
        thread.join(DEADLINE)
        assert not thread.is_alive()
    assert len(set(seen.wait(2))) == 2


def test_where_the_system_gives_no_thread_that_is_said_and_the_dial_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads, seen = DialThreads(linger=0.05), Collected[str]()
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_thread)
        assert not threads.submit(partial(seen.put, "first"))
    threads.submit(lambda: seen.put("second"))
    assert seen.wait(1) == ["second"]


def test_without_threads_the_one_there_is_takes_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, seen, held = DialThreads(linger=0.05), Collected[str](), Event()

    def dial_and_hold() -> None:
        seen.put("first")
        held.wait(DEADLINE)

    def submit_all() -> None:
        """In a dial, so that several wait when the thread looks for the next."""
        monkeypatch.setattr(Thread, "start", no_thread)
        threads._items.extend([dial_and_hold, lambda: seen.put("second")])

    threads.submit(submit_all)
    assert seen.wait(1) == ["first"]
    held.set()
    assert seen.wait(2) == ["first", "second"]


def test_a_process_has_one_lot_of_them() -> None:
    assert dial_threads() is dial_threads()
