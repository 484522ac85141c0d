"""`python -m tests.soak.witness PID`: what the machine, and not process PID itself, made it wait.

It stands beside that process and looks every few milliseconds, until its standard input ends:

- how long each thread of PID was ready to run and had no processor (Linux's run delay);
- how much time the host of a virtual machine has taken from its processors (steal);
- how late this process, which does nothing else, wakes up itself although it did not wait for a
  processor: then the whole machine stood still, as a virtual one does when its host is busy.
"""

import os
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import msgspec

_PERIOD = 0.005
_STAT = Path("/proc/stat")
_UNEVEN = 0.002
"""Seconds by which any timer is late."""


class Waits(msgspec.Struct, frozen=True):
    """What was seen: at `times`, on the clock of `time.monotonic`, `seconds` in all so far."""

    times: Sequence[float]
    seconds: Sequence[float]

    def between(self, begin: float, end: float) -> float:
        """Seconds that were waited from `begin` to `end`, or a look earlier or later."""
        if not self.times:
            return 0.0
        last = len(self.times) - 1
        first = max(bisect_right(self.times, begin) - 1, 0)
        return self.seconds[min(bisect_left(self.times, end), last)] - self.seconds[first]


class Witness:
    """Looks at process `pid`; `look` once and again, `seen` has it all."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}/task")
        self._delays = self._read()
        self._mine = run_delay()
        self._at = monotonic()
        self._times = [self._at]
        self._seconds = [0.0]

    def look(self) -> None:
        """See what was waited since the last look, which was to be _PERIOD ago."""
        now, mine, delays = monotonic(), run_delay(), self._read()
        waited = sum(
            max(0.0, delay - self._delays.get(task, 0.0)) for task, delay in delays.items()
        )
        stood_still = now - self._at - _PERIOD - (mine - self._mine) - _UNEVEN
        self._times.append(now)
        self._seconds.append(self._seconds[-1] + waited + max(0.0, stood_still))
        # What the look itself takes is not lateness of the next one.
        self._delays, self._mine, self._at = delays, mine, monotonic()

    @property
    def seen(self) -> Waits:
        """Everything so far."""
        return Waits(self._times, self._seconds)

    def _read(self) -> dict[Path, float]:
        delays = {_STAT: _steal()}
        with suppress(OSError):  # it has ended
            delays.update((task, run_delay(task)) for task in self._folder.iterdir())
        return delays


def run_delay(task: Path = Path("/proc/thread-self")) -> float:
    """Seconds for which a thread, this one if none is named, was ready and had no processor.

    0 if it has ended, or if the kernel does not count that.
    """
    # The second number there, in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).
    try:
        with (task / "schedstat").open("rb", buffering=0) as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def _steal() -> float:
    """Seconds that all processors had taken from them (Linux, proc_stat(5))."""
    with _STAT.open("rb", buffering=0) as file:
        ticks = file.readline().split()
    return int(ticks[8]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Look until there is nothing more to read."""
    witness = Witness(int(sys.argv[1]))
    over = Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        over.set()

    Thread(target=wait_for_end, daemon=True).start()
    while not over.is_set():
        sleep(_PERIOD)
        witness.look()
    sys.stdout.buffer.write(msgspec.json.encode(witness.seen))


if __name__ == "__main__":
    main()
