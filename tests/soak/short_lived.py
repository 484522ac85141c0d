"""What threads waited for a processor that may have ended before a witness looks."""

from collections.abc import Callable
from threading import Thread
from time import monotonic

import msgspec
from tests.soak.pairs import Pairs
from tests.soak.witness import run_delay

_WORTH_IT = 0.001


class Delay(msgspec.Struct, frozen=True, array_like=True):
    """A thread had waited so many `seconds` for a processor until the time `seen`."""

    seen: float
    seconds: float


def watch_threads() -> Callable[[], list[Delay]]:
    """Have every thread say so when it begins and ends; what is returned gives the last of that.

    A loop that starts a thread goes on when that has begun (`Thread.start`), hence the first.
    """
    kept = Pairs()
    run = Thread.run

    def note(before: float) -> float:
        delay = run_delay()
        if delay - before > _WORTH_IT:
            kept.put(monotonic(), delay - before)
        return delay

    def watched(self: Thread) -> None:
        before = note(0.0)
        try:
            run(self)
        finally:
            note(before)

    setattr(Thread, "run", watched)  # noqa: B010 - mypy lets nobody assign to a method
    return lambda: [Delay(*each) for each in kept]
