"""The tables of a journal in SQLite, and how one is opened.

They begin with `dojo_journal`, so that they can live in the till's own database, where a handler
commits its own rows and the journal's in one transaction.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from dojo_adapters.sqlite.explained import BUSY, explain
from dojo_proto.errors import ConfigurationError

VERSION = 1
"""Of the tables. The next release's may have more columns, and this one can work with them."""

_TABLES = """
CREATE TABLE dojo_journal (
    number INTEGER PRIMARY KEY,
    ticket TEXT NOT NULL UNIQUE,
    method TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    key TEXT NOT NULL,
    repeat TEXT NOT NULL,
    content TEXT NOT NULL,
    amounts TEXT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL,
    answer BLOB NOT NULL DEFAULT x'',
    begun_at REAL NOT NULL,
    lived_at REAL NOT NULL,
    committed_at REAL,
    sent_at REAL,
    confirmed_at REAL,
    reported_at REAL
);
CREATE INDEX dojo_journal_key ON dojo_journal (key) WHERE key <> '';
CREATE INDEX dojo_journal_repeat ON dojo_journal (repeat) WHERE repeat <> '';
CREATE INDEX dojo_journal_age ON dojo_journal (committed_at);
CREATE TABLE dojo_journal_about (
    version INTEGER NOT NULL,
    lived REAL NOT NULL
);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the journal for serving, and make its tables if they are not there.

    Raises ConfigurationError if it cannot be: not absolute, no directory, no database, too new.
    """
    if not path.is_absolute():
        raise ConfigurationError(
            f"journal: expected an absolute path, as in sqlite:/var/lib/till/journal.db, got "
            f"{str(path)!r}: what a relative one means depends on where the program was started"
        )
    return _opened(path, _set_up, str(path), check_same_thread=False)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Open the journal for looking at it, whoever serves it meanwhile.

    Raises ConfigurationError if there is none, or if it is newer than can be read.
    """
    if path.parent.is_dir() and not path.exists():
        raise ConfigurationError(f"journal: there is no file {path}")
    return _opened(path, _expect_journal, f"{path.absolute().as_uri()}?mode=ro", uri=True)


def time_served(connection: sqlite3.Connection, path: Path) -> float:
    """Seconds for which the journal was served by all until now; ask when it is locked.

    Raises ConfigurationError if it does not say.
    """
    try:
        (lived,) = connection.execute("SELECT lived FROM dojo_journal_about").fetchone()
    except sqlite3.Error as error:
        raise _unusable(path, error) from None
    if not isinstance(lived, float):
        raise ConfigurationError(
            f"journal: {path} is damaged: it does not say how old its rows are"
        )
    return lived


def _opened(
    path: Path,
    prepare: Callable[[sqlite3.Connection, Path], None],
    database: str,
    **options: bool,
) -> sqlite3.Connection:
    """A connection with which `prepare` has been done; it is not left open if that fails."""
    try:
        connection = sqlite3.connect(database, timeout=BUSY, isolation_level=None, **options)
        try:
            prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise _unusable(path, error) from None
    return connection


def _expect_journal(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    if version is None:
        raise ConfigurationError(f"journal: {path} is a database, but holds no journal")
    _check(version, path)


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    # The write-ahead log lets others read meanwhile; FULL makes each commit wait for the disk.
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise ConfigurationError(
            f"journal: SQLite cannot keep a write-ahead log for {path} (it stays in the mode "
            f"{mode!r}); is it on a network drive?"
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # macOS: else a sync stops at the drive's cache
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)
    if version is not None:
        _check(version, path)
    else:
        for statement in _TABLES.strip().split(";\n"):
            connection.execute(statement)
        connection.execute("INSERT INTO dojo_journal_about VALUES (?, 0)", (VERSION,))
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int | None:
    there = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'dojo_journal_about'"
    ).fetchone()
    if there is None:
        return None
    row = connection.execute("SELECT version FROM dojo_journal_about").fetchone()
    return 0 if row is None else int(row[0])


def _check(version: int, path: Path) -> None:
    if version < 1:
        raise ConfigurationError(f"journal: {path} is damaged: it does not say its version")
    if version > VERSION + 1:
        raise ConfigurationError(
            f"journal: {path} was written by a newer release of this software (its tables have "
            f"version {version}, and this release knows {VERSION} and can work with "
            f"{VERSION + 1}); update, so that what is booked stays known"
        )


def _unusable(path: Path, error: sqlite3.Error) -> ConfigurationError:
    if not path.parent.is_dir():
        why = f"there is no directory {path.parent}"
    elif path.is_dir():
        why = "that is a directory"
    else:
        why = explain(error)
    return ConfigurationError(f"journal: {path} cannot be opened: {why}")
