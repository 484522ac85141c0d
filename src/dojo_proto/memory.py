"""`memory:`, the journal that remembers for as long as the process lives."""

from collections.abc import Callable, Sequence

import msgspec

from dojo_proto.journal import (
    KEY_WINDOW,
    Entry,
    Found,
    JournalError,
    Row,
    RowState,
    Verdict,
    judge,
)
from dojo_proto.work import Abort, Begin, Commit


class _Kept(msgspec.Struct):
    entry: Entry
    state: RowState
    answer: bytes
    since: float
    """When it was begun, and once it is committed, when that was."""


class MemoryJournal:
    """A JournalStore in a dict. `clock` gives seconds that only go forward.

    It does not survive the process, so it cannot keep a payment from being booked twice across a
    crash: a till that books money needs a durable journal, or a `lookup`.
    """

    blocking = False

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, _Kept] = {}
        self._tickets: dict[str, list[str]] = {}
        self._committed: dict[str, None] = {}

    def perform(self, steps: Sequence[Begin | Commit | Abort]) -> list[Found | JournalError | None]:
        """Do `steps` and return a result for each."""
        return [self._step(step) for step in steps]

    def close(self) -> None:
        """Forget everything."""
        self._rows.clear()
        self._tickets.clear()
        self._committed.clear()

    def _step(self, step: Begin | Commit | Abort) -> Found | JournalError | None:
        now = self._clock()
        match step:
            case Begin(entry=entry, insert=insert):
                return self._begin(entry, insert=insert, now=now)
            case Commit(ticket=ticket, state=state, answer=answer):
                kept = self._rows.get(ticket)
                if kept is None:
                    return JournalError(f"there is no row {ticket} to commit")
                kept.state, kept.answer, kept.since = state, answer, now
                self._committed[ticket] = None
                return None
            case Abort(ticket=ticket):
                self._remove(ticket)
                return None

    def _begin(self, entry: Entry, *, insert: bool, now: float) -> Found:
        self._forget_expired(now)
        names = _names(entry)
        # Newer rows come first, and a row may stand under both of its names.
        tickets = dict.fromkeys(
            ticket for name in names for ticket in reversed(self._tickets.get(name, ()))
        )
        found = judge(entry, [self._row(ticket, now) for ticket in tickets])
        if insert and found.verdict is Verdict.FRESH:
            self._rows[entry.ticket] = _Kept(entry, RowState.BEGUN, b"", now)
            for name in names:
                self._tickets.setdefault(name, []).append(entry.ticket)
        elif insert and found.row is not None and found.verdict in {Verdict.BEGUN, Verdict.FAILED}:
            kept = self._rows[found.row.entry.ticket]
            kept.entry = msgspec.structs.replace(kept.entry, owner=entry.owner)
            if kept.state is RowState.FAILED:
                kept.state, kept.since = RowState.BEGUN, now
                self._committed.pop(kept.entry.ticket, None)
        return found

    def _row(self, ticket: str, now: float) -> Row:
        kept = self._rows[ticket]
        return Row(entry=kept.entry, state=kept.state, answer=kept.answer, age=now - kept.since)

    def _forget_expired(self, now: float) -> None:
        # Commits are in the order of their times, so the first that may stay ends the search.
        expired = []
        for ticket in self._committed:
            if now - self._rows[ticket].since < KEY_WINDOW:
                break
            expired.append(ticket)
        for ticket in expired:
            self._remove(ticket)

    def _remove(self, ticket: str) -> None:
        kept = self._rows.pop(ticket, None)
        self._committed.pop(ticket, None)
        for name in _names(kept.entry) if kept is not None else ():
            tickets = self._tickets[name]
            tickets.remove(ticket)
            if not tickets:
                del self._tickets[name]


def _names(entry: Entry) -> list[str]:
    """What a row is found by. Keys and repeat texts are hashes over different things: no clash."""
    return [name for name in (entry.identity.key, entry.identity.repeat) if name]
