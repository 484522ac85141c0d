"""`memory:`, the journal that remembers for as long as the process lives."""

from collections.abc import Callable, Sequence
from typing import assert_never

import msgspec

from dojo_proto.journal import (
    KEY_WINDOW,
    REPEAT_WINDOW,
    Entry,
    Found,
    JournalError,
    Row,
    RowState,
    Verdict,
    judge,
    retention,
)
from dojo_proto.unshown import Unshown
from dojo_proto.work import Abort, Begin, Commit, JournalStep, Note


class _Kept(Unshown, msgspec.Struct):
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
        # By how long they are kept: tickets in the order in which they were committed.
        self._committed: dict[float, dict[str, None]] = {KEY_WINDOW: {}, REPEAT_WINDOW: {}}

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        """Do `steps` and return a result for each."""
        return [self._step(step) for step in steps]

    def unsettled(self) -> Sequence[Row]:
        """Nothing: it has no earlier process."""
        return ()

    def close(self) -> None:
        """Forget everything."""
        self._rows.clear()
        self._tickets.clear()
        for tickets in self._committed.values():
            tickets.clear()

    def _step(self, step: JournalStep) -> Found | JournalError | None:
        now = self._clock()
        match step:
            case Begin(entry=entry, insert=insert):
                return self._begin(entry, insert=insert, now=now)
            case Commit(ticket=ticket, state=state, answer=answer):
                kept = self._rows.get(ticket)
                if kept is None:
                    return JournalError(f"there is no row {ticket} to commit")
                self._uncommit(ticket, kept)
                kept.state, kept.answer, kept.since = state, answer, now
                self._committed[retention(kept.entry, state)][ticket] = None
                return None
            case Abort(ticket=ticket):
                self._remove(ticket)
                return None
            case Note():
                return None  # there is nobody who could read it
            case _:
                assert_never(step)

    def _begin(self, entry: Entry, *, insert: bool, now: float) -> Found:
        self._forget_expired(now)
        names = entry.identity.names
        # Newer rows come first, and a row may stand under both of its names.
        tickets = dict.fromkeys(
            ticket for name in names for ticket in reversed(self._tickets.get(name, ()))
        )
        found = judge(entry, [self._row(ticket, now) for ticket in tickets])
        if insert and found.verdict is Verdict.FRESH:
            self._rows[entry.ticket] = _Kept(entry, RowState.BEGUN, b"", now)
            for name in names:
                self._tickets.setdefault(name, []).append(entry.ticket)
        elif insert and found.row is not None and found.verdict is Verdict.FAILED:
            again = found.row.entry
            self._uncommit(again.ticket, self._rows[again.ticket])
            nobodys = msgspec.structs.replace(again, owner="")
            self._rows[again.ticket] = _Kept(nobodys, RowState.BEGUN, b"", now)
        return found

    def _row(self, ticket: str, now: float) -> Row:
        kept = self._rows[ticket]
        return Row(entry=kept.entry, state=kept.state, answer=kept.answer, age=now - kept.since)

    def _forget_expired(self, now: float) -> None:
        for window, tickets in self._committed.items():
            # They are in the order of their times, so the first that may stay ends the search.
            while tickets and now - self._rows[first := next(iter(tickets))].since >= window:
                self._remove(first)

    def _remove(self, ticket: str) -> None:
        kept = self._rows.pop(ticket, None)
        if kept is None:
            return
        self._uncommit(ticket, kept)
        for name in kept.entry.identity.names:
            tickets = self._tickets[name]
            tickets.remove(ticket)
            if not tickets:
                del self._tickets[name]

    def _uncommit(self, ticket: str, kept: _Kept) -> None:
        self._committed[retention(kept.entry, kept.state)].pop(ticket, None)
