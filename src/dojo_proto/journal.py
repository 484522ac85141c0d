"""What is remembered of state-changing requests, so that none has its effect twice.

The decision what counts as a repeat is `judge`; a store keeps rows and calls it inside the one
atomic step that also inserts.
"""

from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from dojo_proto.contract import Method
from dojo_proto.errors import DojoError
from dojo_proto.jsonrpc import NULL_ID
from dojo_proto.unshown import Unshown

if TYPE_CHECKING:
    from dojo_proto.work import JournalStep

KEY_WINDOW = 7 * 86400.0
"""Seconds after the commit of a success within which the same natural key is a repeat."""
REPEAT_WINDOW = 120.0
"""Seconds after the commit within which the same id, method and content are a repeat."""

_VERSION = "1"
"""Of the hashes over content. A release that reads content otherwise counts it up: what it then
does not recognise is another request by id, or an alarm. Keys have no version: they must be found
by every later release, else what was booked before an update could be booked again."""


class JournalError(DojoError):
    """A store could not do a step. `fresh` says that a look-up had found nothing before that."""

    def __init__(self, reason: str, *, fresh: bool = False) -> None:
        super().__init__(reason)
        self.fresh = fresh


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What makes two requests the same. All are opaque texts; empty never matches."""

    key: str
    """Scope, method and natural key; empty if the method has none."""
    repeat: str
    """Scope, method, JSON-RPC id and content; empty for a null id and for notifications."""
    content: str
    """Hash over the known members of params (all, if nothing is known), without `headers`."""
    amounts: str
    """Hash over the members whose difference under one key deserves an alarm."""

    @property
    def names(self) -> tuple[str, ...]:
        """What a call or a row is found by: hashes over different things, so none clash."""
        return tuple(filter(None, (self.key, self.repeat)))


class Unidentifiable(msgspec.Struct, frozen=True):
    """Params lack what names the request. `reason` has the path and the expected type."""

    reason: str


def identify(
    method: Method, params: bytes | msgspec.Raw, request_id: bytes | None, scope: str
) -> Identity | Unidentifiable:
    """Say what makes this request itself; `scope` is the environment and instance."""
    try:
        members = msgspec.json.decode(params)
    except msgspec.ValidationError:
        return Unidentifiable("Number out of range - at `$`")
    if not isinstance(members, dict):
        return Unidentifiable("Expected `object` - at `$`")
    natural: list[str] = []
    for name in method.natural_key:
        value = members.get(name)
        if not isinstance(value, str) or not value:
            return Unidentifiable(f"Expected a `str` that is not empty - at `$.{name}`")
        natural.append(value)
    # Of a method whose params have no type all members count.
    known = method.members or tuple(name for name in members if name != "headers")
    content = _hash(_VERSION, {name: members[name] for name in known if name in members})
    amounts = method.amounts or known
    return Identity(
        key=_hash(scope, method.name, natural) if natural else "",
        repeat=_hash(scope, method.name, request_id.hex(), content)
        if request_id is not None and request_id != NULL_ID
        else "",
        content=content,
        amounts=_hash(_VERSION, {name: members[name] for name in amounts if name in members}),
    )


def natural_text(method: Method, params: bytes | msgspec.Raw) -> str:
    """The natural key as users see it: `RecordOrderPaymentById/order/intent`, or empty.

    `/` and `%` inside a part are escaped as in a URL, so that no two keys read the same.
    """
    if not method.natural_key:
        return ""
    members = msgspec.json.decode(params)
    parts = (str(members[name]) for name in method.natural_key)
    return "/".join((method.name, *(p.replace("%", "%25").replace("/", "%2F") for p in parts)))


def natural_parts(method: str, text: str) -> tuple[str, ...]:
    """The values of the natural key, from the `natural_text` of that method; else none."""
    name, *parts = text.split("/")
    if name != method:
        return ()
    return tuple(part.replace("%2F", "/").replace("%25", "%") for part in parts)


def _hash(*parts: Any) -> str:
    return sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What `Begin` looks up, and inserts if it is new."""

    ticket: str
    """Names the row; unique for all time."""
    method: str
    """The method's name without its version."""
    identity: Identity
    idempotency_key: str
    """The natural key, or a nonce; kept for every later run of the same request."""
    owner: str
    """Names the process that began the row, for as long as the row lives: if it is another one, a
    crash may have cut its handler off."""


class RowState(Enum):
    """How far a row is."""

    BEGUN = "begun"
    """A handler may run or may have run; nothing is known of its outcome."""
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """A domain error: certainly not done."""
    FAILED = "failed"
    """It raised something else and was answered so: a later run is a second one."""


class Told(Enum):
    """What is known of a committed outcome on its way to Dojo. Kept for people."""

    SENT = "sent"
    """The answer has left this process."""
    CONFIRMED = "confirmed"
    """The pong to a later ping came in on the same link: Dojo has the answer."""
    REPORTED = "reported"
    """It was reported as unconfirmed, and is not reported again."""


class Row(Unshown, msgspec.Struct, frozen=True, kw_only=True):
    """A row as a store gives it back."""

    entry: Entry
    state: RowState
    answer: bytes = b""
    """JSON of the result or of the error object; empty where a `lookup` answers repeats."""
    age: float = 0.0
    """Seconds since the commit, or since it was begun."""


class Verdict(Enum):
    """What a look-up found."""

    FRESH = "fresh"
    BEGUN = "begun"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The journal's answer to `Begin`."""

    verdict: Verdict
    row: Row | None = None
    """The row that was found; None if FRESH."""


FRESH = Found(verdict=Verdict.FRESH)


def retention(entry: Entry, state: RowState) -> float:
    """Seconds after its commit for which a row is a repeat's; nothing finds it afterwards."""
    by_key = bool(entry.identity.key) and state is not RowState.REFUSED
    return KEY_WINDOW if by_key else REPEAT_WINDOW


def judge(entry: Entry, rows: Sequence[Row]) -> Found:
    """Say what `entry` is, given every row that shares its key or its repeat text.

    By natural key only a success is remembered, and a run whose outcome is open; a refusal only by
    id, method and content. Newer rows are to come first.
    """
    for row in rows:
        by_key = bool(entry.identity.key) and row.entry.identity.key == entry.identity.key
        by_repeat = (
            bool(entry.identity.repeat) and row.entry.identity.repeat == entry.identity.repeat
        )
        recent = (by_key and row.age < KEY_WINDOW) or (by_repeat and row.age < REPEAT_WINDOW)
        match row.state:
            case RowState.BEGUN if by_key or by_repeat:
                return Found(verdict=Verdict.BEGUN, row=row)
            case RowState.FAILED if recent:
                return Found(verdict=Verdict.FAILED, row=row)
            case RowState.SUCCEEDED if recent:
                return Found(verdict=Verdict.SUCCEEDED, row=row)
            case RowState.REFUSED if by_repeat and row.age < REPEAT_WINDOW:
                return Found(verdict=Verdict.REFUSED, row=row)
            case _:
                continue
    return FRESH


class JournalStore(Protocol):
    """Keeps rows. Driven by an adapter, one call at a time, and not always from the same thread.

    `perform` does every step in order and returns one result for each: a Found for Begin, None for
    the others, a JournalError for what could not be done. When it returns, everything that did not
    fail is durable. `Begin` looks up with `judge` and, with `insert`, in the same atomic step
    inserts a FRESH entry as BEGUN. A row that is found stays as it is, its owner included: what
    happened to it must still be seen if this answer is lost. Only a FAILED one that is found with
    `insert` becomes BEGUN again, of no owner, since its handler is to run again: the Found tells of
    it as it was. Committed rows may be dropped when their `retention` is over.

    A handler may commit its row as SUCCEEDED itself, in one transaction with what it books. That
    outcome stands: a Commit of another state, or an Abort, changes nothing then and gives the Found
    of the row.
    """

    blocking: bool
    """Whether `perform` waits for a disk, so that an event loop must not call it."""

    def perform(self, steps: "Sequence[JournalStep]") -> "list[Found | JournalError | None]":
        """Do `steps` and return a result for each."""
        ...

    def unsettled(self) -> Sequence[Row]:
        """Rows that an earlier process has left open, oldest first; asked once, before serving.

        Those that are BEGUN, and those that SUCCEEDED and were neither confirmed nor reported.
        Raises JournalError.
        """
        ...

    def close(self) -> None:
        """Give the store up. Nothing is performed afterwards."""
        ...
