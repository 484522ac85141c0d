"""`memory:` keeps rows for as long as they can be repeats, and no longer."""

import pytest
from tests.proto.stored import CALL, begin, commit, entry

from dojo_proto.journal import (
    FRESH,
    KEY_WINDOW,
    REPEAT_WINDOW,
    Found,
    JournalError,
    RowState,
    Verdict,
)
from dojo_proto.memory import MemoryJournal
from dojo_proto.work import Abort, Begin, Commit


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(clock: Clock) -> MemoryJournal:
    return MemoryJournal(clock)


def rows(journal: MemoryJournal) -> int:
    """How many rows there are, and that nothing else is kept beside them."""
    tickets = {ticket for named in journal._tickets.values() for ticket in named}
    committed = [ticket for window in journal._committed.values() for ticket in window]
    assert tickets <= journal._rows.keys()
    assert len(committed) == len(set(committed))
    assert set(committed) <= journal._rows.keys()
    return len(journal._rows)


def test_it_never_waits() -> None:
    assert MemoryJournal.blocking is False


def test_what_is_new_is_begun_once(journal: MemoryJournal) -> None:
    first = entry()
    assert begin(journal, first) == FRESH
    found = begin(journal, entry())
    assert found.verdict is Verdict.BEGUN
    assert found.row is not None
    assert found.row.entry is first


def test_a_look_up_inserts_nothing(journal: MemoryJournal) -> None:
    assert begin(journal, entry(), insert=False) == FRESH
    assert begin(journal, entry(), insert=False) == FRESH
    assert rows(journal) == 0


@pytest.mark.parametrize("names", [{"key": "x"}, {"repeat": "x"}])
def test_a_row_is_found_by_either_name(journal: MemoryJournal, names: dict[str, str]) -> None:
    begin(journal, entry())
    assert begin(journal, entry(**names)).verdict is Verdict.BEGUN


def test_a_row_that_is_found_keeps_its_owner(journal: MemoryJournal) -> None:
    begin(journal, entry(owner="before the crash"))
    for _ in range(2):
        found = begin(journal, entry(owner="us"))
        assert found.row is not None
        assert found.row.entry.owner == "before the crash"


def test_an_outcome_is_kept_with_its_answer_and_age(journal: MemoryJournal, clock: Clock) -> None:
    first = entry()
    begin(journal, first)
    clock.now += 50
    commit(journal, first.ticket, RowState.SUCCEEDED, b"{}")
    clock.now += 7
    found = begin(journal, entry())
    assert found.verdict is Verdict.SUCCEEDED
    assert found.row is not None
    assert (found.row.answer, found.row.age) == (b"{}", 7)


def test_a_row_that_was_removed_is_forgotten(journal: MemoryJournal) -> None:
    first = entry()
    begin(journal, first)
    assert journal.perform([Abort(CALL, first.ticket), Abort(CALL, first.ticket)]) == [None, None]
    assert rows(journal) == 0
    assert begin(journal, entry()) == FRESH


def test_a_row_that_is_not_there_cannot_be_committed(journal: MemoryJournal) -> None:
    (failed,) = journal.perform([Commit(CALL, "nowhere", RowState.SUCCEEDED, b"")])
    assert isinstance(failed, JournalError)
    assert str(failed) == "there is no row nowhere to commit"


def test_steps_are_done_in_order(journal: MemoryJournal) -> None:
    first = entry()
    found, committed, again = journal.perform(
        [
            Begin(CALL, first, insert=True),
            Commit(CALL, first.ticket, RowState.REFUSED, b"{}"),
            Begin(CALL, entry(), insert=True),
        ]
    )
    assert (found, committed) == (FRESH, None)
    assert isinstance(again, Found)
    assert again.verdict is Verdict.REFUSED


def test_newer_rows_come_first(journal: MemoryJournal) -> None:
    first, second = entry(repeat="r1"), entry(repeat="r2")
    begin(journal, first)
    commit(journal, first.ticket, RowState.REFUSED)
    begin(journal, second)
    commit(journal, second.ticket, RowState.SUCCEEDED)
    late_repeat_of_the_first = begin(journal, entry(repeat="r1"))
    assert late_repeat_of_the_first.verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize(
    ("state", "key", "window"),
    [
        (RowState.SUCCEEDED, "k", KEY_WINDOW),
        (RowState.FAILED, "k", KEY_WINDOW),
        (RowState.REFUSED, "k", REPEAT_WINDOW),
        (RowState.SUCCEEDED, "", REPEAT_WINDOW),
        (RowState.FAILED, "", REPEAT_WINDOW),
        (RowState.REFUSED, "", REPEAT_WINDOW),
    ],
)
def test_rows_go_when_they_cannot_be_repeats_any_more(
    journal: MemoryJournal, clock: Clock, state: RowState, key: str, window: float
) -> None:
    for repeat in ("r", ""):
        new = entry(key and key + repeat, repeat)
        begin(journal, new)
        commit(journal, new.ticket, state)
    clock.now += window - 0.001
    begin(journal, entry("other", "other"), insert=False)
    assert rows(journal) == 2
    clock.now += 0.001
    begin(journal, entry("other", "other"), insert=False)
    assert rows(journal) == 0


def test_a_row_goes_without_those_that_share_a_name(journal: MemoryJournal, clock: Clock) -> None:
    refused, booked = entry(repeat="r1"), entry(repeat="r2")
    begin(journal, refused)
    commit(journal, refused.ticket, RowState.REFUSED)
    begin(journal, booked)
    commit(journal, booked.ticket, RowState.SUCCEEDED)
    clock.now += REPEAT_WINDOW
    assert begin(journal, entry(repeat="r1")).verdict is Verdict.SUCCEEDED
    assert rows(journal) == 1


def test_only_the_rows_whose_time_has_come_go(journal: MemoryJournal, clock: Clock) -> None:
    for number in range(10):
        new = entry("", f"r{number}")
        begin(journal, new)
        commit(journal, new.ticket, RowState.SUCCEEDED)
        clock.now += 30
    assert rows(journal) == 4  # when the last one was begun, those were younger than 120 s
    begin(journal, entry("", ""), insert=False)
    assert rows(journal) == 3


def test_what_was_begun_stays(journal: MemoryJournal, clock: Clock) -> None:
    begin(journal, entry())
    clock.now += 10 * KEY_WINDOW
    assert begin(journal, entry()).verdict is Verdict.BEGUN


def test_a_failed_row_that_runs_again_waits_for_its_commit(
    journal: MemoryJournal, clock: Clock
) -> None:
    first = entry("")
    begin(journal, first)
    commit(journal, first.ticket, RowState.FAILED)
    clock.now += REPEAT_WINDOW - 1
    assert begin(journal, entry(""), insert=False).verdict is Verdict.FAILED
    assert begin(journal, entry("")).verdict is Verdict.FAILED
    clock.now += 60
    begin(journal, entry("other", "other"), insert=False)
    commit(journal, first.ticket, RowState.SUCCEEDED, b"{}")
    assert begin(journal, entry("")).verdict is Verdict.SUCCEEDED
    clock.now += REPEAT_WINDOW
    begin(journal, entry("other", "other"), insert=False)
    assert rows(journal) == 0


def test_closing_forgets_everything(journal: MemoryJournal) -> None:
    first = entry()
    begin(journal, first)
    commit(journal, first.ticket, RowState.SUCCEEDED)
    journal.close()
    assert rows(journal) == 0
    assert begin(journal, entry()) == FRESH
