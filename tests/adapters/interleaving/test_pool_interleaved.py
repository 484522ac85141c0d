"""What is submitted is taken once, and as soon as may be, however the threads go on."""

from collections.abc import Callable
from functools import partial
from math import inf

import pytest
from tests.adapters.interleaving.explorer import explore
from tests.adapters.interleaving.world import World

from dojo_adapters import pool
from dojo_adapters.pool import Pool

Check = Callable[[], object]


class Used:
    """A pool whose items are taken at once, but for those in `stuck`, which never return."""

    def __init__(
        self,
        world: World,
        *,
        limit: float = inf,
        linger: float | None = None,
        stuck: str = "",
    ) -> None:
        self.world = world
        self.pool = Pool(self.take, name="thread", limit=limit, linger=linger, came=self.came)
        self.taken: list[str] = []
        self.arrivals = 0
        self._stuck = stuck

    def take(self, item: str) -> None:
        assert item not in self.taken, "it was taken before"
        self.taken.append(item)
        if item in self._stuck:
            self.world.wait_until(lambda: False)

    def came(self) -> None:
        self.arrivals += 1

    def submit(self, items: str) -> None:
        for item in items:
            assert self.pool.submit(item)

    def submitted_by(self, *threads: str) -> "Used":
        """Each submits what its name consists of."""
        for name in threads:
            self.world.spawn(name, partial(self.submit, name))
        return self

    def expect_taken(self, items: str) -> None:
        assert sorted(self.taken) == sorted(items), f"{self.taken} are taken"
        assert not self.pool.coming, "somebody is said to come who does not"

    def expect_no_thread(self) -> None:
        left = [strand.name for strand in self.world.strands if not strand.ended]
        assert not left, f"{left} wait"


@pytest.mark.parametrize(("limit", "preemptions"), [(1, 2), (2, 1)])
def test_each_item_is_taken_once(limit: int, preemptions: int) -> None:
    def build(world: World) -> Check:
        used = Used(world, limit=limit).submitted_by("a", "b")
        return lambda: used.expect_taken("ab")

    explore(build, [pool], preemptions=preemptions)


def test_nothing_waits_behind_what_blocks_while_a_thread_is_free_or_may_be_started() -> None:
    def build(world: World) -> Check:
        used = Used(world, limit=3, stuck="ab").submitted_by("ca", "b")
        return lambda: used.expect_taken("abc")

    explore(build, [pool], preemptions=1)


def test_whoever_sees_that_a_thread_is_coming_may_leave_it_something() -> None:
    def build(world: World) -> Check:
        used = Used(world, limit=2).submitted_by("ab")
        left: list[int] = []

        def leave() -> None:
            arrivals = used.arrivals
            if used.pool.coming:
                left.append(arrivals)

        def check() -> None:
            assert all(used.arrivals > arrivals for arrivals in left), "nobody has come for it"

        world.spawn("leaves", leave)
        return check

    explore(build, [pool], preemptions=1)


def test_a_pool_that_closes_keeps_no_thread_and_begins_nothing_afterwards() -> None:
    def build(world: World) -> Check:
        used = Used(world, limit=2)

        def use() -> None:
            used.pool.submit("a")
            used.pool.submit("b")
            used.pool.close()
            assert not used.pool._items, "something is still to begin"

        world.spawn("uses", use)
        return used.expect_no_thread

    explore(build, [pool], preemptions=2)


@pytest.mark.parametrize(("linger", "preemptions"), [(0, 1), (1, 2)])
def test_a_thread_that_lingers_takes_what_comes_or_ends_and_another_is_started(
    linger: int, preemptions: int
) -> None:
    def build(world: World) -> Check:
        used = Used(world, limit=1, linger=linger).submitted_by("a", "b")

        def check() -> None:
            used.expect_taken("ab")
            used.expect_no_thread()
            assert used.pool._threads == 0
            assert used.pool._free == []

        return check

    explore(build, [pool], preemptions=preemptions)
