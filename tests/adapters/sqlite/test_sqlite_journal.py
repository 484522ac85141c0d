"""`sqlite:PATH`: one owner, durable rows, errors in words."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.adapters.sqlite.steps import Clocks, serve
from tests.proto.stored import CALL, begin, commit, entry

from dojo_adapters.sqlite import SqliteJournal
from dojo_adapters.sqlite.schema import connect_to_read
from dojo_proto.errors import JournalInUse
from dojo_proto.journal import Found, JournalError, RowState, Told, Verdict
from dojo_proto.work import Abort, Begin, Commit, Note


class TestWhatItKeeps:
    def test_a_row_is_found_by_the_next_process(self, path: Path, clocks: Clocks) -> None:
        first = serve(path, clocks)
        new = entry()
        assert begin(first, new).verdict is Verdict.FRESH
        commit(first, new.ticket, RowState.SUCCEEDED, b'{"id":"order-1"}')
        first.close()
        second = serve(path, clocks)
        found = begin(second, entry())
        second.close()
        assert found.verdict is Verdict.SUCCEEDED
        assert found.row is not None
        assert found.row.entry == new
        assert found.row.answer == b'{"id":"order-1"}'

    def test_what_has_failed_and_is_run_again_belongs_to_nobody(
        self, journal: SqliteJournal
    ) -> None:
        new = entry(owner="us")
        begin(journal, new)
        commit(journal, new.ticket, RowState.FAILED)
        assert begin(journal, entry(owner="us")).verdict is Verdict.FAILED
        found = begin(journal, entry(owner="us"))
        assert found.verdict is Verdict.BEGUN
        assert found.row is not None
        assert (found.row.entry.ticket, found.row.entry.owner) == (new.ticket, "")

    def test_what_has_failed_and_is_run_again_is_begun_anew(
        self, journal: SqliteJournal, clocks: Clocks
    ) -> None:
        new = entry()
        begin(journal, new)
        clocks.pass_by(60)
        commit(journal, new.ticket, RowState.FAILED, b'{"code":-32603}')
        clocks.pass_by(30)
        begin(journal, entry())
        clocks.pass_by(10)
        (row,) = journal.unsettled()
        assert (row.state, row.age, row.answer) == (RowState.BEGUN, 10.0, b"")

    def test_the_newest_of_several_rows_is_found(self, journal: SqliteJournal) -> None:
        refused, booked = entry(repeat="r1"), entry(repeat="r2")
        begin(journal, refused)
        commit(journal, refused.ticket, RowState.REFUSED)
        begin(journal, booked)
        commit(journal, booked.ticket, RowState.SUCCEEDED)
        late_repeat_of_the_first = begin(journal, entry(repeat="r1"))
        assert late_repeat_of_the_first.verdict is Verdict.SUCCEEDED

    def test_steps_that_come_together_share_one_transaction(self, journal: SqliteJournal) -> None:
        statements: list[str] = []
        journal._connection.set_trace_callback(statements.append)
        entries = [entry(f"k{n}", f"r{n}") for n in range(50)]
        journal.perform([Begin(CALL, each, insert=True) for each in entries])
        journal.perform([Commit(CALL, each.ticket, RowState.SUCCEEDED, b"") for each in entries])
        assert statements.count("COMMIT") == 2

    def test_a_step_takes_no_longer_when_there_are_many_rows(self, journal: SqliteJournal) -> None:
        instructions: list[None] = []
        took: list[int] = []
        for number in (1, 2000):
            entries = [entry(f"k{number}.{n}", f"r{number}.{n}") for n in range(number)]
            journal.perform([Begin(CALL, each, insert=True) for each in entries])
            instructions.clear()
            journal._connection.set_progress_handler(lambda: instructions.append(None), 1)
            commit(journal, entries[0].ticket, RowState.SUCCEEDED)
            begin(journal, entries[0])
            journal._connection.set_progress_handler(None, 1)
            took.append(len(instructions))
        assert took[1] < 2 * took[0]

    def test_every_commit_waits_for_the_disk(self, journal: SqliteJournal) -> None:
        full = 2
        assert journal.blocking
        assert journal._connection.execute("PRAGMA synchronous").fetchone() == (full,)
        assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_a_row_that_is_not_there_cannot_be_committed(self, journal: SqliteJournal) -> None:
        (result,) = journal.perform([Commit(CALL, "t?", RowState.SUCCEEDED, b"")])
        assert isinstance(result, JournalError)


class TestOneOwner:
    def test_a_second_service_is_told_who_has_it(self, journal: SqliteJournal) -> None:
        with pytest.raises(JournalInUse, match=f"process {os.getpid()}"):
            SqliteJournal(journal.path)
        assert begin(journal, entry()).verdict is Verdict.FRESH  # the first one is not disturbed

    def test_another_process_is_refused_and_one_that_is_killed_lets_go(self, path: Path) -> None:
        holder = subprocess.Popen(  # noqa: S603 - this Python, with the text below
            [sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        with holder:
            assert holder.stdout.readline() == "begun\n"
            with pytest.raises(JournalInUse, match=f"process {holder.pid}"):
                SqliteJournal(path)
            holder.send_signal(signal.SIGKILL)
        survivor = SqliteJournal(path)
        found = begin(survivor, entry())
        survivor.close()
        assert found.verdict is Verdict.BEGUN
        assert found.row is not None
        assert found.row.entry.owner == "them"

    def test_nobody_writes_between_its_look_up_and_what_follows_from_that(
        self, journal: SqliteJournal
    ) -> None:
        other = sqlite3.connect(journal.path, timeout=0, isolation_level=None)
        refused: list[str] = []

        def write(statement: str) -> None:
            if "WHERE (key" in statement:
                try:
                    other.execute("DELETE FROM dojo_journal")
                except sqlite3.OperationalError as error:
                    refused.append(str(error))

        journal._connection.set_trace_callback(write)
        assert begin(journal, entry()).verdict is Verdict.FRESH
        assert begin(journal, entry()).verdict is Verdict.BEGUN
        other.close()
        assert refused == ["database is locked"] * 2

    def test_others_may_read_meanwhile(self, journal: SqliteJournal) -> None:
        begin(journal, entry())
        reader = connect_to_read(journal.path)
        assert reader.execute("SELECT state FROM dojo_journal").fetchall() == [("begun",)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM dojo_journal")
        reader.close()


HOLDER = """
import sys, time
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto.journal import Entry, Identity
from dojo_proto.work import Begin

journal = SqliteJournal(sys.argv[1])
identity = Identity(key="k", repeat="r", content="c", amounts="a")
entry = Entry(ticket="t", method="M", identity=identity, idempotency_key="i", owner="them")
journal.perform([Begin(None, entry, True)])
print("begun", flush=True)
time.sleep(60)
"""


class TestFaults:
    def test_a_full_disk_is_named_and_what_was_found_is_still_told(
        self, journal: SqliteJournal
    ) -> None:
        booked = entry("k1", "r1")
        begin(journal, booked)
        commit(journal, booked.ticket, RowState.SUCCEEDED, b"{}")
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        steps = [Begin(CALL, entry("k1", "r1"), insert=True)]
        steps += [Begin(CALL, entry(f"new-{n}" * 99, f"r{n}"), insert=True) for n in range(60)]
        repeat, *rest = journal.perform(steps)
        assert isinstance(repeat, Found)
        assert repeat.verdict is Verdict.SUCCEEDED
        refused = [each for each in rest if isinstance(each, JournalError)]
        assert refused
        assert all(each.fresh and "the disk is full" in str(each) for each in refused)

    def test_of_two_that_come_together_each_gets_its_own_answer(
        self, journal: SqliteJournal
    ) -> None:
        booked = entry("k1", "r1")
        begin(journal, booked)
        commit(journal, booked.ticket, RowState.SUCCEEDED)
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        too_big = entry("k" * 100_000, "r2")
        found, refused = journal.perform(
            [Begin(CALL, entry("k1", "r1"), insert=True), Begin(CALL, too_big, insert=True)]
        )
        assert isinstance(found, Found)
        assert found.verdict is Verdict.SUCCEEDED
        assert isinstance(refused, JournalError)
        assert refused.fresh

    def test_what_the_database_refuses_leaves_no_transaction_open(
        self, journal: SqliteJournal
    ) -> None:
        new = entry("k1", "r1")
        same_ticket = msgspec.structs.replace(entry("k2", "r2"), ticket=new.ticket)
        begun, refused = journal.perform(
            [Begin(CALL, new, insert=True), Begin(CALL, same_ticket, insert=True)]
        )
        assert isinstance(begun, Found)
        assert isinstance(refused, JournalError)
        commit(journal, new.ticket, RowState.SUCCEEDED)
        assert begin(journal, entry("k1", "r1")).verdict is Verdict.SUCCEEDED

    def test_what_cannot_be_looked_up_is_not_known_to_be_new(self, journal: SqliteJournal) -> None:
        journal._connection.execute("DROP TABLE dojo_journal")
        results = journal.perform(
            [Begin(CALL, entry(), insert=True), Begin(CALL, entry(), insert=False)]
        )
        assert len(results) == 2
        for each in results:
            assert isinstance(each, JournalError)
            assert not each.fresh
            assert "no such table" in str(each)

    def test_it_works_again_when_there_is_room(self, journal: SqliteJournal) -> None:
        (pages,) = journal._connection.execute("PRAGMA page_count").fetchone()
        journal._connection.execute(f"PRAGMA max_page_count = {pages}")
        big = entry("k" * 100_000)
        (result,) = journal.perform([Begin(CALL, big, insert=True)])
        assert isinstance(result, JournalError)
        journal._connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
        assert begin(journal, big).verdict is Verdict.FRESH

    def test_a_transaction_left_open_by_somebody_else_is_named(
        self, journal: SqliteJournal
    ) -> None:
        journal._connection.execute("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(journal.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        new = entry()
        (result,) = journal.perform([Begin(CALL, new, insert=True)])
        assert isinstance(result, JournalError)
        assert result.fresh
        assert "locked" in str(result)
        (aborted,) = journal.perform([Abort(CALL, new.ticket)])
        assert isinstance(aborted, JournalError)
        other.close()

    def test_where_nothing_can_be_written_what_is_known_is_still_told(
        self, journal: SqliteJournal
    ) -> None:
        booked, failed = entry("k1", "r1"), entry("k2", "r2")
        begin(journal, booked)
        commit(journal, booked.ticket, RowState.SUCCEEDED)
        begin(journal, failed)
        commit(journal, failed.ticket, RowState.FAILED)
        journal._connection.execute("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(journal.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        repeat, again, new = journal.perform(
            [Begin(CALL, entry(f"k{n}", f"r{n}"), insert=True) for n in (1, 2, 3)]
        )
        other.close()
        assert isinstance(repeat, Found)
        assert repeat.verdict is Verdict.SUCCEEDED
        assert isinstance(again, JournalError)
        assert not again.fresh  # nor may it run again: that could not be written
        assert isinstance(new, JournalError)
        assert new.fresh

    def test_a_step_that_cannot_be_done_does_not_take_the_others_with_it(
        self, journal: SqliteJournal
    ) -> None:
        new = entry()
        found, lost = journal.perform(
            [Begin(CALL, new, insert=True), Commit(CALL, "t?", RowState.SUCCEEDED, b"")]
        )
        assert isinstance(found, Found)
        assert isinstance(lost, JournalError)
        assert begin(journal, entry()).verdict is Verdict.BEGUN

    def test_a_row_that_is_damaged_does_not_take_the_others_with_it(
        self, journal: SqliteJournal
    ) -> None:
        damaged = entry("k1", "r1")
        begin(journal, damaged)
        journal._connection.execute("UPDATE dojo_journal SET state = 'booked', begun_at = 'today'")
        lost, found = journal.perform(
            [Begin(CALL, each, insert=True) for each in (damaged, entry("k2", "r2"))]
        )
        assert isinstance(lost, JournalError)
        assert not lost.fresh
        assert f"{damaged.ticket!r} is damaged" in str(lost)
        assert "today" not in str(lost)
        assert isinstance(found, Found)
        assert found.verdict is Verdict.FRESH


class TestWhatDojoWasTold:
    def told(self, journal: SqliteJournal, ticket: str) -> tuple[bool, ...]:
        row = journal._connection.execute(
            "SELECT sent_at, confirmed_at, reported_at FROM dojo_journal WHERE ticket = ?",
            (ticket,),
        ).fetchone()
        return tuple(at is not None for at in row)

    def test_it_is_noted_of_each_row(self, journal: SqliteJournal) -> None:
        first, second = entry("k1", "r1"), entry("k2", "r2")
        for each in (first, second):
            begin(journal, each)
            commit(journal, each.ticket, RowState.SUCCEEDED)
        assert journal.perform([Note((first.ticket, second.ticket, "gone"), Told.SENT)]) == [None]
        journal.perform([Note((first.ticket,), Told.CONFIRMED)])
        journal.perform([Note((second.ticket,), Told.REPORTED)])
        assert self.told(journal, first.ticket) == (True, True, False)
        assert self.told(journal, second.ticket) == (True, False, True)

    def test_the_next_process_gets_what_was_left_open(self, path: Path, clocks: Clocks) -> None:
        first = serve(path, clocks)
        opened, confirmed, reported, refused, unconfirmed = (
            entry(f"k{n}", f"r{n}") for n in range(5)
        )
        for each in (opened, confirmed, reported, refused, unconfirmed):
            begin(first, each)
        for each in (confirmed, reported, unconfirmed):
            commit(first, each.ticket, RowState.SUCCEEDED)
        commit(first, refused.ticket, RowState.REFUSED)
        first.perform([Note((confirmed.ticket,), Told.CONFIRMED)])
        first.perform([Note((reported.ticket,), Told.REPORTED)])
        first.close()
        clocks.pass_by(60)
        second = serve(path, clocks)
        rows = second.unsettled()
        second.close()
        assert [(row.entry, row.state) for row in rows] == [
            (opened, RowState.BEGUN),
            (unconfirmed, RowState.SUCCEEDED),
        ]
        assert rows[0].age == 60

    def test_a_journal_that_cannot_be_read_says_so(self, path: Path, clocks: Clocks) -> None:
        journal = serve(path, clocks)
        journal._connection.execute("DROP TABLE dojo_journal")
        with pytest.raises(JournalError, match="no such table"):
            journal.unsettled()
        journal.close()
