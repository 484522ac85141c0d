"""The calls under way, and the rows that this process has left open."""

from collections.abc import Iterable

from dojo_proto.call import Call


class Table:
    """Belongs to the journal and outlives connections. Driven by dispatch."""

    __slots__ = ("_known", "cut_off", "deadline", "ended", "open_rows", "started")

    def __init__(self) -> None:
        self.started: dict[int, Call] = {}
        """Every call that has started and is not done, by its number."""
        self.open_rows: dict[str, bool] = {}
        """Rows that are begun, by ticket, and whether this process has started their handler."""
        self.deadline: float | None = None
        """No later than the first deadline of a call."""
        self.ended = False
        """What still runs is cut off: nobody learns here how it ends."""
        self.cut_off = 0
        """How many calls that changed something were, when it ended."""
        # State-changing calls, waiting or started, by natural key and by id with content.
        self._known: dict[str, Call] = {}

    def __len__(self) -> int:
        return len(self._known)

    def same(self, call: Call) -> Call | None:
        """The call under way that `call` repeats."""
        return next(filter(None, map(self._known.get, _names(call))), None)

    def know(self, call: Call) -> None:
        """From now on `call` is found by its repeats."""
        for name in _names(call):
            self._known[name] = call

    def forget(self, call: Call) -> None:
        """`call` is over, or was never to be."""
        for name in _names(call):
            if self._known.get(name) is call:
                del self._known[name]

    def arm(self, call: Call) -> None:
        """Something is due for `call` at its deadline."""
        if call.deadline is not None and (self.deadline is None or call.deadline < self.deadline):
            self.deadline = call.deadline

    def due(self, now: float) -> list[Call]:
        """Calls whose deadline has come; they have none any more."""
        calls = [c for c in self.started.values() if c.deadline is not None and c.deadline <= now]
        for call in calls:
            call.deadline = None
        return calls

    def rearm(self, waiting: Iterable[Call]) -> None:
        """Find the first deadline of all that have started and of those that wait."""
        deadlines = (call.deadline for call in (*waiting, *self.started.values()))
        self.deadline = min((at for at in deadlines if at is not None), default=None)

    def end(self) -> list[Call]:
        """Cut off the calls whose handler has started, and whose outcome the journal has not."""
        calls = [call for call in self.started.values() if self.open_rows.get(call.ticket)]
        self.ended, self.cut_off = True, len(calls)
        return calls

    @property
    def in_flight(self) -> int:
        """Calls that have started and are not done."""
        return len(self.started)

    @property
    def answered(self) -> bool:
        """Whether nobody waits for any call that has started."""
        return all(call.answered for call in self.started.values())

    @property
    def unresolved(self) -> int:
        """How many rows are open of which no call is under way any more."""
        # Copied in one step, since a status may be asked for while another thread drives.
        calls = [] if self.ended else list(self.started.values())
        return len(set(self.open_rows).difference([call.ticket for call in calls]))


def _names(call: Call) -> tuple[str, ...]:
    return () if call.identity is None else call.identity.names
