"""Pairs of numbers in memory that is there from the beginning, so that keeping them costs none."""

from array import array
from collections.abc import Iterator
from itertools import count


class Pairs:
    """Keeps the last 65,536. Any thread may put one; the first of a pair is not 0."""

    ROOM = 1 << 16

    def __init__(self) -> None:
        self._firsts = array("d", bytes(8 * self.ROOM))
        self._seconds = array("d", bytes(8 * self.ROOM))
        self._numbers = count()

    def put(self, first: float, second: float) -> None:
        """Keep a pair."""
        at = next(self._numbers) % self.ROOM
        self._firsts[at], self._seconds[at] = first, second

    def __iter__(self) -> Iterator[tuple[float, float]]:
        pairs = zip(self._firsts, self._seconds, strict=True)
        return (pair for pair in pairs if pair[0])
