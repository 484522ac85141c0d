"""The threads that services dial in: one lot for the process, since to start a thread is slow."""

import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from queue import Empty, SimpleQueue
from threading import Lock, Thread

_LINGER = 0.05
"""Seconds for which a thread waits for the next dial: those of many services come in a burst."""


class DialThreads:
    """As many threads as there are dials that block, and one for all others.

    A thread that finds more than one dial calls the next thread before it dials: so dials that
    return at once share one, and a look-up in DNS that hangs holds up nobody else.
    """

    def __init__(self, linger: float = _LINGER) -> None:
        self._linger = linger
        self._dials: deque[Callable[[], object]] = deque()
        self._lock = Lock()
        self._wakes: SimpleQueue[None] = SimpleQueue()
        # Threads that wait for a dial, and that nobody has woken.
        self._free = 0
        # A thread has been woken or started, and will look at what there is to do.
        self._coming = False

    def submit(self, dial: Callable[[], object]) -> None:
        """Have `dial` called soon. RuntimeError says that there is no thread for it now."""
        with self._lock:
            self._dials.append(dial)
            try:
                self._call_one()
            except RuntimeError:
                self._dials.pop()
                raise

    def _call_one(self) -> None:
        """Have one more thread come, unless one is on its way."""
        if self._coming:
            return
        if self._free > 0:
            self._free -= 1
            self._wakes.put(None)
        else:
            Thread(target=self._work, name="dojo-dial", daemon=True).start()
        self._coming = True

    def _work(self) -> None:
        self._arrive()
        while (dial := self._next()) is not None:
            dial()

    def _arrive(self) -> None:
        with self._lock:
            self._coming = False

    def _next(self) -> Callable[[], object] | None:
        """The next dial, as soon as there is one; None when this thread is to end."""
        while True:
            with self._lock:
                if self._dials:
                    dial = self._dials.popleft()
                    if self._dials:
                        # Should the system give no more threads, the next that is free goes on.
                        with suppress(RuntimeError):
                            self._call_one()
                    return dial
                self._free += 1
            if not self._is_woken():
                return None
            self._arrive()

    def _is_woken(self) -> bool:
        """Wait for the next dial; False if none has come for long enough."""
        try:
            self._wakes.get(timeout=self._linger)
        except Empty:
            with self._lock:
                if self._free > 0:
                    self._free -= 1
                    return False
            self._wakes.get()  # all that wait are woken, so this one is as well
        return True


def dial_threads() -> DialThreads:
    """Those of this process."""
    return _dial_threads(os.getpid())


@cache
def _dial_threads(_process: int) -> DialThreads:
    return DialThreads()  # after a fork there are others: the threads have stayed behind
