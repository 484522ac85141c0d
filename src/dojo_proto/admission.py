"""Which requests may start now, and which wait, for how long."""

from collections import deque
from collections.abc import Iterator

from dojo_proto.call import Call
from dojo_proto.handlers import QUEUES
from dojo_proto.settings import Settings


class Admission:
    """Places and the queues behind them. Driven by dispatch.

    There are two kinds of places: one for every running call, and a worker for each that runs in a
    thread. Reads get at most three quarters of each, so that a payment finds a place however many
    reads are stuck. Each combination of read or not and threaded or not has a queue of its own, so
    that none waits for a place that another kind of call is stuck in; state-changing calls go
    first.
    """

    __slots__ = (
        "_limit",
        "_max_queued",
        "_queues",
        "_read_limit",
        "_read_workers",
        "_timeout",
        "_workers",
        "queued",
        "reads",
        "running",
        "threads",
        "threads_of_reads",
    )

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.max_in_flight
        self._read_limit = max(1, settings.max_in_flight * 3 // 4)
        self._workers = settings.workers
        self._read_workers = max(1, settings.workers * 3 // 4)
        self._max_queued = settings.max_queued
        self._timeout = settings.queue_timeout
        self.running = 0
        """Places that are taken, and how many of them by reads."""
        self.reads = 0
        self.threads = 0
        """Workers that are taken, and how many of them by reads."""
        self.threads_of_reads = 0
        # By `Handler.queue`, each made when somebody has to wait in it.
        self._queues: list[deque[Call] | None] = [None] * QUEUES
        self.queued = 0
        """Calls that wait."""

    def take(self, call: Call) -> bool:
        """Give `call` a place if there is one that nobody waits for; say whether there was."""
        handler = call.handler
        # Those that wait already come first, as long as they may.
        if self.queued and (waiting := self._queues[handler.queue]) and waiting[0] is not call:
            return False
        read = handler.reads
        if self.running >= self._limit or (read and self.reads >= self._read_limit):
            return False
        if handler.threaded:
            if self.threads >= self._workers:
                return False
            if read and self.threads_of_reads >= self._read_workers:
                return False
            self.threads += 1
            self.threads_of_reads += read
            call.threaded = True
        self.running += 1
        self.reads += read
        return True

    def wait(self, call: Call, now: float) -> bool:
        """Let `call` wait for a place, if there is room for that; say whether there was."""
        if self.queued >= self._max_queued:
            return False
        call.deadline = now + self._timeout
        self._queue(call).append(call)
        self.queued += 1
        return True

    def next_ready(self) -> Call | None:
        """A waiting call that has just been given a place; None if there is none."""
        for waiting in self._queues:
            if waiting and self.take(waiting[0]):
                self.queued -= 1
                return waiting.popleft()
        return None

    def release_worker(self, call: Call) -> None:
        """The thread of `call`, if it holds one, is free."""
        if call.threaded:
            call.threaded = False
            self.threads -= 1
            self.threads_of_reads -= call.handler.reads

    def release(self, call: Call) -> None:
        """`call` is over: its place, and its worker if it still holds one, are free."""
        if call.threaded:
            self.release_worker(call)
        self.running -= 1
        self.reads -= call.handler.reads

    def waiting(self) -> Iterator[Call]:
        """Every call that waits."""
        for waiting in self._queues:
            yield from waiting or ()

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
        self._queue(call).remove(call)
        self.queued -= 1

    def _queue(self, call: Call) -> deque[Call]:
        queue = self._queues[call.handler.queue]
        if queue is None:
            queue = self._queues[call.handler.queue] = deque()
        return queue
