"""Threads for `def` handlers.

They are daemon threads of our own: the default pools of asyncio and anyio hold the interpreter's
exit until a stuck handler returns. How many calls may run at once is decided by the client; a
thread is started when there is work and none is free.
"""

from collections.abc import Callable
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
    """At most `limit` threads. `deliver(run, outcome)` is called from one of them."""

    def __init__(self, limit: int, deliver: Callable[[Run, Outcome], None]) -> None:
        self._limit = limit
        self._deliver = deliver
        self._queue: SimpleQueue[Run | None] = SimpleQueue()
        self._lock = Lock()
        self._threads = 0
        self._free = 0

    def submit(self, run: Run) -> None:
        """Have the handler called as soon as a thread is free."""
        with self._lock:
            if self._free > 0:
                self._free -= 1
            elif self._threads >= self._limit or not self._start_thread():
                self._free -= 1  # the next thread that gets free takes it
        self._queue.put(run)

    def close(self) -> None:
        """End the threads that are free, and each other one when its handler returns."""
        for _ in range(self._threads):
            self._queue.put(None)

    def _start_thread(self) -> bool:
        try:
            Thread(target=self._work, name="dojo-handler", daemon=True).start()
        except RuntimeError:  # the system gives no more threads now
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while (run := self._queue.get()) is not None:
            self._deliver(run, call(run.function, run.context, run.params))
            with self._lock:
                self._free += 1
