"""Workers do themselves what follows from their outcomes, one at a time, and wait for nobody."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from threading import Event, Lock, Thread
from typing import Self

import pytest
from tests.adapters.pieces import DEADLINE, Collected, join_all, make_run

from dojo_adapters.wheel import Wheel
from dojo_adapters.workers import Workers
from dojo_proto.work import Outcome, Returned, Run

REPORTED, STARTED, TURNED = "reported", "started", "turned"


def nothing() -> None:
    pass


class Engine:
    """One that writes down what it is asked for, and may have something happen meanwhile."""

    def __init__(self) -> None:
        self.wheel = Wheel(self)
        self.driver_comes = False
        self.worker_comes = False
        self.is_behind = False
        self.did: list[object] = []
        self.faults: list[BaseException] = []
        self.while_reporting: Callable[[], object] = nothing
        self.while_starting: Callable[[], object] = nothing

    def report(self, _run: Run, outcome: Outcome) -> None:
        assert isinstance(outcome, Returned)
        self.did += [REPORTED, outcome.value]
        self.while_reporting()

    def start_runs(self) -> None:
        self.did.append(STARTED)
        self.while_starting()

    def turn_in_worker(self) -> None:
        self.wheel.report_all()
        self.did.append(TURNED)

    def fail(self, error: BaseException) -> None:
        self.faults.append(error)
        self.driver_comes = True

    def deliver(self, value: object) -> None:
        """What a worker does whose handler has returned `value`."""
        self.wheel.deliver(make_run(nothing), Returned(value))


def in_another_thread(function: Callable[..., object], *arguments: object) -> None:
    """Call it there, and wait until it has returned."""
    thread = Thread(target=function, args=arguments)
    thread.start()
    thread.join(DEADLINE)
    assert not thread.is_alive(), "it waits"


# One worker.


def test_a_worker_reports_its_outcome_and_takes_the_turn() -> None:
    engine = Engine()
    engine.deliver(1)
    assert engine.did == [REPORTED, 1, TURNED]


def test_with_a_worker_on_its_way_it_only_starts_what_follows_and_that_one_takes_the_turn() -> None:
    engine = Engine()
    engine.worker_comes = True
    engine.deliver(1)
    engine.deliver(2)
    assert engine.did == [REPORTED, 1, STARTED, REPORTED, 2, STARTED]
    engine.worker_comes = False
    engine.wheel.help()
    assert engine.did[6:] == [TURNED]


def test_a_worker_that_comes_has_nothing_to_do_after_a_whole_turn() -> None:
    engine = Engine()
    engine.deliver(1)
    engine.wheel.help()
    assert engine.did == [REPORTED, 1, TURNED]


def test_a_turn_that_is_owed_is_none_any_more_when_somebody_else_has_taken_one() -> None:
    engine = Engine()
    engine.worker_comes = True
    engine.deliver(1)
    with engine.wheel.lock:
        engine.wheel.report_all()  # as the driving thread does in its turns
    engine.worker_comes = False
    engine.wheel.help()
    assert TURNED not in engine.did


def test_where_the_driving_thread_comes_all_is_left_to_it() -> None:
    engine = Engine()
    engine.driver_comes = True
    engine.deliver(1)
    assert engine.did == []
    with engine.wheel.lock:
        engine.wheel.report_all()
    assert engine.did == [REPORTED, 1]


def test_an_outcome_waits_for_what_came_before_it_and_is_the_driving_threads() -> None:
    engine = Engine()

    def fall_behind() -> None:
        engine.while_reporting = nothing
        engine.is_behind = engine.driver_comes = True
        in_another_thread(engine.deliver, 2)

    engine.while_reporting = fall_behind
    engine.deliver(1)
    assert engine.did == [REPORTED, 1, TURNED]
    engine.is_behind = False
    with engine.wheel.lock:
        engine.wheel.report_all()
    assert engine.did[3:] == [REPORTED, 2]


def test_where_the_driving_thread_comes_first_after_all_nothing_more_is_done() -> None:
    asked: list[str] = []

    class Late(Engine):
        """It is woken, or has closed the service, just before a worker has the wheel."""

        @property
        def driver_comes(self) -> bool:
            asked.append("comes?")
            return len(asked) > 1

        @driver_comes.setter
        def driver_comes(self, _comes: bool) -> None:
            pass

    engine = Late()
    engine.deliver(1)
    assert engine.did == []
    with engine.wheel.lock:
        engine.wheel.report_all()
    assert engine.did == [REPORTED, 1]


def test_a_fault_ends_no_worker_and_is_told_and_the_next_may_use_the_wheel() -> None:
    engine, fault = Engine(), KeyboardInterrupt()

    def fail() -> None:
        raise fault

    engine.while_reporting = fail
    engine.deliver(1)
    assert engine.faults == [fault]
    engine.while_reporting, engine.driver_comes = nothing, False
    in_another_thread(engine.deliver, 2)
    assert engine.did[2:] == [REPORTED, 2, TURNED]


# Several at once.


def test_what_a_second_worker_brings_meanwhile_is_reported_by_the_first_and_nobody_waits() -> None:
    engine = Engine()

    def bring_another() -> None:
        engine.while_reporting = nothing
        in_another_thread(engine.deliver, 2)
        engine.did.append("brought")

    engine.while_reporting = bring_another
    engine.deliver(1)
    assert engine.did == [REPORTED, 1, "brought", REPORTED, 2, TURNED]


def test_what_is_brought_at_the_end_of_a_turn_gets_the_next_one() -> None:
    engine = Engine()
    engine.worker_comes = True

    def bring_another() -> None:
        engine.while_starting = nothing
        in_another_thread(engine.deliver, 2)

    engine.while_starting = bring_another
    engine.deliver(1)
    assert engine.did == [REPORTED, 1, STARTED, REPORTED, 2, STARTED]


def test_a_turn_left_to_a_worker_that_has_just_come_and_gone_on_is_taken_all_the_same() -> None:
    engine = Engine()
    engine.worker_comes = True

    def come() -> None:
        engine.worker_comes = False
        in_another_thread(engine.wheel.help)  # it finds the wheel in use, and runs its handler

    engine.while_starting = come
    engine.deliver(1)
    assert engine.did == [REPORTED, 1, STARTED, TURNED]


def test_what_is_brought_while_the_driving_thread_is_at_it_is_due_to_it_afterwards() -> None:
    engine = Engine()
    with engine.wheel.lock:
        assert not engine.wheel.is_due()
        in_another_thread(engine.deliver, 1)
        assert engine.did == []
    assert engine.wheel.is_due()
    engine.driver_comes = True  # it has been woken as well, and needs nobody to say so
    assert not engine.wheel.is_due()


def test_a_turn_is_due_to_the_driving_thread_unless_a_worker_comes_for_it() -> None:
    engine = Engine()
    engine.worker_comes = True
    engine.deliver(1)
    assert not engine.wheel.is_due()
    engine.worker_comes = False
    assert engine.wheel.is_due()


def test_the_driving_thread_waits_for_a_worker_that_is_at_it() -> None:
    engine = Engine()
    reporting, going = Event(), Event()

    def wait() -> None:
        reporting.set()
        assert going.wait(DEADLINE)

    def drive() -> None:
        with engine.wheel.lock:
            engine.did.append("driven")

    engine.while_reporting = wait
    worker, driver = Thread(target=engine.deliver, args=[1]), Thread(target=drive)
    worker.start()
    assert reporting.wait(DEADLINE)
    driver.start()
    going.set()
    for thread in (worker, driver):
        thread.join(DEADLINE)
        assert not thread.is_alive()
    assert engine.did == [REPORTED, 1, TURNED, "driven"]


# With real workers, and no driving thread at all.


def _call(_context: object, handler: Callable[[], object]) -> object:
    return handler()


class Backlog:
    """More to run than there are places for; each outcome makes one free for the next."""

    driver_comes = False
    is_behind = False

    def __init__(self, places: int, handlers: Sequence[Callable[[], object]]) -> None:
        self.wheel = Wheel(self)
        self.workers = Workers(places, self.wheel.deliver, came=self.wheel.help)
        self.written = Collected[object]()
        self._waiting = deque(handlers)
        self._places = places
        self._unwritten: list[object] = []
        self._used = Lock()

    @property
    def worker_comes(self) -> bool:
        return self.workers.coming

    def __enter__(self) -> Self:
        """All of it comes in."""
        with self.wheel.lock:
            self.start_runs()
        return self

    def __exit__(self, *_error: object) -> None:
        self.workers.close()
        join_all("dojo-handler")

    def report(self, _run: Run, outcome: Outcome) -> None:
        assert isinstance(outcome, Returned), outcome
        with self._alone():
            self._places += 1
            self._unwritten.append(outcome.value)

    def start_runs(self) -> None:
        with self._alone():
            while self._places and self._waiting:
                self._places -= 1
                self.workers.submit(make_run(_call, self._waiting.popleft()))

    def turn_in_worker(self) -> None:
        self.wheel.report_all()
        self.start_runs()
        with self._alone():
            for value in self._unwritten:
                self.written.put(value)
            self._unwritten.clear()

    def fail(self, error: BaseException) -> None:
        self.written.put(error)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        assert self._used.acquire(blocking=False), "two use the client at once"
        yield
        self._used.release()


@pytest.mark.parametrize("places", [1, 2, 8])
def test_a_backlog_is_run_and_answered_without_the_driving_thread(places: int) -> None:
    with Backlog(places, [partial(int, number) for number in range(200)]) as backlog:
        assert set(backlog.written.wait(200)) == set(range(200))


@pytest.mark.parametrize("places", [1, 2, 8])
def test_an_answer_never_waits_for_the_next_handler_of_its_worker(places: int) -> None:
    door = Event()
    slow: list[Callable[[], object]] = [partial(door.wait, DEADLINE)] * places
    with Backlog(places, [nothing, *slow, nothing]) as backlog:
        assert backlog.written.wait(1) == [None]
        door.set()
        assert set(backlog.written.wait(places + 2)) == {None, True}
