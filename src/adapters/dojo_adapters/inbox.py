"""How other threads hand things to the one thread that drives the client."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Item: TypeAlias = tuple[Callable[..., None], tuple[Any, ...]]


class Inbox:
    """A queue of calls to make in the driving thread, which is woken once for many.

    `put` may be called from any thread and from a signal handler; `wake` must be as safe, and lead
    to a `drain` soon.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._items: deque[Item] = deque()
        self._woken = False
        self._closed = False

    def put(self, function: Callable[..., None], *arguments: Any) -> bool:
        """Have `function(*arguments, now)` called by whoever drains; False if nobody will."""
        if self._closed:
            return False
        # The order matters: what is appended before `drain` resets the flag is drained by it.
        self._items.append((function, arguments))
        if not self._woken:
            self._woken = True
            self._wake()
        return True

    def drain(self) -> Iterator[Item]:
        """Yield what has come in, oldest first."""
        self._woken = False
        while self._items:
            yield self._items.popleft()

    def close(self) -> None:
        """Nobody drains any more."""
        self._closed = True
        self._items.clear()
