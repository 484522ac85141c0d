"""Which requests may start now, and which wait, for how long."""

from collections import deque
from collections.abc import Iterator

from dojo_proto.call import Call
from dojo_proto.settings import Settings
from dojo_proto.slots import Slots


class Admission:
    """Places and the queues behind them. Driven by dispatch.

    Each combination of read or not and threaded or not has a queue of its own, so that none waits
    for a place that another kind of call is stuck in; state-changing calls go first.
    """

    __slots__ = ("_lanes", "_max_queued", "_slots", "_timeout", "queued")

    def __init__(self, settings: Settings) -> None:
        self._slots = Slots(max_in_flight=settings.max_in_flight, workers=settings.workers)
        self._max_queued = settings.max_queued
        self._timeout = settings.queue_timeout
        # Made when somebody has to wait in it.
        self._lanes: dict[tuple[bool, bool], deque[Call]] = {}
        self.queued = 0
        """Calls that wait."""

    def take(self, call: Call) -> bool:
        """Give `call` a place if there is one that nobody waits for; say whether there was."""
        handler = call.handler
        # Those that wait already come first, as long as they may.
        if self.queued and self._lanes.get(_lane(call)):
            return False
        if not self._slots.take(read=handler.reads, threaded=handler.threaded):
            return False
        call.threaded = handler.threaded
        return True

    def wait(self, call: Call, now: float) -> bool:
        """Let `call` wait for a place, if there is room for that; say whether there was."""
        if self.queued >= self._max_queued:
            return False
        call.deadline = now + self._timeout
        self._lanes.setdefault(_lane(call), deque()).append(call)
        self.queued += 1
        return True

    def next_ready(self) -> Call | None:
        """A waiting call that has just been given a place; None if there is none."""
        for read, threaded in _ORDER:
            waiting = self._lanes.get((read, threaded))
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
            self._slots.release_worker(read=call.handler.reads)

    def release(self, call: Call) -> None:
        """`call` is over: its place, and its worker if it still holds one, are free."""
        self._slots.release(read=call.handler.reads, threaded=call.threaded)
        call.threaded = False

    def waiting(self) -> Iterator[Call]:
        """Every call that waits."""
        for lane in _ORDER:
            yield from self._lanes.get(lane, ())

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


# Read or not, threaded or not: what changes the till goes first.
_ORDER = ((False, False), (False, True), (True, False), (True, True))


def _lane(call: Call) -> tuple[bool, bool]:
    return call.handler.reads, call.handler.threaded
