"""State that one thread changes and others wait for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition
from typing import TypeVar

from dojo_simulator.errors import WaitTimedOut

T = TypeVar("T")


class Waiting:
    """Guards what is changed in one thread and awaited in others."""

    def __init__(self) -> None:
        self._condition = Condition()

    @contextmanager
    def change(self) -> Iterator[None]:
        """Change something, and wake those who wait."""
        with self._condition:
            yield
            self._condition.notify_all()

    def wait(self, find: Callable[[], T | None], timeout: float, awaited: Callable[[], str]) -> T:
        """Wait until `find` gives something true and return that.

        After `timeout` seconds raise WaitTimedOut with what `awaited` says: what was waited for,
        and what happened instead.
        """
        with self._condition:
            found = self._condition.wait_for(find, timeout)
            if not found:
                raise WaitTimedOut(f"{awaited()} (waited {timeout:g} s)")
            return found
