"""How other threads hand things to the one that drives the client."""

from collections.abc import Callable
from threading import Barrier, Event, Thread
from typing import Any

from tests.adapters.pieces import DEADLINE

from dojo_adapters.inbox import Inbox


def take(*_arguments: Any) -> None:
    """Stands for what the driving thread is to call."""


def waker(inbox_wakes: list[str]) -> Callable[[], None]:
    return lambda: inbox_wakes.append("woken")


def test_what_is_put_is_drained_with_its_arguments_oldest_first() -> None:
    inbox = Inbox(lambda: None)
    assert inbox.put(take, 1, "a")
    assert inbox.put(take)
    assert list(inbox.drain()) == [(take, (1, "a")), (take, ())]
    assert list(inbox.drain()) == []


def test_the_driver_is_woken_once_for_many() -> None:
    wakes: list[str] = []
    inbox = Inbox(waker(wakes))
    for number in range(5):
        inbox.put(take, number)
    assert wakes == ["woken"]


def test_what_comes_after_a_drain_wakes_again() -> None:
    wakes: list[str] = []
    inbox = Inbox(waker(wakes))
    inbox.put(take)
    list(inbox.drain())
    inbox.put(take)
    assert wakes == ["woken", "woken"]


def test_what_is_put_while_it_is_drained_is_drained_too_and_wakes_all_the_same() -> None:
    wakes: list[str] = []
    inbox = Inbox(waker(wakes))
    inbox.put(take, 1)
    drained = inbox.drain()
    assert next(drained) == (take, (1,))
    inbox.put(take, 2)
    assert wakes == ["woken", "woken"]  # one too many is harmless, one too few is not
    assert list(drained) == [(take, (2,))]


def test_it_is_there_before_the_driver_is_woken() -> None:
    seen: list[Any] = []

    def wake() -> None:
        seen.extend(inbox.drain())

    inbox = Inbox(wake)
    inbox.put(take, 1)
    inbox.put(take, 2)
    assert seen == [(take, (1,)), (take, (2,))]


def test_nothing_is_lost_and_each_threads_order_is_kept_when_many_put_at_once() -> None:
    threads, each = 8, 500
    woken = Event()
    inbox = Inbox(woken.set)
    together = Barrier(threads)

    def put(thread: int) -> None:
        together.wait(DEADLINE)
        for number in range(each):
            assert inbox.put(take, thread, number)

    putting = [Thread(target=put, args=(thread,)) for thread in range(threads)]
    for each_thread in putting:
        each_thread.start()
    seen: list[tuple[int, int]] = []
    while len(seen) < threads * each:
        assert woken.wait(DEADLINE), f"never woken again after {len(seen)} of {threads * each}"
        woken.clear()
        seen += [(thread, number) for _, (thread, number) in inbox.drain()]
    for each_thread in putting:
        each_thread.join(DEADLINE)
    for thread in range(threads):
        assert [number for by, number in seen if by == thread] == list(range(each))


def test_a_closed_one_takes_nothing_and_says_so() -> None:
    wakes: list[str] = []
    inbox = Inbox(waker(wakes))
    assert inbox.is_open()
    inbox.close()
    assert not inbox.is_open()
    assert not inbox.put(take)
    assert wakes == []
    assert list(inbox.drain()) == []


def test_what_came_before_the_close_is_still_drained() -> None:
    inbox = Inbox(lambda: None)
    inbox.put(take, 1)
    inbox.close()
    inbox.close()
    assert list(inbox.drain()) == [(take, (1,))]


def test_whatever_is_taken_while_another_thread_closes_is_drained() -> None:
    for _ in range(200):
        inbox = Inbox(lambda: None)
        together = Barrier(2)
        taken: list[bool] = []

        def put(inbox: Inbox = inbox, together: Barrier = together, taken: Any = taken) -> None:
            together.wait(DEADLINE)
            while inbox.put(take):
                taken.append(True)

        putting = Thread(target=put)
        putting.start()
        together.wait(DEADLINE)
        inbox.close()
        drained = len(list(inbox.drain()))
        putting.join(DEADLINE)
        assert drained == len(taken)


def test_a_signal_handler_may_put_in_the_midst_of_another_put() -> None:
    inbox = Inbox(lambda: None)

    class Interrupted(list[Any]):
        def append(self, item: Any) -> None:
            if item == (take, ("first",)):
                assert inbox.put(take, "from the signal")
            super().append(item)

    inbox._items = Interrupted()
    assert inbox.put(take, "first")
    assert list(inbox.drain()) == [(take, ("from the signal",)), (take, ("first",))]


def test_something_waits_until_it_is_taken() -> None:
    inbox = Inbox(lambda: None)
    seen = [inbox.waiting]
    inbox.put(take)
    seen.append(inbox.waiting)
    seen += [inbox.waiting for _ in inbox.drain()]  # whoever drains is at it
    assert seen == [False, True, False]
