"""A success that a handler commits itself, in one transaction with what it books.

So there is no moment at which the till has booked and the journal does not know it. Both have to
lie in one file: of two, under ATTACH and with a write-ahead log, a power cut may leave one behind.
"""

import sqlite3
from pathlib import Path

from dojo_proto import Context, contract
from dojo_proto.errors import LocalProtocolError

_FULL = 2

_RECORD = """UPDATE dojo_journal
SET state = 'succeeded', answer = ?, committed_at = ?, lived_at = ?, held = 0
WHERE ticket = ? AND state <> 'succeeded'"""


def record(
    connection: sqlite3.Connection,
    ctx: Context,
    result: object,
    *,
    path: Path,
    wall: float,
    lived: float,
) -> None:
    """Have the row of `ctx` succeed with `result` when the transaction of `connection` commits."""
    _check(connection, path)
    if not ctx.ticket:
        raise LocalProtocolError(f"record: {ctx.method} changes nothing, so it has no row")
    # Where a lookup answers repeats, nothing that a customer has said needs to be kept.
    answer = contract.encode({} if result is None else result) if ctx.keeps_answer else b""
    done = connection.execute(_RECORD, (answer, wall, lived, ctx.ticket))
    if done.rowcount != 1:
        raise LocalProtocolError(
            f"record: the journal has no open row for {ctx.idempotency_key}; was it recorded "
            "before, or does this request belong to another journal?"
        )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise LocalProtocolError unless both are written to one file, durably and at once."""
    if not connection.in_transaction:
        raise LocalProtocolError(
            "record: no transaction is open; write the till's own rows first, or BEGIN, so that "
            "both are committed together"
        )
    for _, name, file in connection.execute("PRAGMA database_list"):
        if name == "main" and not (file and path.samefile(file)):
            raise LocalProtocolError(
                f"record: this connection is to {file or 'a database in memory'}, and the journal "
                f"is {path}: name the till's own database as the journal, sqlite:{file}"
            )
        if name not in {"main", "temp"}:
            raise LocalProtocolError(
                f"record: {name!r} is attached to this connection, and two files are not committed "
                "as one; use a connection without ATTACH"
            )
    (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
    if synchronous < _FULL:
        raise LocalProtocolError(
            "record: this connection does not wait for the disk, so a power cut could take what "
            "was answered; set PRAGMA synchronous = FULL"
        )
