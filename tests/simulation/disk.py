"""The disk of the till: it outlives crashes, and what was not synced may not.

Two databases lie on it: the till's own books, and the journal.
"""

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import assert_never

import msgspec

from dojo_proto import journal
from dojo_proto.journal import Entry, Found, JournalError, Row, RowState, Told, Verdict
from dojo_proto.work import Abort, Begin, Commit, JournalStep, Note

Result = Found | JournalError | None


class Health(msgspec.Struct):
    """What the disk can do now."""

    full: bool = False
    """Nothing can be written."""
    broken: bool = False
    """Nor read."""
    seconds: float = 0.01
    """How long a sync takes at the most."""


class Booking(msgspec.Struct, frozen=True):
    """One effect in the till's books."""

    token: str
    key: str
    """The idempotency key, where the till keeps it; empty where it does not."""
    run: int
    ticket: str = ""
    """The journal's row that succeeds with it; empty where the till does not record."""
    answer: bytes = b""


class Books:
    """The till's own database. A booking is there for all when its transaction is committed."""

    def __init__(self) -> None:
        self.bookings: list[Booking] = []
        self._pending: dict[int, Booking] = {}
        self._numbers = count()

    def booked(self, *, token: str = "", key: str = "") -> bool:
        """Whether there is a booking of the deed, or under the key."""
        return any(
            (token and booking.token == token) or (key and booking.key == key)
            for booking in self.bookings
        )

    def write(self, booking: Booking) -> int:
        """Write, and commit later: a crash in between may keep it or not."""
        number = next(self._numbers)
        self._pending[number] = booking
        return number

    def commit(self, number: int) -> Booking | None:
        """Synced: it is durable. None if its key is there already, and nothing was done."""
        booking = self._pending.pop(number)
        if self.booked(key=booking.key):
            return None
        self.bookings.append(booking)
        return booking

    def roll_back(self, number: int) -> None:
        """It could not be synced."""
        del self._pending[number]

    def crash(self, dice: Random) -> list[Booking]:
        """Each transaction under way has come through or not; return those that have."""
        kept = [self.commit(number) for number in list(self._pending) if dice.random() < 0.5]
        self._pending.clear()
        return [booking for booking in kept if booking is not None]


class Kept(msgspec.Struct, frozen=True):
    """A row of the journal."""

    entry: Entry
    state: RowState
    answer: bytes
    since: float
    """When it was begun, and once it is committed, when that was."""
    told: Told | None = None


class ModelJournal:
    """A JournalStore on the disk.

    `perform` is done in two halves, `write` and `sync`, so that a crash can come between them. Ages
    are true ages: what wall clocks do purges nothing.
    """

    blocking = True

    def __init__(self, health: Health) -> None:
        self.health = health
        self.now = 0.0
        self.rows: dict[str, Kept] = {}
        """What is durable, by ticket."""
        self._pending: list[tuple[str, Kept | None]] = []

    def perform(self, steps: Sequence[JournalStep]) -> list[Result]:
        """Do `steps` and return a result for each."""
        results = self.write(steps)
        self.sync()
        return results

    def unsettled(self) -> Sequence[Row]:
        """Rows whose outcome is open, or that Dojo is not known to have; oldest first."""
        return [
            self._row(kept)
            for kept in self.rows.values()
            if kept.state is RowState.BEGUN
            or (kept.state is RowState.SUCCEEDED and kept.told in {None, Told.SENT})
        ]

    def close(self) -> None:
        """Nothing is held but the disk."""

    def write(self, steps: Sequence[JournalStep]) -> list[Result]:
        """The results, once what was written for them is synced."""
        return [self._write(step) for step in steps]

    def sync(self) -> None:
        """Everything that was written is durable."""
        self._keep(len(self._pending))

    def roll_back(self) -> None:
        """The sync failed, and nothing of it is there."""
        self._pending.clear()

    def crash(self, dice: Random) -> None:
        """What was written last, and not synced, is lost."""
        self._keep(dice.randint(0, len(self._pending)))
        self._pending.clear()

    def record(self, booking: Booking) -> None:
        """The row has succeeded in the till's own transaction, which is durable."""
        if booking.ticket:
            entry = self.rows[booking.ticket].entry
            row = Kept(entry, RowState.SUCCEEDED, booking.answer, self.now)
            self.rows[booking.ticket] = row

    def has_success(self, key: str) -> bool:
        """Whether a success is durable under the idempotency key."""
        return any(
            row.entry.idempotency_key == key and row.state is RowState.SUCCEEDED
            for row in self.rows.values()
        )

    def _keep(self, many: int) -> None:
        for ticket, row in self._pending[:many]:
            if row is None:
                self.rows.pop(ticket, None)
            else:
                self.rows[ticket] = row
        del self._pending[:many]

    def _visible(self) -> dict[str, Kept]:
        if not self._pending:
            return self.rows
        rows = dict(self.rows)
        for ticket, row in self._pending:
            if row is None:
                rows.pop(ticket, None)
            else:
                rows[ticket] = row
        return rows

    def _write(self, step: JournalStep) -> Result:
        if self.health.broken:
            return JournalError("the disk gives an error")
        rows = self._visible()
        match step:
            case Begin(entry=entry, insert=insert):
                found = journal.judge(entry, self._same(entry, rows))
                if not insert or found.verdict not in {Verdict.FRESH, Verdict.FAILED}:
                    return found
                if self.health.full:
                    return JournalError("the disk is full", fresh=found.row is None)
                if found.row is not None:
                    entry = msgspec.structs.replace(found.row.entry, owner="")  # it runs again
                self._pending.append(
                    (entry.ticket, Kept(entry, RowState.BEGUN, b"", self.now)),
                )
                return found
            case _ if self.health.full:
                return JournalError("the disk is full")
            case Commit(ticket=ticket) | Abort(ticket=ticket) if (
                ticket in rows and rows[ticket].state is RowState.SUCCEEDED
            ):
                if isinstance(step, Commit) and step.state is RowState.SUCCEEDED:
                    return None
                return Found(verdict=Verdict.SUCCEEDED, row=self._row(rows[ticket]))
            case Commit(ticket=ticket, state=state, answer=answer):
                if ticket not in rows:
                    return JournalError(f"there is no row {ticket} to commit")
                kept = Kept(rows[ticket].entry, state, answer, self.now)
                self._pending.append((ticket, kept))
                return None
            case Abort(ticket=ticket):
                self._pending.append((ticket, None))
                return None
            case Note(tickets=tickets, told=told):
                self._pending += [
                    (ticket, msgspec.structs.replace(rows[ticket], told=told))
                    for ticket in tickets
                    if ticket in rows and rows[ticket].told not in {Told.CONFIRMED, told}
                ]
                return None
            case _:
                assert_never(step)

    def _same(self, entry: Entry, rows: dict[str, Kept]) -> list[Row]:
        names = set(entry.identity.names)
        return [
            self._row(kept)
            for kept in reversed(rows.values())
            if not names.isdisjoint(kept.entry.identity.names)
        ]

    def _row(self, kept: Kept) -> Row:
        age = self.now - kept.since
        return Row(entry=kept.entry, state=kept.state, answer=kept.answer, age=age)
