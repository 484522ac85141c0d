"""Events on their way to the log and to `on_event`."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event as Signal
from threading import current_thread
from time import monotonic
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE, Collected, eventually, threads_named

from dojo_adapters import observer
from dojo_adapters.event_threads import EventThread
from dojo_adapters.observer import Observer, logger
from dojo_proto import events
from dojo_proto.events import Event


def ping(seconds: float) -> Event:
    return events.PingRoundTrip(link=1, seconds=seconds)


@contextmanager
def observed(
    on_event: Callable[[Event], object] | None, level: int = logging.INFO
) -> Iterator[Observer]:
    watching = Observer(on_event, level)
    yield watching
    assert watching.close(DEADLINE)
    eventually(lambda: not observer_threads(), "no thread is left")


observer_threads = partial(threads_named, "dojo-observer")


@pytest.fixture(autouse=True)
def nobody_observes_yet() -> None:
    """What other tests have left ends by itself, a little later."""
    eventually(lambda: not observer_threads(), "no thread is left by others")


# Handing events over.


def test_events_come_in_order_in_a_thread_of_their_own() -> None:
    seen: list[tuple[Event, str]] = []
    with observed(lambda event: seen.append((event, current_thread().name))) as watching:
        for number in range(100):
            watching.put(ping(number))
    assert seen == [(ping(number), "dojo-observer") for number in range(100)]


def test_closing_waits_until_everything_has_been_seen() -> None:
    seen: list[Event] = []
    entered, going = Signal(), Signal()

    def on_event(event: Event) -> None:
        entered.set()
        assert going.wait(DEADLINE)
        seen.append(event)

    watching = Observer(on_event)
    for number in range(3):
        watching.put(ping(number))
    assert entered.wait(DEADLINE)
    assert seen == []
    going.set()
    watching.close(DEADLINE)
    assert len(seen) == 3


def test_closing_does_not_wait_for_ever() -> None:
    entered, going = Signal(), Signal()

    def on_event(_event: Event) -> None:
        entered.set()
        going.wait(DEADLINE)

    watching = Observer(on_event)
    watching.put(ping(1))
    assert entered.wait(DEADLINE)
    before = monotonic()
    assert not watching.close(0.02)
    assert 0.01 < monotonic() - before < DEADLINE / 2
    going.set()
    eventually(lambda: not observer_threads(), "the thread has ended")


def test_closing_one_that_is_full_does_not_wait_for_ever_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(observer, "_ROOM", 1)
    entered, going = Signal(), Signal()

    def on_event(_event: Event) -> None:
        entered.set()
        going.wait(DEADLINE)

    watching = Observer(on_event)
    watching.put(ping(1))
    assert entered.wait(DEADLINE)
    watching.put(ping(2))
    assert not watching.close(0.01)
    going.set()
    assert watching.close(DEADLINE)


def test_there_is_no_thread_where_there_is_nothing_to_see() -> None:
    quiet, busy = Observer(None), Observer(lambda _event: None)
    quiet.put(ping(1))  # below the level
    assert observer_threads() == []
    busy.put(ping(1))
    assert len(observer_threads()) == 1
    assert busy.close(DEADLINE)
    eventually(lambda: not observer_threads(), "the thread has ended")


def test_no_thread_is_woken_for_a_line_that_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has set up logging, and so Python shows warnings, and nothing below."""
    monkeypatch.setattr(logger, "propagate", False)
    shown: list[int] = []

    class LastResort(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            shown.append(record.levelno)

    monkeypatch.setattr(logging, "lastResort", LastResort(logging.WARNING))
    with observed(None) as watching:
        watching.put(events.Draining(running=0, seconds=8.0))
        assert observer_threads() == []
        watching.put(events.TakenOver(reason="another one serves"))
    assert shown == [logging.ERROR]


def test_many_services_that_only_log_share_a_thread(caplog: pytest.LogCaptureFixture) -> None:
    going = Signal()

    class Held(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert going.wait(DEADLINE), record

    held = Held()
    logger.addHandler(held)
    many = [Observer(None) for _ in range(20)]
    for each in many:
        each.put(events.Draining(running=0, seconds=1))
    assert len(observer_threads()) == 1
    going.set()
    assert all(each.close(DEADLINE) for each in many)
    logger.removeHandler(held)
    assert len(caplog.records) == 20
    eventually(lambda: not observer_threads(), "the thread has ended")


def test_a_service_that_ends_leaves_the_shared_thread_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = EventThread(linger=DEADLINE)
    monkeypatch.setattr(observer, "shared_thread", lambda: thread)
    one, other = Observer(None), Observer(None)
    one.put(events.Draining(running=0, seconds=1))
    assert one.close(DEADLINE)
    [running] = observer_threads()
    other.put(events.Draining(running=0, seconds=1))
    assert other.close(DEADLINE)
    assert observer_threads() == [running]
    thread.end()
    running.join(DEADLINE)
    assert not running.is_alive()


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_an_on_event_that_raises_is_reported_and_gets_the_next_event(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[Event] = []

    def on_event(event: Event) -> None:
        seen.append(event)
        raise error

    with observed(on_event) as watching:
        watching.put(ping(1))
        watching.put(ping(2))
    assert seen == [ping(1), ping(2)]
    assert [record.getMessage() for record in caplog.records] == [
        "on_event failed on PingRoundTrip"
    ] * 2
    assert all(record.exc_info and record.exc_info[1] is error for record in caplog.records)


def test_a_log_that_raises_keeps_no_event_from_on_event() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(record.getMessage())

    broken = Broken()
    logger.addHandler(broken)
    seen: list[Event] = []
    failed = events.TakenOver(reason="somebody else")
    try:
        with observed(seen.append) as watching:
            watching.put(failed)
            watching.put(failed)
    finally:
        logger.removeHandler(broken)
    assert seen == [failed, failed]


def test_a_slow_observer_never_holds_up_who_puts_and_what_it_misses_is_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(observer, "_ROOM", 3)
    entered, going = Signal(), Signal()
    seen: list[Event] = []

    def on_event(event: Event) -> None:
        seen.append(event)
        entered.set()
        assert going.wait(DEADLINE)

    with observed(on_event) as watching:
        watching.put(ping(0))
        assert entered.wait(DEADLINE)  # the first one is on its way, and three more have room
        for number in range(1, 11):
            watching.put(ping(number))
        going.set()
    assert seen == [ping(number) for number in range(4)]
    assert [record.getMessage() for record in caplog.records] == [
        "7 events were dropped: on_event or the log is too slow"
    ]


def test_what_is_dropped_later_is_reported_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(observer, "_ROOM", 1)
    seen, going = Collected[Event](), [Signal(), Signal()]

    def on_event(event: Event) -> None:
        seen.put(event)
        if isinstance(event, events.PingRoundTrip) and event.seconds < 2:
            assert going[int(event.seconds)].wait(DEADLINE)

    with observed(on_event) as watching:
        watching.put(ping(0))
        seen.wait(1)
        for number in (1, 8, 8):
            watching.put(ping(number))
        going[0].set()
        seen.wait(2)
        for number in (2, 9):
            watching.put(ping(number))
        going[1].set()
    assert [record.args for record in caplog.records] == [(2,), (1,)]


@pytest.mark.parametrize(
    ("level", "on_event", "wanted"),
    [
        (logging.INFO, None, False),
        (logging.DEBUG, None, True),
        (logging.INFO, print, True),
    ],
)
def test_the_events_of_single_requests_are_made_only_for_somebody(
    level: int, on_event: Callable[[Event], object] | None, *, wanted: bool, at: Any
) -> None:
    at(level)
    with observed(on_event, level) as watching:
        assert watching.wants_requests is wanted


def test_two_services_log_each_at_its_own_level(at: Any, caplog: pytest.LogCaptureFixture) -> None:
    at(logging.NOTSET)
    for level in (logging.ERROR, logging.DEBUG, logging.ERROR):
        with observed(None, level) as watching:
            watching.put(ping(level))
    assert logger.level == logging.DEBUG
    assert [record.levelno for record in caplog.records] == [logging.DEBUG]


@pytest.fixture
def at() -> Iterator[Callable[[int], None]]:
    """Set the level of the adapters' logger for one test."""
    before = logger.level
    yield logger.setLevel
    logger.setLevel(before)
