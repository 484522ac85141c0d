"""Which requests may start now, and which wait, for how long."""

from collections import deque
from collections.abc import Iterator
from enum import Enum

from dojo_proto.call import Call
from dojo_proto.contract import Kind
from dojo_proto.settings import Settings
from dojo_proto.slots import Slots


class Admitted(Enum):
    """What `Admission.admit` decides."""

    NOW = "now"
    """It has a place."""
    WAITS = "waits"
    """It waits for one."""
    FULL = "full"
    """There is neither a place nor room to wait."""


class Admission:
    """Places and the queues behind them. Driven by dispatch.

    Each combination of read or not and threaded or not has a queue of its own, so that none waits
    for a place that another kind of call is stuck in; state-changing calls go first.
    """

    def __init__(self, settings: Settings) -> None:
        self._slots = Slots(max_in_flight=settings.max_in_flight, workers=settings.workers)
        self._max_queued = settings.max_queued
        self._timeout = settings.queue_timeout
        self._lanes: dict[tuple[bool, bool], deque[Call]] = {
            (read, threaded): deque() for read in (False, True) for threaded in (False, True)
        }
        self.queued = 0
        """Calls that wait."""

    def admit(self, call: Call, now: float) -> Admitted:
        """Give `call` a place, let it wait, or turn it away."""
        if self.take(call):
            return Admitted.NOW
        if self.queued >= self._max_queued:
            return Admitted.FULL
        call.deadline = now + self._timeout
        self._lanes[_lane(call)].append(call)
        self.queued += 1
        return Admitted.WAITS

    def take(self, call: Call) -> bool:
        """Give `call` a place if there is one that nobody waits for; say whether there was."""
        read, threaded = lane = _lane(call)
        # Those that wait already come first, as long as they may.
        if self._lanes[lane] or not self._slots.take(read=read, threaded=threaded):
            return False
        call.threaded = threaded
        return True

    def next_ready(self) -> Call | None:
        """A waiting call that has just been given a place; None if there is none."""
        for (read, threaded), waiting in self._lanes.items():
            if waiting and self._slots.take(read=read, threaded=threaded):
                call = waiting.popleft()
                call.threaded = threaded
                self.queued -= 1
                return call
        return None

    def release_worker(self, call: Call) -> None:
        """The thread of `call`, if it holds one, is free."""
        if call.threaded:
            call.threaded = False
            self._slots.release_worker(read=_lane(call)[0])

    def release(self, call: Call) -> None:
        """`call` is over: its place, and its worker if it still holds one, are free."""
        self.release_worker(call)
        self._slots.release(read=_lane(call)[0])

    def waiting(self) -> Iterator[Call]:
        """Every call that waits."""
        for lane in self._lanes.values():
            yield from lane

    def expired(self, now: float) -> list[Call]:
        """Take out the calls that have waited too long."""
        late = [
            call for call in self.waiting() if call.deadline is not None and call.deadline <= now
        ]
        for call in late:
            self.withdraw(call)
        return late

    def withdraw(self, call: Call) -> None:
        """Take a waiting call out of its queue."""
        self._lanes[_lane(call)].remove(call)
        self.queued -= 1


def _lane(call: Call) -> tuple[bool, bool]:
    return call.handler.method.kind is Kind.READ, call.handler.threaded
