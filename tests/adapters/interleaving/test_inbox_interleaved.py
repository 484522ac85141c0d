"""What other threads put is drained, however they and whoever drains go on."""

from functools import partial
from typing import Any

from tests.adapters.interleaving.explorer import explore
from tests.adapters.interleaving.world import World

from dojo_adapters import inbox
from dojo_adapters.inbox import Inbox


def take(*_arguments: Any) -> None:
    """Stands for what the driving thread is to call."""


class Driven:
    """Threads that put, and one that drains whenever it is woken, until it is told to close."""

    def __init__(self, world: World, *putting: tuple[str, int], closes: bool = False) -> None:
        self.world = world
        self.inbox = Inbox(self.wake)
        self.woken = False
        self.drained: list[tuple[str, int]] = []
        self.taken: list[tuple[str, int]] = []
        for name, number in putting:
            world.spawn(name, partial(self.put, name, number))
        if closes:
            world.spawn("driver", self.close)
        else:
            world.spawn("driver", self.drive, sleeps=True)

    def wake(self) -> None:
        self.woken = True

    def put(self, name: str, number: int) -> None:
        for each in range(number):
            if self.inbox.put(take, name, each):
                self.taken.append((name, each))

    def drive(self) -> None:
        while self.world.wait_until(lambda: self.woken):
            self.woken = False
            self.drain()

    def close(self) -> None:
        self.drain()
        self.inbox.close()
        self.drain()

    def drain(self) -> None:
        self.drained += [(name, number) for _, (name, number) in self.inbox.drain()]

    def check(self) -> None:
        assert not self.inbox.waiting, "something was put, and nobody is woken for it"
        assert sorted(self.drained) == sorted(self.taken)
        ones = [each for each in self.drained if each[0] == "one"]
        assert ones == sorted(ones), "not in the order in which it was put"


def test_whoever_sleeps_is_woken_for_all_that_one_thread_puts() -> None:
    explore(lambda world: Driven(world, ("one", 2)).check, [inbox])


def test_whoever_sleeps_is_woken_for_all_that_two_threads_put() -> None:
    explore(lambda world: Driven(world, ("one", 1), ("other", 1)).check, [inbox], preemptions=2)


def test_whatever_is_taken_is_drained_after_the_close() -> None:
    explore(lambda world: Driven(world, ("one", 2), closes=True).check, [inbox])
