"""The threads that services dial in: one lot for the process, since to start a thread is slow."""

import os
from collections.abc import Callable
from functools import cache

from dojo_adapters.pool import Pool

_LINGER = 0.05
"""Seconds for which a thread waits for the next dial: those of many services come in a burst."""


class DialThreads(Pool[Callable[[], object]]):
    """As many threads as there are dials that block: a look-up that hangs holds up nobody else."""

    def __init__(self, linger: float = _LINGER) -> None:
        super().__init__(lambda dial: dial(), name="dojo-dial", linger=linger)


def dial_threads() -> DialThreads:
    """Those of this process."""
    return _dial_threads(os.getpid())


@cache
def _dial_threads(_process: int) -> DialThreads:
    return DialThreads()  # after a fork there are others: the threads have stayed behind
