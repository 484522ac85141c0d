"""What a journal knows, for people: while it is served by another process, or after a crash."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from dojo_adapters.sqlite.lock import ServingLock
from dojo_adapters.sqlite.schema import connect, connect_to_read
from dojo_proto.journal import RowState, natural_parts


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One request that changed something, or was to. Times are seconds since 1970."""

    method: str
    idempotency_key: str
    state: RowState
    begun_at: float
    committed_at: float | None
    sent_at: float | None
    confirmed_at: float | None
    reported_at: float | None
    ticket: str

    @property
    def names(self) -> tuple[str, ...]:
        """The parts of its natural key: of a payment, the order's id and the payment intent's."""
        return natural_parts(self.method, self.idempotency_key)

    @property
    def is_open(self) -> bool:
        """Whether nobody knows if it was done."""
        return self.state is RowState.BEGUN

    def sentence(self) -> str:
        """What support staff need to know of it."""
        return (
            f"{self.method} {' '.join(self.names) or '(no key)'}: {self._done()}; {self._told()}."
        )

    def _done(self) -> str:
        at = _clock(self.begun_at if self.committed_at is None else self.committed_at)
        match self.state:
            case RowState.BEGUN:
                return f"UNKNOWN whether it was booked: begun {at}, and still running or cut off"
            case RowState.SUCCEEDED:
                return f"booked {at}"
            case RowState.REFUSED:
                return f"refused {at}, nothing was booked"
            case RowState.FAILED:
                return f"failed {at}: the handler raised, and Dojo may try again"

    def _told(self) -> str:
        if self.confirmed_at is not None:
            return f"Dojo has had the answer since {_clock(self.confirmed_at)}"
        if self.sent_at is not None:
            return f"the answer was sent {_clock(self.sent_at)}, and Dojo is not known to have it"
        return "Dojo is not known to have been told"  # what was sent is noted seconds later


_SELECT = f"SELECT {', '.join(Record.__struct_fields__)} FROM dojo_journal"  # noqa: S608 - the names


def records(
    path: Path, *, open_only: bool = False, order: str | None = None, intent: str | None = None
) -> list[Record]:
    """Rows of the journal at `path`, oldest first: of one order, or of one payment intent.

    `order` is the order's id of a payment, or Dojo's id of an order that it has made. Raises
    ConfigurationError if there is no journal.
    """
    with closing(connect_to_read(path)) as connection:
        return list(_select(connection, open_only=open_only, order=order, intent=intent))


def purge(
    path: Path,
    *,
    before: float,
    even_open: bool,
    order: str | None = None,
    intent: str | None = None,
) -> tuple[list[Record], list[Record]]:
    """Remove rows that were begun before `before`, and return those removed and those kept.

    Kept are rows whose outcome is open, unless `even_open`. Raises ConfigurationError if there is
    no journal, and JournalInUse while it is served.
    """
    # A file that is no journal gets no lock beside it, which would stay.
    connect_to_read(path).close()
    lock = ServingLock(path)
    try:
        with closing(connect(path)) as connection:
            rows = list(_select(connection, open_only=False, order=order, intent=intent))
            old = [row for row in rows if row.begun_at < before]
            removed = [row for row in old if even_open or not row.is_open]
            tickets = [(row.ticket,) for row in removed]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("DELETE FROM dojo_journal WHERE ticket = ?", tickets)
            connection.execute("COMMIT")
            return removed, [row for row in old if row.is_open and not even_open]
    finally:
        lock.release()


def _select(
    connection: sqlite3.Connection, *, open_only: bool, order: str | None, intent: str | None
) -> Iterator[Record]:
    for values in connection.execute(f"{_SELECT} ORDER BY number"):
        row = msgspec.convert(values, Record)
        wanted = (order is None or row.names[:1] == (order,)) and (
            intent is None or row.names[1:2] == (intent,)
        )
        if wanted and (row.is_open or not open_only):
            yield row


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
