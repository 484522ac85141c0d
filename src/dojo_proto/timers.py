"""Which of two things is due first."""


def earlier(one: float | None, other: float | None) -> float | None:
    """The earlier of two timers, each in seconds or None; None if neither is set."""
    if one is None:
        return other
    return one if other is None or one <= other else other
