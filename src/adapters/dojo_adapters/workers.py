"""Threads for `def` handlers.

They are daemon threads of our own: the default pools of asyncio and anyio hold the interpreter's
exit until a stuck handler returns. How many calls may run at once is decided by the client; a
thread is started when there is work and none is free.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from dojo_proto.work import Outcome, Raised, Returned, Run


def call(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """Call `function`, and turn what it raises into an outcome."""
    try:
        return Returned(function(*arguments))
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not pass for done
        return Raised(error)


class Workers:
    """At most `limit` threads. `deliver(run, outcome)` is called from one of them.

    Of many calls that are submitted at once only the first wakes a thread, and each thread that
    finds more of them wakes the next: handlers that block get a thread each, and those that return
    at once share one, without a switch of threads for each.
    """

    def __init__(self, limit: int, deliver: Callable[[Run, Outcome], None]) -> None:
        self._limit = limit
        self._deliver = deliver
        self._runs: deque[Run] = deque()
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._free = 0
        # A thread has been woken or started, and will look at what there is to do.
        self._coming = False
        self._closed = False

    def submit(self, run: Run) -> None:
        """Have the handler called as soon as a thread is free."""
        with self._lock:
            self._runs.append(run)
            self._call_one()

    def close(self) -> None:
        """End the threads that are free, and each other one when its handler returns."""
        with self._lock:
            self._closed = True
            for _ in range(self._free):
                self._wakes.put(None)

    def _call_one(self) -> None:
        """Have one more thread come, if there may be one and none is on its way."""
        if self._coming:
            return
        if self._free > 0:
            self._free -= 1
            self._coming = True
            self._wakes.put(None)
        elif self._threads < self._limit:
            self._start_thread()

    def _start_thread(self) -> None:
        # Should the system give no more threads now, the next that gets free takes what waits.
        with suppress(RuntimeError):
            Thread(target=self._work, name="dojo-handler", daemon=True).start()
            self._threads += 1
            self._coming = True

    def _work(self) -> None:
        self._arrive()
        while (run := self._next()) is not None:
            self._deliver(run, call(run.function, run.context, run.params))

    def _arrive(self) -> None:
        with self._lock:
            self._coming = False

    def _next(self) -> Run | None:
        """The next call, as soon as there is one; None when this thread is to end."""
        while True:
            with self._lock:
                if self._runs:
                    run = self._runs.popleft()
                    if self._runs:
                        self._call_one()
                    return run
                if self._closed:
                    return None
                self._free += 1
            self._wakes.get()
            self._arrive()
