"""Steps for a journal, whichever it is: entries, and what is done to their rows."""

from collections.abc import Iterator
from itertools import count
from typing import Any, cast

from dojo_proto import JournalStore
from dojo_proto.journal import Entry, Found, Identity, RowState
from dojo_proto.work import Begin, Commit

CALL = cast("Any", None)  # a store does not look at calls

TICKETS: Iterator[int] = count()


def entry(key: str = "k", repeat: str = "r", *, owner: str = "us") -> Entry:
    return Entry(
        ticket=f"t{next(TICKETS)}",
        method="RecordOrderPaymentById",
        identity=Identity(key=key, repeat=repeat, content="c", amounts="a"),
        idempotency_key=f"RecordOrderPaymentById/order-1/{key}",
        owner=owner,
    )


def begin(journal: JournalStore, new: Entry, *, insert: bool = True) -> Found:
    (found,) = journal.perform([Begin(CALL, new, insert)])
    assert isinstance(found, Found)
    return found


def commit(journal: JournalStore, ticket: str, state: RowState, answer: bytes = b"{}") -> None:
    assert journal.perform([Commit(CALL, ticket, state, answer)]) == [None]
