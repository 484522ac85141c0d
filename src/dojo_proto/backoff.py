"""How long to wait before the next dial.

The vendor asks for exponential backoff "1s, 2s, 4s, capped at ~30s". Jitter keeps a chain of tills
that lost the same gateway from coming back in step.
"""

from collections.abc import Callable

MAX_RETRY_AFTER = 300.0
"""Seconds: a `Retry-After` beyond this is a mistake or an attack, and is cut down to it."""


class Backoff:
    """Counts failures and turns them into delays. Driven by the supervisor.

    `initial` and `maximum` are seconds; `jitter` is the share of each delay, 0 to 1, that is left
    to chance: a delay d is drawn from [d x (1 - jitter), d]. `uniform` returns [0, 1).
    """

    __slots__ = ("_initial", "_jitter", "_maximum", "_uniform", "failures")

    def __init__(
        self, *, initial: float, maximum: float, jitter: float, uniform: Callable[[], float]
    ) -> None:
        self._initial = initial
        self._maximum = maximum
        self._jitter = jitter
        self._uniform = uniform
        self.failures = 0
        """Delays given since the start, or since the last `reset`."""

    def reset(self) -> None:
        """Start again from `initial`: the connection has proven stable."""
        self.failures = 0

    def next_delay(self, *, at_cap: bool = False, floor: float | None = None) -> float:
        """Count one more failure and return the seconds to wait after it.

        `at_cap` waits `maximum` at once, for failures that time does not heal. `floor` is what the
        peer asked for with `Retry-After` (RFC 9110 section 10.2.3): jitter is added on top of it,
        never taken from it, and it is cut down to MAX_RETRY_AFTER.
        """
        self.failures += 1
        # The exponent is bounded, since 2.0 ** 1024 overflows after a long outage.
        exponent = min(self.failures - 1, 64)
        full = self._maximum if at_cap else min(self._maximum, self._initial * 2.0**exponent)
        delay = full * (1.0 - self._jitter * self._uniform())
        if floor is not None:
            floor = min(floor, MAX_RETRY_AFTER)
            if delay < floor:
                delay = floor + min(full, floor) * self._jitter * self._uniform()
        return delay
