"""SIGINT and SIGTERM: the first drains, the second stops at once."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def owned_signals(stop: Callable[[], None], abort: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first of the signals and `abort` at every later one, inside the block.

    Both must be callable from a signal handler. Outside the main thread, where Python allows no
    signal handlers, nothing is changed.
    """
    if current_thread() is not main_thread():
        yield
        return
    seen = 0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        (stop if seen == 1 else abort)()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
