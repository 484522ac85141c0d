"""Events on their way to an observer, who may be slow."""

from dojo_proto.events import Event

MAX_EVENTS = 10_000
"""Events that wait; of more, the oldest are forgotten."""


class PendingEvents:
    """First in, first out. A list, since a deque takes 760 bytes while it is empty."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[Event] = []

    def put(self, event: Event) -> None:
        """Add the newest."""
        if len(self._waiting) >= MAX_EVENTS:
            del self._waiting[0]
        self._waiting.append(event)

    def take(self) -> Event | None:
        """The oldest, or None if none waits."""
        return self._waiting.pop(0) if self._waiting else None
