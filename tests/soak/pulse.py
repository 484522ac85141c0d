"""How late an event loop is: what is to happen every few milliseconds, and when it does."""

from time import monotonic

import msgspec
from tests.soak.pairs import Pairs

PERIOD = 0.005
"""Seconds from one beat to the next."""
LATE = 0.04
"""Seconds of lag from which on a beat is kept one by one."""
_SCALE = 2000
"""Bins of the histogram in a second; the last one has all that is above."""
_BINS = 400


class Beat(msgspec.Struct, frozen=True, array_like=True):
    """A beat that came late. Both are `time.monotonic`, which all processes share."""

    due: float
    came: float


class Lag(msgspec.Struct, frozen=True):
    """What came of all beats."""

    beats: int
    worst: float
    """Seconds."""
    p999: float
    """Seconds that 99.9 % of the beats stayed below."""
    late: list[Beat]
    """Those that were LATE."""


class Pulse:
    """Takes the beats of one loop, in bounded memory. `due` is when the next is to come."""

    def __init__(self) -> None:
        self.due = 0.0
        self._worst = 0.0
        self._bins = [0] * _BINS
        self._late = Pairs()

    def start(self) -> None:
        """The next beat is PERIOD from now."""
        self.due = monotonic() + PERIOD

    def came(self, due: float, now: float) -> None:
        """One that was `due` has come."""
        lag = max(0.0, now - due)
        self._worst = max(self._worst, lag)
        self._bins[min(int(lag * _SCALE), _BINS - 1)] += 1
        if lag >= LATE:
            self._late.put(due, now)

    def lag(self) -> Lag:
        """What came of it so far."""
        beats = sum(self._bins)
        above = beats // 1000
        p999 = 0.0
        for at in reversed(range(_BINS)):
            above -= self._bins[at]
            if above < 0:
                p999 = (at + 1) / _SCALE
                break
        return Lag(
            beats=beats, worst=self._worst, p999=p999, late=[Beat(*each) for each in self._late]
        )
