"""A success that a handler commits itself, in one transaction with what it books.

So there is no moment at which the till has booked and the journal does not know it. Both have to
lie in one file: of two, under ATTACH and with a write-ahead log, a power cut may leave one behind.
"""

import sqlite3
from pathlib import Path
from time import time
from typing import Any

from dojo_proto import Context, contract
from dojo_proto.errors import LocalProtocolError

_FULL = 2

_HAS_JOURNAL = "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = 'dojo_journal'"
_HAS_ROW = "SELECT 1 FROM main.dojo_journal WHERE ticket = ?"

# For how long the journal has been served is as of its last step, which has begun this request or
# came later. A row may look older by the run of its handler, and only to a clock that has leapt.
_RECORD = """UPDATE main.dojo_journal
SET state = 'succeeded', answer = ?, committed_at = ?,
    lived_at = (SELECT lived FROM main.dojo_journal_about)
WHERE ticket = ? AND state <> 'succeeded'"""


def record(
    connection: sqlite3.Connection, ctx: Context, result: object, *, path: Path | None = None
) -> None:
    """Have the request of `ctx` succeed with `result` when `connection` commits; in a handler.

    `connection` is the handler's own, to the database that is served as the journal too, in the
    transaction that writes the till's rows, and with nothing attached. Once that is committed the
    payment is booked and the journal knows it, whatever happens next: return `result` then. If it
    is rolled back, neither is so. `path` is where the journal is known to lie, if it is known.
    Raises LocalProtocolError if it cannot be one transaction.
    """
    _check(connection, path)
    if not ctx.ticket:
        raise LocalProtocolError(f"record: {ctx.method} changes nothing, so it has no row")
    # Where a lookup answers repeats, nothing that a customer has said needs to be kept.
    answer = contract.encode({} if result is None else result) if ctx.keeps_answer else b""
    if connection.execute(_RECORD, (answer, time(), ctx.ticket)).rowcount != 1:
        raise LocalProtocolError(
            f"record: the journal has no open row for {ctx.idempotency_key}; was it recorded "
            "before, or does this request belong to another journal?"
        )


def has_row(connection: sqlite3.Connection, ctx: Context) -> bool:
    """Whether the journal that has the request of `ctx` lies in the database of `connection`.

    For handlers that are also served with another journal, such as `memory:` in tests.
    """
    if not ctx.ticket or not _rows(connection, _HAS_JOURNAL):
        return False
    return bool(_rows(connection, _HAS_ROW, ctx.ticket))


def _check(connection: sqlite3.Connection, path: Path | None) -> None:
    """Raise LocalProtocolError unless both are written to one file, durably and at once."""
    if not connection.in_transaction:
        raise LocalProtocolError(
            "record: no transaction is open; write the till's own rows first, or BEGIN, so that "
            "both are committed together"
        )
    for _, name, file in _rows(connection, "PRAGMA database_list"):
        if name == "main" and not _holds_journal(connection, file, path):
            raise LocalProtocolError(
                f"record: this connection is to {file or 'a database in memory'}, and the journal "
                f"is {path or 'not there'}: name the till's own database as the journal, "
                "sqlite:PATH"
            )
        if name not in {"main", "temp"}:
            raise LocalProtocolError(
                f"record: {name!r} is attached to this connection, and two files are not committed "
                "as one; use a connection without ATTACH"
            )
    ((synchronous,),) = _rows(connection, "PRAGMA synchronous")
    if synchronous < _FULL:
        raise LocalProtocolError(
            "record: this connection does not wait for the disk, so a power cut could take what "
            "was answered; set PRAGMA synchronous = FULL"
        )


def _holds_journal(connection: sqlite3.Connection, file: str, path: Path | None) -> bool:
    if not file or (path is not None and not path.samefile(file)):
        return False
    return bool(_rows(connection, _HAS_JOURNAL))


def _rows(connection: sqlite3.Connection, query: str, *values: str) -> list[tuple[Any, ...]]:
    cursor = connection.cursor()
    cursor.row_factory = None  # the till's own may make anything of a row
    return cursor.execute(query, values).fetchall()
