"""`sqlite:PATH`, the journal that survives crashes and power cuts."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, time
from typing import assert_never

import msgspec

from dojo_adapters.sqlite.explained import explain
from dojo_adapters.sqlite.lock import ServingLock
from dojo_adapters.sqlite.recording import record
from dojo_adapters.sqlite.schema import connect, time_served
from dojo_proto import Context
from dojo_proto.journal import (
    KEY_WINDOW,
    Entry,
    Found,
    Identity,
    JournalError,
    Row,
    RowState,
    Told,
    Verdict,
    judge,
)
from dojo_proto.work import Abort, Begin, Commit, JournalStep, Note

_PURGE_EVERY = 600.0  # seconds between two looks for rows that are too old to matter


class _Stored(msgspec.Struct, array_like=True):
    """A row as it lies in the table."""

    ticket: str
    method: str
    idempotency_key: str
    key: str
    repeat: str
    content: str
    amounts: str
    owner: str
    state: RowState
    answer: bytes
    begun_at: float
    committed_at: float | None
    lived_at: float


_SELECT = f"SELECT {', '.join(_Stored.__struct_fields__)} FROM dojo_journal"  # noqa: S608 - the names of the Struct above

# Two searches by index; newer rows come first, and an empty name matches nothing.
_LOOK_UP = f"""{_SELECT} WHERE (key = ? AND key <> '') OR (repeat = ? AND repeat <> '')
ORDER BY number DESC"""

_SUCCEEDED = f"{_SELECT} WHERE ticket = ? AND state = 'succeeded'"

_UNSETTLED = f"""{_SELECT} WHERE state = 'begun'
    OR (state = 'succeeded' AND confirmed_at IS NULL AND reported_at IS NULL)
ORDER BY number"""

_COMMIT = """UPDATE dojo_journal
SET state = ?, answer = ?, committed_at = ?, lived_at = ?
WHERE ticket = ? AND state <> 'succeeded'"""

# Its handler is to run a second time: nobody's, so that this is never taken for a first run.
_BEGIN_AGAIN = """UPDATE dojo_journal
SET state = 'begun', owner = '', answer = x'', begun_at = ?, committed_at = NULL
WHERE ticket = ?"""

_LIVED = "UPDATE dojo_journal_about SET lived = ?"

_NOTES = {
    Told.SENT: "UPDATE dojo_journal SET sent_at = ? WHERE ticket = ?",
    Told.CONFIRMED: "UPDATE dojo_journal SET confirmed_at = ? WHERE ticket = ?",
    Told.REPORTED: "UPDATE dojo_journal SET reported_at = ? WHERE ticket = ?",
}


class _Moment(msgspec.Struct, frozen=True):
    wall: float
    """Seconds since 1970, for people."""
    lived: float
    """Seconds for which this journal has been served, all its processes together."""


class SqliteJournal:
    """A JournalStore in a SQLite database, the till's own or one for itself.

    `path` is absolute. What `perform` has done is on the disk: the write-ahead log is synced once
    for all steps that came together. It is served by one process at a time: the lock is taken when
    it is made, and goes with `close` or with the process. Raises ConfigurationError if the file
    cannot be a journal, JournalInUse if another service has it.

    A row's age is the lesser of what the wall clock says and of the time for which the journal was
    served since. So a clock that is set forward makes nothing forgotten, and one that is set back
    keeps nothing for ever.
    """

    blocking = True

    def __init__(
        self,
        path: str | Path,
        *,
        wall: Callable[[], float] = time,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.path = Path(path)
        self._wall = wall
        self._clock = clock
        with ExitStack() as undo:
            self._connection = connect(self.path)
            undo.callback(self._connection.close)
            self._lock = ServingLock(self.path)
            undo.callback(self._lock.release)
            self._lived_before = time_served(self._connection, self.path)
            undo.pop_all()
        self._started = clock()
        self._purged_at: float | None = None

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        """Do `steps` in one transaction, and so with one sync of the disk."""
        if not steps:
            return []
        try:
            return self._together(steps)
        except (sqlite3.Error, JournalError) as error:
            if len(steps) > 1:
                # Nothing is done yet. One by one, each gets its own answer.
                return [result for step in steps for result in self.perform([step])]
            return [self._undone(steps[0], error)]

    def record(self, connection: sqlite3.Connection, ctx: Context, result: object) -> None:
        """Have the request of `ctx` succeed with `result` when `connection` commits; in a handler.

        As `dojo_adapters.sqlite.record`, for those who have opened the journal themselves.
        """
        record(connection, ctx, result, path=self.path)

    def unsettled(self) -> Sequence[Row]:
        """What an earlier process has left open, oldest first. Raises JournalError."""
        try:
            rows = self._connection.execute(_UNSETTLED).fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: {explain(error)}") from None
        now = self._now()
        return [_row(values, now) for values in rows]

    def close(self) -> None:
        """Give the journal up to whoever serves it next."""
        try:
            self._note_time_served()
        finally:
            self._connection.close()
            self._lock.release()

    def _note_time_served(self) -> None:
        """Each write says how long the journal was served until then; the rest is said here."""
        # A disk that is full now only makes the rows seem younger than they are.
        with suppress(sqlite3.Error):
            self._connection.execute(_LIVED, (self._now().lived,))

    def _together(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        now = self._now()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            results = [self._step(step, now) for step in steps]
            self._purge(now)
            connection.execute(_LIVED, (now.lived,))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return results

    def _undone(
        self, step: JournalStep, error: sqlite3.Error | JournalError
    ) -> Found | JournalError:
        """What can be said of a step that could not be done."""
        reason = f"{self.path}: {explain(error)}"
        if not isinstance(step, Begin):
            return JournalError(reason)
        try:
            found = self._look_up(step.entry, self._now())
        except (sqlite3.Error, JournalError):
            return JournalError(reason)
        fresh = found.verdict is Verdict.FRESH
        if fresh or found.verdict is Verdict.FAILED:
            return JournalError(reason, fresh=fresh)
        return found  # for which nothing had to be written

    def _step(self, step: JournalStep, now: _Moment) -> Found | JournalError | None:
        execute = self._connection.execute
        match step:
            case Begin(entry=entry, insert=insert):
                found = self._look_up(entry, now)
                if insert and found.verdict is Verdict.FRESH:
                    self._insert(entry, now)
                elif insert and found.row is not None and found.verdict is Verdict.FAILED:
                    execute(_BEGIN_AGAIN, (now.wall, found.row.entry.ticket))
                return found
            case Commit(ticket=ticket, state=state, answer=answer):
                return self._commit(ticket, state, answer, now)
            case Abort(ticket=ticket):
                recorded = self._recorded(ticket, now)
                if recorded is None:
                    execute("DELETE FROM dojo_journal WHERE ticket = ?", (ticket,))
                return recorded
            case Note(tickets=tickets, told=told):
                moments = [(now.wall, ticket) for ticket in tickets]
                self._connection.executemany(_NOTES[told], moments)
                return None
            case _:
                assert_never(step)

    def _commit(
        self, ticket: str, state: RowState, answer: bytes, now: _Moment
    ) -> Found | JournalError | None:
        done = self._connection.execute(_COMMIT, (state.value, answer, now.wall, now.lived, ticket))
        if done.rowcount:
            return None
        recorded = self._recorded(ticket, now)
        if recorded is None:
            return JournalError(f"there is no row {ticket}")
        return None if state is RowState.SUCCEEDED else recorded

    def _recorded(self, ticket: str, now: _Moment) -> Found | None:
        """The row, if the handler has committed it as a success in its own transaction."""
        values = self._connection.execute(_SUCCEEDED, (ticket,)).fetchone()
        return None if values is None else Found(verdict=Verdict.SUCCEEDED, row=_row(values, now))

    def _look_up(self, entry: Entry, now: _Moment) -> Found:
        names = (entry.identity.key, entry.identity.repeat)
        rows = self._connection.execute(_LOOK_UP, names)
        return judge(entry, [_row(values, now) for values in rows])

    def _insert(self, entry: Entry, now: _Moment) -> None:
        identity = entry.identity
        self._connection.execute(
            "INSERT INTO dojo_journal (ticket, method, idempotency_key, key, repeat, content, "
            "amounts, owner, state, begun_at, lived_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.ticket,
                entry.method,
                entry.idempotency_key,
                identity.key,
                identity.repeat,
                identity.content,
                identity.amounts,
                entry.owner,
                RowState.BEGUN.value,
                now.wall,
                now.lived,
            ),
        )

    def _purge(self, now: _Moment) -> None:
        """Remove what no request can repeat any more. Rows whose outcome is open always stay."""
        if self._purged_at is not None and now.lived - self._purged_at < _PURGE_EVERY:
            return
        self._purged_at = now.lived
        self._connection.execute(
            # Those that are begun were committed at no time.
            "DELETE FROM dojo_journal WHERE committed_at < ? AND lived_at < ?",
            (now.wall - KEY_WINDOW, now.lived - KEY_WINDOW),
        )

    def _now(self) -> _Moment:
        return _Moment(self._wall(), self._lived_before + self._clock() - self._started)


def _row(values: tuple[object, ...], now: _Moment) -> Row:
    try:
        stored = msgspec.convert(values, _Stored)
    except msgspec.ValidationError:
        raise JournalError(f"the row {values[0]!r} is damaged: was it written by hand?") from None
    if stored.committed_at is None:
        age = now.wall - stored.begun_at
    else:
        age = min(now.wall - stored.committed_at, now.lived - stored.lived_at)
    return Row(
        entry=Entry(
            ticket=stored.ticket,
            method=stored.method,
            identity=Identity(
                key=stored.key,
                repeat=stored.repeat,
                content=stored.content,
                amounts=stored.amounts,
            ),
            idempotency_key=stored.idempotency_key,
            owner=stored.owner,
        ),
        state=stored.state,
        answer=stored.answer,
        age=max(0.0, age),
    )
