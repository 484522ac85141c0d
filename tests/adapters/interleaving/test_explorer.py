"""The explorer finds what is wrong, and tries all that there is to try."""

import _thread
import sys
from collections.abc import Callable
from math import comb
from threading import Lock, Thread

import pytest
from tests.adapters.interleaving.explorer import explore, replay
from tests.adapters.interleaving.world import BrokenError, World
from tests.adapters.pieces import eventually

HERE = [sys.modules[__name__]]

Check = Callable[[], object]


class Counter:
    """Two threads add to it, without a lock or with it."""

    def __init__(self, world: World, *, locked: bool) -> None:
        self.value = 0
        self.lock = Lock()
        for name in ("one", "other"):
            world.spawn(name, self.add_safely if locked else self.add)

    def add(self) -> None:
        value = self.value
        self.value = value + 1

    def add_safely(self) -> None:
        with self.lock:
            self.add()

    def check(self) -> None:
        assert self.value == 2, f"it is {self.value}"


def unlocked(world: World) -> Check:
    return Counter(world, locked=False).check


def locked(world: World) -> Check:
    return Counter(world, locked=True).check


def told(error: pytest.ExceptionInfo[BrokenError]) -> tuple[list[str], str]:
    """The steps that led to it, and what was wrong."""
    lines = str(error.value).splitlines()
    steps = [line for line in lines if line.startswith("  ")]
    return [" ".join(step.split()) for step in steps], lines[len(steps) + 1]


def test_what_two_threads_do_to_one_value_is_found_and_told_line_by_line() -> None:
    with pytest.raises(BrokenError) as broken:
        explore(unlocked, HERE)
    steps, wrong = told(broken)
    assert wrong == "it is 1"
    line = Counter.add.__code__.co_firstlineno + 1
    read = f"test_explorer.py:{line} value = self.value"
    wrote = f"test_explorer.py:{line + 1} self.value = value + 1"
    assert [step for step in steps if read in step or wrote in step] == [
        f"one {read}",
        f"one {wrote}",
        f"other {read}",
        f"other {wrote}",
    ]


def test_the_schedule_that_is_told_shows_it_again_and_another_one_does_not() -> None:
    with pytest.raises(BrokenError) as broken:
        explore(unlocked, HERE)
    with pytest.raises(BrokenError, match="it is 1") as again:
        replay(unlocked, HERE, schedule=broken.value.schedule)
    assert told(again) == told(broken)
    replay(unlocked, HERE, schedule={})


def test_what_needs_a_preemption_is_not_found_without() -> None:
    assert explore(unlocked, HERE, preemptions=0) == 2  # either of them begins
    with pytest.raises(BrokenError, match="it is 1"):
        explore(unlocked, HERE, preemptions=1)


def test_what_is_right_holds_however_the_threads_go_on() -> None:
    explore(locked, HERE)


def test_all_schedules_are_tried() -> None:
    """Two threads of five steps each, the first of which is to begin, in all orders there are."""

    def build(world: World) -> Check:
        done: list[str] = []

        def work(name: str) -> None:
            done.append(name)
            done.append(name)
            done.append(name)

        world.spawn("one", lambda: work("one"))
        world.spawn("other", lambda: work("other"))
        return lambda: orders.append(tuple(done))

    orders: list[tuple[str, ...]] = []
    number = explore(build, HERE, merging=False)
    assert number == len(orders) == comb(10, 5)
    tried = set(orders)
    assert len(tried) == comb(6, 3)
    orders.clear()
    assert explore(build, HERE) < number
    assert set(orders) == tried  # and no state is left out where what follows is tried once


def test_two_that_wait_for_one_another_are_found() -> None:
    def build(world: World) -> Check:
        left, right = Lock(), Lock()

        def hold(first: Lock, second: Lock) -> None:
            with first, second:
                pass

        world.spawn("one", lambda: hold(left, right))
        world.spawn("other", lambda: hold(right, left))
        return lambda: None

    with pytest.raises(BrokenError, match="one waits for ever"):
        explore(build, HERE)


class Sleeper:
    """Waits for what another thread has left, unless it is there. Looking first, it may miss it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.left: list[str] = []
        self.asleep = False
        world.spawn("sleeper", self.sleep, sleeps=True)
        world.spawn("waker", self.leave)

    def sleep(self) -> None:
        if not self.left:
            self.asleep = True
            self.world.wait_until(lambda: not self.asleep)
        self.left.pop()

    def leave(self) -> None:
        self.left.append("something")
        if self.asleep:
            self.asleep = False

    def check(self) -> None:
        assert not self.left, "it sleeps with something left"


def test_a_wake_up_that_is_lost_is_found() -> None:
    with pytest.raises(BrokenError, match="it sleeps with something left"):
        explore(lambda world: Sleeper(world).check, HERE)


def test_what_a_thread_raises_is_told_with_the_schedule() -> None:
    def build(world: World) -> Check:
        nothing: list[str] = []
        world.spawn("one", nothing.pop)
        return lambda: None

    with pytest.raises(BrokenError, match=r"one has raised IndexError\('pop from empty list'\)"):
        explore(build, HERE)


def test_what_never_ends_is_found() -> None:
    def build(world: World) -> Check:
        def turn() -> None:
            while True:
                pass

        world.spawn("one", turn)
        return lambda: None

    with pytest.raises(BrokenError, match="it goes on for ever"):
        explore(build, HERE)


def test_a_time_out_comes_before_what_is_waited_for_or_behind() -> None:
    def build(world: World) -> Check:
        lock = Lock()
        lock.acquire()
        world.spawn("waits", lambda: seen.add(lock.acquire(timeout=1)))
        world.spawn("releases", lock.release)
        return lambda: None

    seen: set[bool] = set()
    explore(build, HERE)
    assert seen == {False, True}


def test_threads_that_are_started_are_of_the_world_and_none_is_left_behind() -> None:
    def build(world: World) -> Check:
        started: list[str] = []
        lock = Lock()

        def work() -> None:
            started.append("work")
            with lock, lock:  # for ever
                pass

        def check() -> None:
            assert [strand.name for strand in world.strands] == ["starter", "worker 1"]
            assert started == ["work"]

        world.spawn("starter", Thread(target=work, name="worker", daemon=True).start)
        return check

    before = _thread._count()
    explore(build, HERE)
    eventually(lambda: _thread._count() == before, "its threads are gone")
