"""Steps for a journal in SQLite, and clocks that go as the test says."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

from dojo_adapters.sqlite import SqliteJournal
from dojo_proto.journal import Entry, Found, Identity, RowState
from dojo_proto.work import Begin, Commit

CALL = cast("Any", None)  # a store does not look at calls

TICKETS: Iterator[int] = count()


class Clocks:
    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.monotonic = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def serve(path: Path, clocks: Clocks) -> SqliteJournal:
    return SqliteJournal(path, wall=lambda: clocks.wall, clock=lambda: clocks.monotonic)


def entry(key: str = "k", repeat: str = "r", *, owner: str = "us") -> Entry:
    return Entry(
        ticket=f"t{next(TICKETS)}",
        method="RecordOrderPaymentById",
        identity=Identity(key=key, repeat=repeat, content="c", amounts="a"),
        idempotency_key=f"RecordOrderPaymentById/order-1/{key}",
        owner=owner,
    )


def begin(journal: SqliteJournal, new: Entry, *, insert: bool = True) -> Found:
    (found,) = journal.perform([Begin(CALL, new, insert)])
    assert isinstance(found, Found)
    return found


def commit(journal: SqliteJournal, ticket: str, state: RowState, answer: bytes = b"{}") -> None:
    assert journal.perform([Commit(CALL, ticket, state, answer)]) == [None]
