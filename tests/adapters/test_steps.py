"""Steps of the journal under way: when each counts as failed, and what the client is told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, current_thread
from typing import Any, cast

import pytest
from tests.adapters.pieces import DEADLINE, make_abort, make_begin, make_commit, threads_named

from dojo_adapters import journals
from dojo_adapters.inbox import Inbox
from dojo_adapters.steps import JOURNAL_TIMEOUT, Steps
from dojo_proto import Client, MemoryJournal
from dojo_proto.journal import FRESH, Found, JournalError, Told
from dojo_proto.work import JournalStep, Note

LATE = f"no answer within {JOURNAL_TIMEOUT:g} s"


class Disk(MemoryJournal):
    """A journal whose steps wait until the disk turns, if it blocks."""

    def __init__(self, *, blocking: bool = True) -> None:
        super().__init__(lambda: 0.0)
        self.blocking = blocking
        self.asked, self.turns = Event(), Event()
        self.threads: set[str] = set()

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        self.threads.add(current_thread().name)
        self.asked.set()
        assert not self.blocking or self.turns.wait(DEADLINE)
        return super().perform(steps)


class Listener:
    """A client that only notes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def begun(self, call: object, found: object, _now: float) -> None:
        self.told.append(("begun", call, found))

    def committed(self, call: object, _now: float) -> None:
        self.told.append(("committed", call))

    def journal_failed(self, call: object, reason: str, _now: float, *, fresh: bool) -> None:
        self.told.append(("failed", call, reason, fresh))

    def note_failed(self, reason: str) -> None:
        self.told.append(("note failed", reason))


class Desk:
    """Steps for `disk`, in the place of an engine: whatever comes in is taken when asked."""

    def __init__(self, disk: MemoryJournal) -> None:
        self._listener = Listener()
        self._inbox = Inbox(lambda: None)
        self.steps = Steps(disk, cast("Client", self._listener), self._inbox)

    @property
    def told(self) -> list[tuple[Any, ...]]:
        """What the client has been told, with what has come in by now."""
        for function, arguments in self._inbox.drain():
            function(*arguments, 0.0)
        return self._listener.told


@contextmanager
def desk_of(disk: Disk) -> Iterator[Desk]:
    """A desk whose journal's thread is not left behind."""
    desk = Desk(disk)
    yield desk
    disk.turns.set()
    assert desk.steps.close(DEADLINE)


def test_each_step_is_reported_once_by_its_own_name() -> None:
    disk = Disk()
    disk.turns.set()
    begin, other = make_begin("pi-1"), make_begin("pi-2")
    with desk_of(disk) as desk:
        steps: list[JournalStep] = [begin, make_commit(begin), other, make_abort(other)]
        for step in steps:
            desk.steps.do(step, 0.0)
    assert desk.told == [
        ("begun", begin.call, FRESH),
        ("committed", begin.call),
        ("begun", other.call, FRESH),
        ("committed", other.call),
    ]
    assert desk.steps.next_timer() is None


def test_a_journal_that_does_not_block_is_asked_at_once_and_gets_no_thread() -> None:
    disk = Disk(blocking=False)
    desk = Desk(disk)
    begin = make_begin()
    desk.steps.do(begin, 0.0)
    assert desk.told == [("begun", begin.call, FRESH)]
    assert disk.threads == {current_thread().name}
    assert desk.steps.next_timer() is None
    assert desk.steps.close(0.0)


def test_a_step_is_given_up_when_its_own_time_is_over_and_no_earlier() -> None:
    first, second = make_begin("pi-1"), make_begin("pi-2")
    with desk_of(Disk()) as desk:
        desk.steps.do(first, 100.0)
        desk.steps.do(second, 103.0)
        assert desk.steps.next_timer() == 100.0 + JOURNAL_TIMEOUT
        desk.steps.handle_timer(104.0)  # of the client's, for instance
        assert desk.told == []
        desk.steps.handle_timer(100.0 + JOURNAL_TIMEOUT)
        assert desk.told == [("failed", first.call, LATE, False)]
        assert desk.steps.next_timer() == 103.0 + JOURNAL_TIMEOUT
    # The first is done by now as well, but it counts as failed.
    assert desk.told[1:] == [("begun", second.call, FRESH)]
    assert desk.steps.next_timer() is None


def test_a_note_is_never_late_since_nobody_waits_for_it() -> None:
    with desk_of(Disk()) as desk:
        desk.steps.do(Note(("ticket-1",), Told.SENT), 0.0)
        assert desk.steps.next_timer() is None
        desk.steps.handle_timer(10 * JOURNAL_TIMEOUT)
    assert desk.told == []


def test_of_a_note_only_its_failure_is_told() -> None:
    class Full(Disk):
        def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
            return [JournalError("disk full") for _ in steps]

    for disk, told in ((Disk(), []), (Full(), [("note failed", "disk full")])):
        with desk_of(disk) as desk:
            desk.steps.do(Note(("ticket-1",), Told.SENT), 0.0)
        assert desk.told == told


def test_a_note_that_comes_behind_a_step_does_not_hold_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    class Watched(SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            if timeout:
                waited.append(timeout)
            return super().get(block, timeout)

    monkeypatch.setattr(journals, "SimpleQueue", Watched)
    disk = Disk()
    with desk_of(disk) as desk:
        desk.steps.do(make_begin("pi-1"), 0.0)
        assert disk.asked.wait(DEADLINE)
        desk.steps.do(make_begin("pi-2"), 0.0)
        desk.steps.do(Note(("ticket-1",), Told.SENT), 0.0)
    assert len(desk.told) == 2
    assert waited == []


def test_closing_says_whether_every_step_is_done() -> None:
    with desk_of(Disk()) as desk:
        desk.steps.do(make_begin(), 0.0)
        assert not desk.steps.close(0.0)


def test_a_disk_that_hangs_does_not_hold_the_interpreters_exit() -> None:
    with desk_of(Disk()) as desk:
        desk.steps.do(make_begin(), 0.0)
        assert [thread.daemon for thread in threads_named("dojo-journal")] == [True]
