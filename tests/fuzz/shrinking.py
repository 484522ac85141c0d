"""The smallest input that still finds the same."""

from collections.abc import Callable
from time import monotonic
from traceback import extract_tb

Fault = tuple[str, str, int]
"""The exception's type, and where it was raised."""


def fault_of(target: Callable[[bytes], None], data: bytes) -> Fault | None:
    """What `target` finds wrong with `data`, or None."""
    try:
        target(data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it was found
        last = extract_tb(error.__traceback__)[-1]
        return type(error).__name__, last.filename, last.lineno or 0
    return None


def shrink(target: Callable[[bytes], None], data: bytes, *, seconds: float) -> bytes:
    """Leave out of `data` what its fault does not need; at most `seconds` long."""
    fault = fault_of(target, data)
    if fault is None:
        return data
    end, size = monotonic() + seconds, len(data) // 2
    while size and monotonic() < end:
        at = 0
        while at < len(data) and monotonic() < end:
            less = data[:at] + data[at + size :]
            if fault_of(target, less) == fault:
                data = less
            else:
                at += size
        size //= 2
    return data
