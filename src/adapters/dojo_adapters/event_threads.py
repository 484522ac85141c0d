"""The threads in which events are seen: there while there is something to see."""

import os
from collections.abc import Callable
from functools import cache
from queue import Empty, SimpleQueue
from threading import RLock, Thread
from typing import TypeAlias

from dojo_proto.events import Event

_BRIEFLY = 0.05
"""Seconds for which the thread of all services waits: what they do at once comes in a burst."""

_Item: TypeAlias = tuple[Callable[[Event], None], Event]


class EventThread:
    """Calls `take(event)` for what was put, in order, in a thread that is started when need be.

    The thread ends when nothing came for `linger` seconds, so that a service that is idle has none.
    """

    def __init__(self, linger: float) -> None:
        self._linger = linger
        self._items: SimpleQueue[_Item | None] = SimpleQueue()
        self._runs = False
        # Reentrant, since a signal handler may put in the midst of another put.
        self._lock = RLock()

    def put(self, take: Callable[[Event], None], event: Event) -> None:
        """Have `take(event)` called; it raises nothing. Never blocks."""
        with self._lock:
            self._items.put((take, event))
            if not self._runs:
                self._runs = True
                try:
                    Thread(target=self._work, name="dojo-observer", daemon=True).start()
                except RuntimeError:  # the system gives no more threads now; the next put tries it
                    self._runs = False

    def end(self) -> None:
        """Do not linger any more."""
        with self._lock:
            self._linger = 0.0
            if self._runs:
                self._items.put(None)

    def _work(self) -> None:
        while True:
            try:
                item = self._items.get(timeout=self._linger)
            except Empty:
                with self._lock:
                    if self._items.empty():
                        self._runs = False
                        return
                continue
            if item is not None:
                take, event = item
                take(event)


def shared_thread() -> EventThread:
    """One for all services of this process that only log: logging has locks for all anyway."""
    return _shared_thread(os.getpid())


@cache
def _shared_thread(_process: int) -> EventThread:
    return EventThread(_BRIEFLY)  # after a fork there is another: the thread has stayed behind
