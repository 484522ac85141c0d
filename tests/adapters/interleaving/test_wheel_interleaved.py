"""Each outcome is reported once and each turn that is owed is taken, however the threads go on."""

from collections.abc import Callable
from functools import partial
from typing import cast

from tests.adapters.interleaving.explorer import Lock, explore
from tests.adapters.interleaving.world import World

from dojo_adapters import wheel
from dojo_adapters.wheel import Wheel
from dojo_proto.work import Outcome, Returned, Run

Check = Callable[[], object]


class Engine:
    """One whose turns write what was reported. Who comes is said by flags."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wheel = Wheel(self)
        self.driver_comes = False
        self.worker_comes = False
        self.is_behind = False
        self.reported: list[Outcome] = []
        self.written: list[Outcome] = []
        self.faults: list[BaseException] = []

    def report(self, _run: Run, outcome: Outcome) -> None:
        self.expect_wheel()
        self.reported.append(outcome)

    def start_runs(self) -> None:
        self.expect_wheel()

    def turn_in_worker(self) -> None:
        self.turn()

    def fail(self, error: BaseException) -> None:
        self.faults.append(error)

    def turn(self) -> None:
        self.wheel.report_all()
        self.expect_wheel()
        self.written = self.reported.copy()

    def drive(self) -> None:
        """Take a turn when woken, and as long as something is due; then sleep."""
        while True:
            if not self.wheel.is_due():
                self.world.wait_until(lambda: self.driver_comes)
            with self.wheel.lock:
                self.driver_comes = False
                self.turn()

    def wake(self) -> None:
        self.driver_comes = True

    def end_handler(self, number: int) -> None:
        self.wheel.deliver(cast("Run", number), Returned(number))

    def come(self, number: int) -> None:
        """A worker that was on its way is there, and then has its handler end as well."""
        self.worker_comes = False
        self.wheel.help()
        self.end_handler(number)

    def expect_wheel(self) -> None:
        lock = cast("Lock", self.wheel.lock)
        assert lock.holder is self.world.running, "somebody else uses the client"

    def expect_done(self, number: int) -> None:
        assert self.faults == []
        values = [cast("Returned", outcome).value for outcome in self.reported]
        assert sorted(values) == list(range(number)), f"{values} are reported"
        assert self.written == self.reported, "what was reported is not written"


def ends(world: World, *, drives: bool, comes: bool, workers: int, wakes: bool = False) -> Check:
    """Handlers end in `workers`, the first of which has still to come if one `comes`."""
    engine = Engine(world)
    engine.worker_comes = comes
    if drives:
        world.spawn("driver", engine.drive, sleeps=True)
    for number in range(workers):
        is_coming = comes and number == 0
        work = engine.come if is_coming else engine.end_handler
        world.spawn(f"worker {number}", partial(work, number))
    if wakes:
        world.spawn("other", engine.wake)
    return lambda: engine.expect_done(workers)


def test_two_workers_do_it_all_between_them() -> None:
    explore(partial(ends, drives=False, comes=False, workers=2), [wheel])


def test_a_turn_is_left_to_a_worker_that_comes_and_is_taken() -> None:
    explore(partial(ends, drives=False, comes=True, workers=2), [wheel])


def test_three_workers_do_it_all_between_them() -> None:
    explore(partial(ends, drives=False, comes=True, workers=3), [wheel], preemptions=1)


def test_a_worker_and_the_driving_thread_leave_nothing_to_one_another_that_is_not_done() -> None:
    explore(partial(ends, drives=True, comes=False, workers=1, wakes=True), [wheel])


def test_two_workers_and_the_driving_thread_do_it_all_between_them() -> None:
    explore(partial(ends, drives=True, comes=True, workers=2), [wheel], preemptions=1)
