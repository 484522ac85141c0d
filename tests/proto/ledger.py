"""A journal for tests that outlives its process, and into which a handler can write itself."""

from collections.abc import Callable, Sequence
from typing import assert_never

import msgspec

from dojo_proto.journal import (
    Entry,
    Found,
    JournalError,
    Row,
    RowState,
    Told,
    Verdict,
    judge,
)
from dojo_proto.work import Abort, Begin, Commit, JournalStep, Note


class _Kept(msgspec.Struct):
    entry: Entry
    since: float
    state: RowState = RowState.BEGUN
    answer: bytes = b""
    told: list[Told] = []


class Ledger:
    """A JournalStore in a dict, which forgets nothing."""

    blocking = False

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.rows: dict[str, _Kept] = {}
        self.full = False
        """The disk is: what is there can be read, and nothing more be written of it."""

    def record(self, ticket: str, answer: bytes = b"{}") -> None:
        """The handler commits its row together with what it books."""
        self._commit(ticket, RowState.SUCCEEDED, answer)

    def told(self, ticket: str) -> list[Told]:
        return self.rows[ticket].told

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        return [self._step(step) for step in steps]

    def unsettled(self) -> Sequence[Row]:
        done = {Told.CONFIRMED, Told.REPORTED}
        return [
            self._row(kept)
            for kept in self.rows.values()
            if kept.state is RowState.BEGUN
            or (kept.state is RowState.SUCCEEDED and not done.intersection(kept.told))
        ]

    def close(self) -> None:
        """It goes on for the next process."""

    def _step(self, step: JournalStep) -> Found | JournalError | None:
        match step:
            case Begin(entry=entry, insert=insert):
                found = judge(entry, [self._row(kept) for kept in reversed(self.rows.values())])
                if insert and found.verdict is Verdict.FRESH:
                    self.rows[entry.ticket] = _Kept(entry, self.clock())
                return found
            case Note() | Commit() | Abort() if self.full:
                return JournalError("the disk is full")
            case Note(tickets=tickets, told=told):
                for ticket in self.rows.keys() & tickets:
                    self.rows[ticket].told.append(told)
                return None
            case Commit(ticket=ticket) | Abort(ticket=ticket):
                kept = self.rows[ticket]
                if kept.state is RowState.SUCCEEDED:
                    return Found(verdict=Verdict.SUCCEEDED, row=self._row(kept))
                if isinstance(step, Abort):
                    del self.rows[ticket]
                else:
                    self._commit(ticket, step.state, step.answer)
                return None
            case _:
                assert_never(step)

    def _commit(self, ticket: str, state: RowState, answer: bytes) -> None:
        kept = self.rows[ticket]
        kept.state, kept.answer, kept.since = state, answer, self.clock()

    def _row(self, kept: _Kept) -> Row:
        age = self.clock() - kept.since
        return Row(entry=kept.entry, state=kept.state, answer=kept.answer, age=age)
