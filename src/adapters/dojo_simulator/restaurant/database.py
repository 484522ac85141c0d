"""Where the books are kept: one SQLite file, and the one place where transactions begin and end."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from threading import RLock
from typing import Any, TypeVar
from weakref import finalize

from dojo_adapters import sqlite as journal
from dojo_proto import ConfigurationError, Context
from dojo_simulator.restaurant.schema import SCHEMA, VERSION

Result = TypeVar("Result")

_BUSY = 5.0
"""Seconds to wait for another process that writes."""


class Books:
    """The books, open for one transaction. `now` is when that began."""

    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now

    def run(self, sql: str, /, **values: Any) -> int:
        """Execute one statement that changes rows, and return how many it has changed."""
        return self._connection.execute(sql, _stored(values)).rowcount

    def rows(self, sql: str, /, **values: Any) -> list[sqlite3.Row]:
        """Return what a query finds."""
        return self._connection.execute(sql, _stored(values)).fetchall()

    def row(self, sql: str, /, **values: Any) -> sqlite3.Row | None:
        """Return the first row that a query finds."""
        found: sqlite3.Row | None = self._connection.execute(sql, _stored(values)).fetchone()
        return found

    def record(self, ctx: Context, result: Result) -> Result:
        """Return `result`, which the journal knows of as soon as the books have changed.

        So it is if both are kept in this one file, as they should be. Another journal hears of it
        afterwards, from the library.
        """
        if journal.has_row(self._connection, ctx):
            journal.record(self._connection, ctx, result)
        return result

    def next_number(self, table: str) -> int:
        """The number that the next row of the table will have; none is ever used twice."""
        last = self.row("SELECT seq FROM sqlite_sequence WHERE name = :table", table=table)
        return 1 if last is None else last["seq"] + 1


class Database:
    """A file of SQLite, for any number of threads: they take turns.

    `path` of None means a temporary file, which is gone with the object. A file that is new gets
    its tables, and what `fill` enters. Raises ConfigurationError if there is something at `path`
    that cannot be used.
    """

    def __init__(
        self, path: Path | None, clock: Callable[[], datetime], fill: Callable[[Books], None]
    ) -> None:
        temporary = None
        if path is None:
            temporary = Path(mkdtemp(prefix="dojo-restaurant-"))
            path = temporary / "restaurant.db"
        self.path = path
        self._clock = clock
        self._turn = RLock()
        try:
            self._connection = sqlite3.connect(
                path, timeout=_BUSY, isolation_level=None, check_same_thread=False
            )
            self._close = finalize(self, _give_up, self._connection, self._turn, temporary)
            self._prepare(fill)
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"the restaurant's file {path} cannot be used: {error}; name one that may be "
                "written, or that does not exist yet"
            ) from None

    @contextmanager
    def reading(self) -> Iterator[Books]:
        """Look into the books as they are at one moment."""
        with self._transaction("BEGIN") as books:
            yield books

    @contextmanager
    def writing(self) -> Iterator[Books]:
        """Change the books: all of it is durable when the block has ended, or nothing has changed.

        An exception out of the block undoes what was done in it.
        """
        with self._transaction("BEGIN IMMEDIATE") as books:
            yield books

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Have every change fail while the block runs, as when a disk has become read-only."""
        with self._turn:
            self._connection.execute("PRAGMA query_only = ON")
        try:
            yield
        finally:
            with self._turn:
                self._connection.execute("PRAGMA query_only = OFF")

    def close(self) -> None:
        """Give the file up, once whoever uses it has finished. It may be called again."""
        self._close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Books]:
        with self._turn:
            self._connection.execute(begin)
            try:
                yield Books(self._connection, self._clock())
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # SQLite itself ends some that have failed
                    self._connection.execute("ROLLBACK")
                raise

    def _prepare(self, fill: Callable[[Books], None]) -> None:
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # What was committed is on the disk, also if the power fails in the next moment.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA fullfsync = ON")  # macOS: else a drive's cache would do
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self.writing() as books:
            found = books.rows("PRAGMA user_version")[0]["user_version"]
            if found == 0:
                for statement in SCHEMA:
                    books.run(statement)
                fill(books)
                books.run(f"PRAGMA user_version = {VERSION}")
            elif found != VERSION:
                raise ConfigurationError(
                    f"the restaurant's file {self.path} has tables of version {found}, and this "
                    f"program works with version {VERSION}: name a file that does not exist yet"
                )


def _stored(values: dict[str, Any]) -> dict[str, Any]:
    """Times become text in UTC, all of one length, so that SQLite compares them rightly."""
    return {
        name: value.astimezone(UTC).isoformat(timespec="microseconds")
        if isinstance(value, datetime)
        else value
        for name, value in values.items()
    }


def _give_up(connection: sqlite3.Connection, turn: RLock, temporary: Path | None) -> None:
    if turn.acquire(timeout=_BUSY):  # a thread may still write when the program ends
        connection.close()
        turn.release()
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)
