"""A handler that commits its rows and the journal's in one transaction."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest
from tests.proto.stored import CALL

from dojo_adapters.sqlite import SqliteJournal, has_row, record
from dojo_proto import Context
from dojo_proto.errors import LocalProtocolError
from dojo_proto.journal import Entry, Found, Identity, RowState, Verdict
from dojo_proto.work import Abort, Begin, Commit

ENTRY = Entry(
    ticket="t1",
    method="RecordOrderPaymentById",
    identity=Identity(key="k", repeat="r", content="c", amounts="a"),
    idempotency_key="RecordOrderPaymentById/order-1/pi-1",
    owner="us",
)


def context(ticket: str = "t1", *, keeps_answer: bool = True) -> Context:
    return Context(
        method="RecordOrderPaymentByIdV1",
        raw_id=b"1",
        raw_params=b"{}",
        idempotency_key=ENTRY.idempotency_key,
        ticket=ticket,
        keeps_answer=keeps_answer,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    served = SqliteJournal(tmp_path / "till.db")
    served.perform([Begin(CALL, ENTRY, insert=True)])
    yield served
    served.close()


@pytest.fixture
def till(journal: SqliteJournal) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(journal.path)
    connection.execute("CREATE TABLE payments (intent TEXT)")
    yield connection
    connection.close()


def look_up(journal: SqliteJournal) -> Found:
    (found,) = journal.perform([Begin(CALL, ENTRY, insert=False)])
    assert isinstance(found, Found)
    return found


def payments(till: sqlite3.Connection) -> int:
    (count,) = till.execute("SELECT count(*) FROM payments").fetchone()
    return int(count)


def test_both_are_booked_when_the_transaction_commits(
    journal: SqliteJournal, till: sqlite3.Connection
) -> None:
    with till:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        record(till, context(), {"id": "order-1"})
    found = look_up(journal)
    assert found.verdict is Verdict.SUCCEEDED
    assert found.row is not None
    assert found.row.answer == b'{"id":"order-1"}'


def test_neither_is_booked_when_it_rolls_back(
    journal: SqliteJournal, till: sqlite3.Connection
) -> None:
    till.execute("INSERT INTO payments VALUES ('pi-1')")
    record(till, context(), {"id": "order-1"})
    till.rollback()
    assert look_up(journal).verdict is Verdict.BEGUN
    assert payments(till) == 0


def test_nothing_of_the_answer_is_kept_where_a_lookup_gives_it(
    journal: SqliteJournal, till: sqlite3.Connection
) -> None:
    with till:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        record(till, context(keeps_answer=False), {"customer": "canary"})
    row = look_up(journal).row
    assert row is not None
    assert row.answer == b""


@pytest.mark.parametrize("state", [RowState.REFUSED, RowState.FAILED])
def test_what_was_recorded_stands_whatever_is_said_of_it_afterwards(
    journal: SqliteJournal, till: sqlite3.Connection, state: RowState
) -> None:
    with till:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        record(till, context(), {"id": "order-1"})
    for step in (Commit(CALL, "t1", state, b"{}"), Abort(CALL, "t1")):
        (result,) = journal.perform([step])
        assert isinstance(result, Found)
        assert result.verdict is Verdict.SUCCEEDED
    assert journal.perform([Commit(CALL, "t1", RowState.SUCCEEDED, b"later")]) == [None]
    row = look_up(journal).row
    assert row is not None
    assert row.answer == b'{"id":"order-1"}'


def test_a_journal_that_is_at_hand_records_as_well(
    journal: SqliteJournal, till: sqlite3.Connection, tmp_path: Path
) -> None:
    with till:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        journal.record(till, context(), {"id": "order-1"})
    assert look_up(journal).verdict is Verdict.SUCCEEDED
    another = SqliteJournal(tmp_path / "another.db")
    till.execute("INSERT INTO payments VALUES ('pi-2')")
    with pytest.raises(LocalProtocolError, match=r"till\.db, and the journal is .*another\.db"):
        another.record(till, context(), {})
    another.close()


def test_a_clock_that_leaps_makes_a_recorded_row_no_older_than_it_is(tmp_path: Path) -> None:
    served_for, leap = 900.0, 0.0
    journal = SqliteJournal(
        tmp_path / "till.db", wall=lambda: time() + leap, clock=lambda: served_for
    )
    served_for = 1000.0
    journal.perform([Begin(CALL, ENTRY, insert=True)])
    till = sqlite3.connect(journal.path, isolation_level=None)
    till.execute("BEGIN")
    record(till, context(), {})
    till.execute("COMMIT")
    till.close()
    served_for, leap = 1050.0, 1e6
    row = look_up(journal).row
    assert row is not None
    assert row.age == 50.0
    journal.close()


def test_a_row_is_found_where_it_lies_and_nowhere_else(
    till: sqlite3.Connection, tmp_path: Path
) -> None:
    assert has_row(till, context())
    assert not has_row(till, context(ticket="t2"))  # as of `memory:`, today
    assert not has_row(till, context(ticket=""))  # of a read
    other = sqlite3.connect(tmp_path / "other.db")
    assert not has_row(other, context())
    other.close()


def test_what_the_till_makes_of_its_rows_is_its_own_affair(
    journal: SqliteJournal, till: sqlite3.Connection
) -> None:
    till.row_factory = lambda cursor, row: dict(
        zip((name for name, *_ in cursor.description), row, strict=True)
    )
    with till:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        assert has_row(till, context())
        record(till, context(), {"id": "order-1"})
    assert look_up(journal).verdict is Verdict.SUCCEEDED


class TestRefusals:
    def test_no_transaction(self, till: sqlite3.Connection) -> None:
        with pytest.raises(LocalProtocolError, match="no transaction is open"):
            record(till, context(), {})

    def test_another_database(self, tmp_path: Path) -> None:
        other = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
        other.execute("BEGIN")
        with pytest.raises(LocalProtocolError, match=r"other\.db, and the journal is"):
            record(other, context(), {})
        other.close()

    def test_a_database_in_memory(self) -> None:
        other = sqlite3.connect(":memory:", isolation_level=None)
        other.execute("BEGIN")
        with pytest.raises(LocalProtocolError, match="a database in memory"):
            record(other, context(), {})
        other.close()

    def test_an_attached_database(self, till: sqlite3.Connection, tmp_path: Path) -> None:
        till.execute("ATTACH ? AS stock", (str(tmp_path / "stock.db"),))
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        with pytest.raises(LocalProtocolError, match="'stock' is attached"):
            record(till, context(), {})

    def test_a_connection_that_does_not_wait_for_the_disk(self, till: sqlite3.Connection) -> None:
        till.execute("PRAGMA synchronous = NORMAL")
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        with pytest.raises(LocalProtocolError, match="synchronous = FULL"):
            record(till, context(), {})

    def test_a_read(self, till: sqlite3.Connection) -> None:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        with pytest.raises(LocalProtocolError, match="it has no row"):
            record(till, context(ticket=""), {})

    def test_a_second_time(self, till: sqlite3.Connection) -> None:
        till.execute("INSERT INTO payments VALUES ('pi-1')")
        record(till, context(), {})
        with pytest.raises(LocalProtocolError, match="no open row"):
            record(till, context(), {})
