"""Journals by name, and the thread that does the steps of a blocking one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from errno import ENOSPC
from os import strerror
from pathlib import Path
from queue import SimpleQueue
from re import fullmatch
from threading import Event, current_thread
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE, Collected, make_abort, make_begin, make_commit

from dojo_adapters import journals
from dojo_adapters.journals import JournalThread, Result, open_journal, perform
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto import ConfigurationError, MemoryJournal
from dojo_proto.journal import FRESH, Found, JournalError, Row, Told, Verdict
from dojo_proto.work import Begin, JournalStep, Note

Perform = Callable[[Sequence[JournalStep]], Any]


class Store:
    """A JournalStore that does what the test says."""

    blocking = True

    def __init__(self, do: Perform | None = None) -> None:
        self._do = do
        self.batches: list[list[JournalStep]] = []
        self.threads: set[str] = set()

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        self.threads.add(current_thread().name)
        self.batches.append(list(steps))
        if self._do is not None:
            results: list[Found | JournalError | None] = self._do(steps)
            return results
        return [FRESH if isinstance(step, Begin) else None for step in steps]

    def unsettled(self) -> Sequence[Row]:
        return ()

    def close(self) -> None:
        """Nothing to give up."""


class Unfinished:
    """One whose author has not read on."""

    blocking = False

    def perform(self, _steps: Sequence[JournalStep]) -> list[None]:
        return []


# By name.


def test_memory_is_a_journal_that_remembers() -> None:
    store = open_journal("memory:")
    assert isinstance(store, MemoryJournal)
    first = make_begin("pi-1")
    assert perform(store, [first, make_commit(first)]) == [FRESH, None]
    [found] = perform(store, [make_begin("pi-1")])
    assert isinstance(found, Found)
    assert found.verdict is Verdict.SUCCEEDED


def test_sqlite_is_a_journal_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    store = open_journal(f"sqlite:{path}")
    assert isinstance(store, SqliteJournal)
    store.close()
    assert path.exists()


def test_sqlite_wants_an_absolute_path() -> None:
    with pytest.raises(ConfigurationError, match="absolute path"):
        open_journal("sqlite:journal.db")


def test_each_memory_is_another_one() -> None:
    assert open_journal("memory:") is not open_journal("memory:")


def test_a_store_of_ones_own_is_taken_as_it_is() -> None:
    store = Store()
    assert open_journal(store) is store


def test_no_journal_is_none() -> None:
    assert open_journal(None) is None


@pytest.mark.parametrize(
    ("journal", "came"),
    [
        ("memory", "'memory'"),
        ("", "''"),
        ("sqlite3:/var/lib/acme/journal.db", "'sqlite3:…'"),
        ("postgres://till:s3cret@db/journal", "'postgres:…'"),
        (Path("journal.db"), type(Path()).__name__),
        (Store, "type"),
        (Unfinished(), "Unfinished, which lacks `unsettled`, `close`"),
    ],
)
def test_anything_else_is_refused_without_showing_a_password(journal: Any, came: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_journal(journal)
    assert (
        str(refused.value)
        == f'journal: expected "memory:", "sqlite:PATH" or a JournalStore, got {came}'
    )


# Steps that fail.


def test_steps_are_done_in_order_in_one_call_of_the_store() -> None:
    store = Store()
    begin = make_begin()
    steps: list[JournalStep] = [begin, make_commit(begin), make_abort(begin)]
    assert perform(store, steps) == [FRESH, None, None]
    assert store.batches == [steps]


def test_for_no_steps_the_store_is_not_asked() -> None:
    assert perform(Store(raising(ValueError())), []) == []


def raising(error: BaseException) -> Perform:
    def do(_steps: Sequence[JournalStep]) -> Any:
        raise error

    return do


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("Ada C4nary"), r"ValueError \(test_journals\.py, line \d+\)"),
        (SystemExit("Ada C4nary"), r"SystemExit \(test_journals\.py, line \d+\)"),
        (
            OSError(ENOSPC, strerror(ENOSPC), "Ada C4nary"),
            rf"OSError: {strerror(ENOSPC)} \(test_journals\.py, line \d+\)",
        ),
        (OSError("Ada C4nary"), r"OSError \(test_journals\.py, line \d+\)"),
        (JournalError("the disk is full: free some space"), "the disk is full: free some space"),
    ],
)
def test_what_a_store_raises_fails_each_step_and_tells_no_row(
    error: BaseException, reason: str
) -> None:
    begin = make_begin()
    failed = perform(Store(raising(error)), [begin, make_commit(begin)])
    assert len(failed) == 2
    for failure in failed:
        assert isinstance(failure, JournalError)
        assert fullmatch(reason, str(failure))


def test_a_failure_of_one_step_is_its_own() -> None:
    failure = JournalError("this one cannot be kept", fresh=True)
    begin = make_begin()
    store = Store(lambda _steps: [FRESH, failure])
    assert perform(store, [begin, make_commit(begin)]) == [FRESH, failure]


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([], "the store returned 0 results for 2 steps"),
        ([FRESH], "the store returned 1 results for 2 steps"),
        (None, r"TypeError \(journals\.py, line \d+\)"),
    ],
)
def test_a_store_that_does_not_answer_each_step_has_done_none(results: Any, reason: str) -> None:
    begin = make_begin()
    for failure in perform(Store(lambda _steps: results), [begin, make_commit(begin)]):
        assert isinstance(failure, JournalError)
        assert fullmatch(reason, str(failure))


def test_a_store_that_answers_something_else_is_told_what_was_expected() -> None:
    begin = make_begin()
    store = Store(lambda _steps: [None, b"", True, FRESH])
    note = Note(("t",), Told.SENT)
    steps: list[JournalStep] = [begin, make_commit(begin), make_abort(begin), note]
    assert [str(failure) for failure in perform(store, steps)] == [
        "the store answered Begin with NoneType, expected Found or JournalError",
        "the store answered Commit with bytes, expected NoneType or Found or JournalError",
        "the store answered Abort with bool, expected NoneType or Found or JournalError",
        "the store answered Note with Found, expected NoneType or JournalError",
    ]


def test_a_row_that_its_handler_has_committed_is_a_result_of_a_commit() -> None:
    begin = make_begin()
    steps: list[JournalStep] = [make_commit(begin), make_abort(begin)]
    assert perform(Store(lambda _steps: [FRESH, FRESH]), steps) == [FRESH, FRESH]


# The thread.

Delivered = tuple[JournalStep, Result]


@contextmanager
def journal_thread(store: Store) -> Iterator[tuple[JournalThread, Collected[Delivered]]]:
    """A thread for `store`, and what it has delivered; it is not left behind."""
    delivered = Collected[Delivered]()
    thread = JournalThread(store, delivered.put_all)
    yield thread, delivered
    thread.close(DEADLINE)
    assert not thread._thread.is_alive()


def gated() -> tuple[Store, Event, Event]:
    """A store whose first call waits; the events say that it is there, and let it go on."""
    entered, going = Event(), Event()

    def do(steps: Sequence[JournalStep]) -> Any:
        entered.set()
        assert going.wait(DEADLINE)
        return [FRESH if isinstance(step, Begin) else None for step in steps]

    return Store(do), entered, going


def test_steps_are_done_in_a_thread_of_their_own() -> None:
    store = Store()
    begin = make_begin()
    with journal_thread(store) as (thread, delivered):
        thread.submit(begin)
        assert delivered.wait(1) == [(begin, FRESH)]
        thread.submit(make_commit(begin))
        assert delivered.wait(2)[1][1] is None
    assert store.threads == {"dojo-journal"}


def test_what_has_come_meanwhile_is_done_at_once_and_in_order() -> None:
    store, entered, going = gated()
    first, *waiting = [make_begin(str(number)) for number in range(6)]
    with journal_thread(store) as (thread, delivered):
        thread.submit(first)
        assert entered.wait(DEADLINE)
        for step in waiting:
            thread.submit(step)
        going.set()
        assert [step for step, _ in delivered.wait(6)] == [first, *waiting]
    assert store.batches == [[first], waiting]


def test_what_was_done_at_once_is_told_at_once() -> None:
    store, entered, going = gated()
    told = Collected[list[Delivered]]()
    thread = JournalThread(store, told.put)
    first, *waiting = [make_begin(str(number)) for number in range(4)]
    thread.submit(first)
    assert entered.wait(DEADLINE)
    for step in waiting:
        thread.submit(step)
    going.set()
    thread.close(DEADLINE)
    assert [[step for step, _ in each] for each in told.wait(2)] == [[first], waiting]


def test_notes_wait_and_are_written_together_with_the_next_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits = Event()

    class Patient(SimpleQueue[Any]):
        """Where anything is waited for, it is for as long as it takes."""

        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            if timeout:
                waits.set()
            return super().get(block and timeout != 0)

    monkeypatch.setattr(journals, "SimpleQueue", Patient)
    store = Store()
    note, begin = Note(("t1",), Told.SENT), make_begin()
    with journal_thread(store) as (thread, delivered):
        thread.submit(note)
        assert waits.wait(DEADLINE)
        thread.submit(begin)
        delivered.wait(2)
    assert store.batches == [[note, begin]]


def test_notes_alone_are_written_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_LINGER", 0.01)
    store = Store()
    note = Note(("t1",), Told.SENT)
    with journal_thread(store) as (thread, delivered):
        thread.submit(note)
        assert delivered.wait(1) == [(note, None)]


def test_closing_writes_the_notes_that_wait() -> None:
    store = Store()
    note = Note(("t1",), Told.SENT)
    with journal_thread(store) as (thread, _):
        thread.submit(note)
    assert store.batches == [[note]]


def test_a_batch_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_BATCH", 4)
    store, entered, going = gated()
    with journal_thread(store) as (thread, delivered):
        thread.submit(make_begin())
        assert entered.wait(DEADLINE)
        for number in range(10):
            thread.submit(make_begin(str(number)))
        going.set()
        delivered.wait(11)
    assert [len(batch) for batch in store.batches] == [1, 4, 4, 2]


@pytest.mark.parametrize("error", [OSError(ENOSPC, strerror(ENOSPC)), SystemExit()])
def test_a_store_that_raises_fails_its_batch_and_goes_on(error: BaseException) -> None:
    fails = [True, False]

    def do(steps: Sequence[JournalStep]) -> Any:
        if fails.pop(0):
            raise error
        return [FRESH for _ in steps]

    with journal_thread(Store(do)) as (thread, delivered):
        thread.submit(make_begin())
        [(_, failed)] = delivered.wait(1)
        assert isinstance(failed, JournalError)
        thread.submit(make_begin())
        assert delivered.wait(2)[1][1] == FRESH


def test_a_store_that_answers_too_little_does_not_end_the_thread() -> None:
    with journal_thread(Store(lambda _steps: [])) as (thread, delivered):
        for number in (1, 2):
            thread.submit(make_begin())
            assert isinstance(delivered.wait(number)[-1][1], JournalError)


def test_closing_waits_until_every_step_is_done() -> None:
    store, entered, going = gated()
    delivered = Collected[Delivered]()
    thread = JournalThread(store, delivered.put_all)
    steps = [make_begin(str(number)) for number in range(5)]
    for step in steps:
        thread.submit(step)
    assert entered.wait(DEADLINE)
    going.set()
    thread.close(DEADLINE)
    assert [step for step, _ in delivered.wait(0)] == steps


def test_closing_waits_no_longer_than_told() -> None:
    store, entered, going = gated()
    delivered = Collected[Delivered]()
    thread = JournalThread(store, delivered.put_all)
    thread.submit(make_begin())
    assert entered.wait(DEADLINE)
    thread.close(0.01)
    assert delivered.wait(0) == []
    going.set()
    thread.close(DEADLINE)
    assert len(delivered.wait(0)) == 1


def test_what_is_submitted_before_closing_is_done_even_if_the_batch_ends_with_it() -> None:
    store, entered, going = gated()
    first, second = make_begin("1"), make_begin("2")
    delivered = Collected[Delivered]()
    thread = JournalThread(store, delivered.put_all)
    thread.submit(first)
    assert entered.wait(DEADLINE)
    thread.submit(second)
    thread.close(0)  # its mark lies behind the second step, in the same batch
    going.set()
    assert [step for step, _ in delivered.wait(2)] == [first, second]
    thread._thread.join(DEADLINE)
    assert not thread._thread.is_alive()
    assert store.batches == [[first], [second]]
