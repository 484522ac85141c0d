"""How old a row is: by the wall clock, and by the time for which the journal was served."""

import sqlite3
from pathlib import Path

import pytest
from tests.adapters.sqlite.steps import Clocks, serve
from tests.proto.stored import begin, commit, entry

from dojo_adapters.sqlite import SqliteJournal
from dojo_proto.journal import RowState, Verdict

DAY = 86400.0


def test_a_success_is_remembered_for_a_week_of_service(
    journal: SqliteJournal, clocks: Clocks
) -> None:
    new = entry()
    begin(journal, new)
    commit(journal, new.ticket, RowState.SUCCEEDED)
    clocks.pass_by(7 * DAY - 1)
    assert begin(journal, entry(), insert=False).verdict is Verdict.SUCCEEDED
    clocks.pass_by(2)
    assert begin(journal, entry(), insert=False).verdict is Verdict.FRESH


@pytest.mark.parametrize(("leap", "served"), [(365 * DAY, 3600.0), (-12 * DAY, 8 * DAY)])
def test_a_clock_that_leaps_makes_nothing_forgotten(
    journal: SqliteJournal, clocks: Clocks, leap: float, served: float
) -> None:
    new = entry()
    begin(journal, new)
    commit(journal, new.ticket, RowState.SUCCEEDED)
    clocks.wall += leap
    for _ in range(2):  # behind the first look, what is too old is removed
        clocks.pass_by(served)
        assert begin(journal, entry(), insert=False).verdict is Verdict.SUCCEEDED


def test_a_clock_that_is_set_back_makes_no_row_younger_than_new(
    journal: SqliteJournal, clocks: Clocks
) -> None:
    opened, booked = entry("k1", "r1"), entry("k2", "r2")
    begin(journal, opened)
    begin(journal, booked)
    commit(journal, booked.ticket, RowState.SUCCEEDED)
    clocks.wall -= 3600
    assert [row.age for row in journal.unsettled()] == [0.0, 0.0]


def test_time_served_counts_from_the_commit(journal: SqliteJournal, clocks: Clocks) -> None:
    new = entry()
    begin(journal, new)
    clocks.pass_by(6 * DAY)
    commit(journal, new.ticket, RowState.SUCCEEDED)
    clocks.wall += 365 * DAY
    clocks.pass_by(6 * DAY)
    assert begin(journal, entry(), insert=False).verdict is Verdict.SUCCEEDED


def test_time_for_which_nobody_served_counts_as_none(path: Path, clocks: Clocks) -> None:
    first = serve(path, clocks)
    new = entry()
    begin(first, new)
    clocks.pass_by(6 * DAY)
    commit(first, new.ticket, RowState.SUCCEEDED)
    first.close()
    clocks.wall += 30 * DAY
    clocks.monotonic = 3.0  # the machine has started anew
    second = serve(path, clocks)
    found = begin(second, entry())
    second.close()
    assert found.verdict is Verdict.SUCCEEDED


def test_what_is_too_old_is_removed_and_open_rows_stay(
    journal: SqliteJournal, clocks: Clocks
) -> None:
    done, opened, failed = entry("k1", "r1"), entry("k2", "r2"), entry("k3", "r3")
    for each in (done, opened, failed):
        begin(journal, each)
    commit(journal, done.ticket, RowState.SUCCEEDED)
    commit(journal, failed.ticket, RowState.FAILED)
    assert begin(journal, entry("k3", "r3")).verdict is Verdict.FAILED  # and it runs again
    clocks.pass_by(8 * DAY)
    begin(journal, entry("k4", "r4"), insert=False)
    kept = journal._connection.execute("SELECT ticket FROM dojo_journal ORDER BY ticket")
    assert kept.fetchall() == sorted([(opened.ticket,), (failed.ticket,)])


def test_what_is_too_old_is_looked_for_every_ten_minutes_and_not_in_every_step(
    journal: SqliteJournal, clocks: Clocks
) -> None:
    statements: list[str] = []
    journal._connection.set_trace_callback(statements.append)
    looked = []
    for seconds in (0, 1, 598, 1, 1, 599):
        clocks.pass_by(seconds)
        begin(journal, entry(), insert=False)
        looked.append(sum(statement.startswith("DELETE") for statement in statements))
    assert looked == [1, 1, 1, 2, 2, 3]


# The end of a service.


def test_the_time_since_the_last_step_counts_as_well(path: Path, clocks: Clocks) -> None:
    first = serve(path, clocks)
    new = entry()
    begin(first, new)
    commit(first, new.ticket, RowState.SUCCEEDED)
    clocks.pass_by(7 * DAY - 1)
    first.close()
    clocks.monotonic = 3.0  # the machine has started anew
    second = serve(path, clocks)
    assert begin(second, entry(), insert=False).verdict is Verdict.SUCCEEDED
    clocks.pass_by(2)
    assert begin(second, entry(), insert=False).verdict is Verdict.FRESH
    second.close()


def fill_the_disk(journal: SqliteJournal) -> None:
    """Leave no room for what is written of the time served."""
    execute = journal._connection.execute
    execute("CREATE TABLE filled (bytes BLOB)")
    execute(
        "CREATE TRIGGER filling AFTER UPDATE ON dojo_journal_about "
        "BEGIN INSERT INTO filled VALUES (zeroblob(100000)); END"
    )
    (pages,) = execute("PRAGMA page_count").fetchone()
    execute(f"PRAGMA max_page_count = {pages}")


def test_a_disk_that_is_full_at_the_end_makes_rows_seem_younger_and_no_more(
    path: Path, clocks: Clocks
) -> None:
    first = serve(path, clocks)
    new = entry()
    begin(first, new)
    commit(first, new.ticket, RowState.SUCCEEDED)
    fill_the_disk(first)
    clocks.pass_by(7 * DAY + 1)
    first.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        first._connection.execute("SELECT 1")
    second = serve(path, clocks)  # the lock is free
    assert begin(second, entry(), insert=False).verdict is Verdict.SUCCEEDED
    second.close()
