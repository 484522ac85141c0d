"""What the threads that block share: how many there are, and what they keep."""

import gc
import threading
import weakref
from collections.abc import Callable
from functools import partial
from queue import SimpleQueue
from threading import Thread

import pytest
from tests.adapters.pieces import DEADLINE, eventually, join_all, no_thread

from dojo_adapters.pool import Pool

Call = Callable[[], object]


def make_pool(name: str, limit: int, linger: float | None) -> Pool[Call]:
    return Pool(lambda call: call(), name=name, limit=limit, linger=linger)


def test_a_thread_that_has_ended_makes_room_for_the_next_one() -> None:
    name = "one-at-a-time"
    pool, taken = make_pool(name, limit=1, linger=0), SimpleQueue[int]()
    for number in range(3):
        pool.submit(partial(taken.put, number))
        assert taken.get(timeout=DEADLINE) == number
        join_all(name)


def test_a_thread_that_ends_with_a_fault_is_told_of_and_leaves_its_place_to_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "ends-with-a-fault"
    pool, taken = make_pool(name, limit=1, linger=None), SimpleQueue[str]()
    told = SimpleQueue[object]()
    running, going = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda fault: told.put(fault.exc_type))

    def faulty() -> None:
        running.set()
        assert going.wait(DEADLINE)
        raise LookupError("a fault in what it took")

    pool.submit(faulty)
    assert running.wait(DEADLINE)
    pool.submit(partial(taken.put, "left behind"))
    going.set()
    assert taken.get(timeout=DEADLINE) == "left behind"
    assert told.get(timeout=DEADLINE) is LookupError
    pool.submit(partial(taken.put, "the next"))
    assert taken.get(timeout=DEADLINE) == "the next"
    pool.close()
    join_all(name)


def test_a_thread_that_waits_keeps_nothing_of_what_it_took_last() -> None:
    class Item:
        def __call__(self) -> None:
            taken.put("taken")

    name = "keeps-nothing"
    pool, taken, freed = (
        make_pool(name, limit=1, linger=None),
        SimpleQueue[str](),
        threading.Event(),
    )
    item = Item()
    weakref.finalize(item, freed.set)
    pool.submit(item)
    assert taken.get(timeout=DEADLINE) == "taken"
    del item
    gc.collect()
    assert freed.wait(DEADLINE)
    pool.close()
    join_all(name)


def test_what_no_thread_has_taken_when_it_closes_is_never_begun() -> None:
    name = "begins-no-more"
    pool, begun = make_pool(name, limit=1, linger=None), SimpleQueue[str]()
    running, going = threading.Event(), threading.Event()

    def stuck() -> None:
        running.set()
        assert going.wait(DEADLINE)

    pool.submit(stuck)
    assert running.wait(DEADLINE)
    pool.submit(partial(begun.put, "after the end"))
    pool.close()
    going.set()
    join_all(name)
    assert begun.empty()


def test_a_thread_that_comes_says_so_before_it_takes_anything() -> None:
    name, did = "says-so", SimpleQueue[str]()
    pool = Pool(did.put, name=name, limit=1, came=lambda: did.put(f"came, {pool.coming=}"))
    for item in ("first", "second"):
        pool.submit(item)
        assert did.get(timeout=DEADLINE) == "came, pool.coming=False"
        assert did.get(timeout=DEADLINE) == item
        eventually(lambda: len(pool._free) == 1, "the thread is free")
    pool.close()
    join_all(name)


def test_a_thread_is_coming_from_when_it_is_called_until_it_is_there() -> None:
    name, going = "is-coming", threading.Event()

    def take(_item: int) -> None:
        assert going.wait(DEADLINE)

    pool = Pool(take, name=name, limit=1)
    assert not pool.coming
    pool.submit(1)
    eventually(lambda: not pool.coming, "the thread is there")
    pool.submit(2)
    assert not pool.coming  # there may be no other: who gets free takes it
    going.set()
    pool.close()
    join_all(name)


def test_where_there_is_no_thread_and_none_to_be_had_an_item_is_refused_and_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "has-none"
    pool, taken = make_pool(name, limit=2, linger=None), SimpleQueue[str]()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        assert not pool.submit(partial(taken.put, "refused"))
    assert pool.submit(partial(taken.put, "taken"))
    assert taken.get(timeout=DEADLINE) == "taken"
    pool.close()
    join_all(name)
    assert taken.empty()


@pytest.mark.parametrize("others_return", [True, False])
def test_what_waits_for_lack_of_a_thread_goes_to_the_next_that_is_free_or_to_be_had(
    monkeypatch: pytest.MonkeyPatch, others_return: bool
) -> None:
    name, running, going = "has-no-more", threading.Event(), threading.Event()
    pool, taken = make_pool(name, limit=2, linger=None), SimpleQueue[str]()

    def stuck() -> None:
        running.set()
        assert going.wait(DEADLINE)

    pool.submit(stuck)
    assert running.wait(DEADLINE)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        assert pool.submit(partial(taken.put, "it"))
        pool.try_again()
        assert taken.empty()
    if others_return:
        going.set()
    else:
        pool.try_again()
    assert taken.get(timeout=DEADLINE) == "it"
    going.set()
    pool.try_again()  # nothing waits any more
    pool.close()
    join_all(name)


def test_the_thread_that_became_free_last_is_woken_first_and_no_other() -> None:
    name, taken = "last-is-first", SimpleQueue[threading.Thread]()
    doors = [threading.Event(), threading.Event()]

    def pass_door(door: threading.Event) -> None:
        taken.put(threading.current_thread())
        assert door.wait(DEADLINE)

    pool = Pool(pass_door, name=name, limit=2)
    threads = []
    for door in doors:
        pool.submit(door)
        threads.append(taken.get(timeout=DEADLINE))
    doors[0].set()
    eventually(lambda: len(pool._free) == 1, "the first is free")
    doors[1].set()
    eventually(lambda: len(pool._free) == 2, "both are")
    for _ in range(3):
        pool.submit(doors[0])
        assert taken.get(timeout=DEADLINE) is threads[1]
        eventually(lambda: len(pool._free) == 2, "both are")
    pool.close()
    join_all(name)


def test_many_items_at_once_wake_one_thread_and_that_one_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, taken, going = "one-wakes-the-next", SimpleQueue[int](), threading.Event()
    start, starting = Thread.start, SimpleQueue[Thread]()

    def hold_back(thread: Thread) -> None:
        starting.put(thread)

    monkeypatch.setattr(Thread, "start", hold_back)

    def take(item: int) -> None:
        taken.put(item)
        assert going.wait(DEADLINE)

    pool = Pool(take, name=name, limit=3)
    for item in range(3):
        assert pool.submit(item)
        assert pool.coming
        assert starting.qsize() == 1
    for item in range(3):
        start(starting.get(timeout=DEADLINE))
        assert taken.get(timeout=DEADLINE) == item
        assert pool.coming == (item < 2)
        assert starting.qsize() == (1 if item < 2 else 0)
    going.set()
    pool.close()
    join_all(name)
