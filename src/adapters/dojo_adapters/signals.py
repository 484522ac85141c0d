"""SIGINT and SIGTERM: the first drains, the second stops at once."""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def owned_signals(stop: Callable[[], None], abort: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first of the signals and `abort` at every later one, inside the block.

    Both are called from a thread that waits for signals: Python's own handlers run only when the
    main thread comes round to it, and one that has just gone to sleep in an event loop may not for
    as long as its next timer. Outside the main thread, where Python allows no signal handlers,
    nothing is changed.
    """
    if current_thread() is not main_thread():
        yield
        return
    receiving, sending = socket.socketpair()
    sending.setblocking(False)  # noqa: FBT003 - as set_wakeup_fd wants it
    handlers = {number: signal.signal(number, _ignore) for number in _SIGNALS}
    before = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
    watching = Thread(
        target=_watch, args=(receiving, before, stop, abort), name="dojo-signals", daemon=True
    )
    try:
        watching.start()
        yield
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            # None says that the handler was not installed from Python, and cannot be from here.
            if handler is not None:
                signal.signal(number, handler)
        sending.close()
        if watching.ident is not None:  # else the system has given no thread
            watching.join()
        receiving.close()


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """What the signal means is for the thread that watches."""


def _watch(
    receiving: socket.socket, before: int, stop: Callable[[], None], abort: Callable[[], None]
) -> None:
    """Read the numbers of signals until the other end is closed."""
    seen = 0
    while numbers := receiving.recv(64):
        for number in numbers:
            if number in _SIGNALS:
                seen += 1
                (stop if seen == 1 else abort)()
            elif before != -1:
                # Others may wait for signals of theirs: an event loop, above all.
                with suppress(OSError):
                    os.write(before, bytes([number]))


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM raises KeyboardInterrupt in the main thread inside the block, as SIGINT does."""
    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        if handler is not None:
            signal.signal(signal.SIGTERM, handler)
