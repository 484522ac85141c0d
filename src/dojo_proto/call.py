"""One request under way, and those who wait for its answer."""

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dojo_proto.errors import LocalProtocolError
from dojo_proto.handlers import Handler
from dojo_proto.journal import Identity, Row
from dojo_proto.unshown import Unshown

if TYPE_CHECKING:
    from dojo_proto.decisions import Asking, Forget, Keep, Reread

LONGEST = 1000
"""Characters of an id or key that observers are shown."""


class Phase(Enum):
    """Where a call is."""

    QUEUED = "queued"
    """It waits for a place; one that is turned away, or that nobody waits for, ends here."""
    BEGINNING = "beginning"
    """The journal looks it up."""
    RUNNING = "running"
    """The handler runs."""
    ASKING = "asking"
    """The handler's outcome is open, and the `lookup` is asked whether it was done."""
    REPEATING = "repeating"
    """It was done before, and the `lookup` is asked for the answer of now."""
    COMMITTING = "committing"
    """The journal keeps the outcome; the answer waits for that."""
    DONE = "done"

    # There is one of each; Enum's own hash is that of the name, in Python.
    __hash__ = object.__hash__


# Found once: in Python 3.11 that takes longer than all that is done with it.
RUNNING: Final = Phase.RUNNING
DONE: Final = Phase.DONE

TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.QUEUED: frozenset({Phase.BEGINNING, Phase.RUNNING, Phase.ASKING}),
    Phase.BEGINNING: frozenset({Phase.RUNNING, Phase.ASKING, Phase.REPEATING, Phase.DONE}),
    Phase.RUNNING: frozenset({Phase.COMMITTING, Phase.ASKING, Phase.BEGINNING, Phase.DONE}),
    Phase.ASKING: frozenset({Phase.RUNNING, Phase.COMMITTING, Phase.DONE}),
    Phase.REPEATING: frozenset({Phase.DONE}),
    Phase.COMMITTING: frozenset({Phase.ASKING, Phase.REPEATING, Phase.BEGINNING, Phase.DONE}),
    Phase.DONE: frozenset(),
}


def move(call: "Call", phase: Phase) -> None:
    """Take `call` to its next phase. Raises LocalProtocolError where there is no way."""
    if phase not in TRANSITIONS[call.phase]:
        raise LocalProtocolError(f"{call!r} cannot become {phase.value}")
    call.phase = phase


def shown(text: str) -> str:
    """A peer's own name for something, for observers.

    It may be as large as a message, and thousands of events may wait for an observer that is slow.
    """
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


class Gathering:
    """The answers to a batch, sent together when the last of them is there."""

    __slots__ = ("answers", "link", "waiting")

    def __init__(self, link: int) -> None:
        self.link = link
        self.answers: list[bytes] = []
        self.waiting = 1
        """Members that have no answer yet, and the batch itself until all of it has been read."""

    def expect(self, waiter: "Waiter") -> None:
        """One more member was read: it gets an answer unless it is a notification."""
        self.waiting += waiter.id is not None


class Waiter(msgspec.Struct, eq=False):
    """One delivery of a request: who is to be answered, and how."""

    link: int
    id: bytes | None
    """As it came; None for a notification, which is never answered."""
    since: float
    """When this delivery came in: seconds of the caller's clock, the one of `now`."""
    gathering: Gathering | None
    """The batch that it came in; None if it came alone."""

    @property
    def shown_id(self) -> str:
        """The id for observers, as JSON text."""
        return "" if self.id is None else shown(self.id.decode("utf-8", "replace"))


class Call(Unshown, msgspec.Struct, eq=False):
    """One request under way. Adapters carry it back and forth and do not look inside."""

    number: int
    """Counts the calls of a service; part of the traceId of its errors."""
    handler: Handler
    waiters: list[Waiter]
    since: float
    """When the first delivery came in, or what an earlier process left open was taken up: seconds
    of the caller's clock, as `begun_at` and `deadline` are."""
    begun_at: float
    """When the journal began it: earlier than `since`, if it was found there."""
    params: Any
    raw_params: bytes | msgspec.Raw
    lookup_params: Any = None
    """What the lookup takes, if there is one: it may annotate another type."""
    identity: Identity | None = None
    """None for a read."""
    phase: Phase = Phase.QUEUED
    deadline: float | None = None
    """When something is due: the end of the wait, the read's time-out, the alarm."""
    answered: bool = False
    """Nobody waits any more, though the handler may still run."""
    shed: bool = False
    """It is only looked up: there is no place for it, or the service stops."""
    threaded: bool = False
    """It holds a worker."""
    ticket: str = ""
    idempotency_key: str = ""
    redelivered: bool = False
    rereading: "Reread | None" = None
    """Its row is read anew, since its handler may have committed it itself."""
    asking: "Asking | None" = None
    """While ASKING: why."""
    stored: bytes = b""
    """While REPEATING: the first answer, if it was stored."""
    keeping: "Keep | Forget | None" = None
    """While COMMITTING: what, and what will be answered then."""

    def adopt(self, row: Row, now: float) -> None:
        """An earlier request was the same: this one goes on with its row."""
        self.ticket = row.entry.ticket
        self.begun_at = now - row.age
        self.idempotency_key = row.entry.idempotency_key

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Nothing of what came."""
        return [("method", self.handler.method.wire), ("phase", self.phase.value)]
