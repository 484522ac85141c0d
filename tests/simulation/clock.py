"""One virtual clock: nothing happens but at a time, and all that happens is in one queue."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from tests.simulation import invariants


class Clock:
    """Seconds since the world began, and what is still to happen.

    Things of the same time happen in the order in which they were asked for, so that a run depends
    on nothing but its seed.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0
        """How many things have happened."""
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Have `what` happen at `when`, or now if that is past."""
        heappush(self._queue, (max(when, self.now), next(self._order), what))

    def after(self, seconds: float, what: Callable[[], None]) -> None:
        """Have `what` happen in so many seconds."""
        self.at(self.now + seconds, what)

    def run(self, until: float) -> None:
        """Let everything happen that is due by `until`."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, what = heappop(queue)
            self.events += 1
            invariants.may_go_on(self.events)
            what()
        self.now = until
