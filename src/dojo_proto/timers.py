"""When the first of several things is due."""


def earliest(*timers: float | None) -> float | None:
    """The earliest of `timers`, each in seconds or None; None if nothing is due at any time."""
    first: float | None = None
    for timer in timers:
        if timer is not None and (first is None or timer < first):
            first = timer
    return first
