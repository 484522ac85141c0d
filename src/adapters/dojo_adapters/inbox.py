"""How other threads hand things to the one thread that drives the client."""

from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any, TypeAlias

Item: TypeAlias = tuple[Callable[..., None], tuple[Any, ...]]


class Inbox:
    """A queue of calls to make in the driving thread, which is woken once for many.

    `put` may be called from any thread and from a signal handler; `wake` must be as safe, and lead
    to a `drain` soon.
    """

    __slots__ = ("_closed", "_items", "_lock", "_wake", "_woken")

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        # Never many, and most of the time none: a deque that is empty takes ten times the memory.
        self._items: list[Item] = []
        self._woken = False
        self._closed = False
        # Between `put` and `close`, so that nothing is taken that nobody drains. Reentrant, since a
        # signal handler may put in the midst of another put.
        self._lock = RLock()

    def put(self, function: Callable[..., None], *arguments: Any) -> bool:
        """Have `function(*arguments, now)` called by whoever drains; False if nobody will."""
        with self._lock:
            if self._closed:
                return False
            self._items.append((function, arguments))
        # The order matters: what is appended before `drain` resets the flag is drained by it.
        if not self._woken:
            self._woken = True
            self._wake()
        return True

    def drain(self) -> Iterator[Item]:
        """Yield what has come in, oldest first."""
        self._woken = False
        while self._items:
            yield self._items.pop(0)

    @property
    def waiting(self) -> bool:
        """Whether something has come in that is still to be drained."""
        return bool(self._items)

    def is_open(self) -> bool:
        """Whether `put` takes anything."""
        return not self._closed

    def close(self) -> None:
        """Take nothing more. What has come in is still to be drained."""
        with self._lock:
            self._closed = True
