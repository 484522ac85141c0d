"""How many requests may run at once: pure counting.

There are two kinds of places: one for every running request, and a worker for each that runs in a
thread. Reads get at most three quarters of each, so that a payment finds a place however many
reads are stuck.
"""


class Slots:
    """Counts places. Driven by dispatch. Both limits are at least 1."""

    __slots__ = (
        "_limit",
        "_read_limit",
        "_read_workers",
        "_workers",
        "reads",
        "running",
        "threads",
        "threads_of_reads",
    )

    def __init__(self, *, max_in_flight: int, workers: int) -> None:
        self._limit = max_in_flight
        self._workers = workers
        self._read_limit = max(1, max_in_flight * 3 // 4)
        self._read_workers = max(1, workers * 3 // 4)
        self.running = 0
        self.reads = 0
        self.threads = 0
        self.threads_of_reads = 0

    def take(self, *, read: bool, threaded: bool) -> bool:
        """Take a place, and a worker if `threaded`; say whether there was one."""
        if self.running >= self._limit or (read and self.reads >= self._read_limit):
            return False
        if threaded:
            if self.threads >= self._workers:
                return False
            if read and self.threads_of_reads >= self._read_workers:
                return False
            self.threads += 1
            self.threads_of_reads += read
        self.running += 1
        self.reads += read
        return True

    def release_worker(self, *, read: bool) -> None:
        """The thread is free again; the request itself may not be over."""
        self.threads -= 1
        self.threads_of_reads -= read

    def release(self, *, read: bool, threaded: bool) -> None:
        """The request is over, and with it the thread that it may still hold."""
        self.running -= 1
        self.reads -= read
        if threaded:
            self.threads -= 1
            self.threads_of_reads -= read
