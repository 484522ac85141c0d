"""The world of one seed, until all is well or a promise is broken."""

from collections.abc import Callable
from random import Random

from tests.simulation import invariants
from tests.simulation.clock import Clock
from tests.simulation.disk import Booking, Books, Health, ModelJournal
from tests.simulation.dojo import REFUSALS, Dojo
from tests.simulation.ledger import Ledger
from tests.simulation.network import Wire
from tests.simulation.process import Process
from tests.simulation.scenario import HOUR, Scenario, draw

from dojo_proto import Settings

PATIENCE = 900.0
"""Seconds within which a world that is well has to answer everything."""


class World:
    """One seed. `run` raises Violation if a promise is broken.

    With `tracing`, `trace` says line by line what happened; the run is the same without.
    """

    def __init__(self, seed: int, *, tracing: bool = False) -> None:
        self.dice = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        # The library has its own, so that what it asks for does not shift all the rest.
        self.librarys_dice = Random(self.dice.getrandbits(64))  # noqa: S311 - as above
        self.scenario: Scenario = draw(self.dice)
        self.settings = Settings(**self.scenario.settings)
        self.clock = Clock()
        self.tracing = tracing
        self.trace: list[str] = []
        self.wall = 1.7e9
        """The wall clock minus the true time."""
        self.refusal: str | int = ""
        """What becomes of dials now."""
        self.healing = False
        """Nothing goes wrong any more."""
        self.dawn = 0.0
        """Until then nobody is at work: the till is off, and nobody asks."""
        self.health = Health(seconds=self.scenario.sync)
        self.books = Books()
        self.journal = ModelJournal(self.health)
        self.ledger = Ledger(
            self.settings,
            self.journal,
            careful=self.scenario.careful,
            lookup=self.scenario.lookup,
        )
        self.dojo = Dojo(self)
        self.process: Process | None = None
        self.lives = 0

    def run(self) -> None:
        """Live through it."""
        try:
            self._live()
        finally:
            if self.process is not None:
                self.process.die()

    @property
    def seconds_at_work(self) -> float:
        """Simulated so far, without the night."""
        return self.clock.now - (self.scenario.night if self.clock.now > self.dawn else 0.0)

    # What the parts of the world use.

    def chance(self, share: float) -> bool:
        """Throw the dice: true in so many cases. Nothing goes wrong any more once it heals."""
        return share > 0.0 and not self.healing and self.dice.random() < share

    def say(self, what: str) -> None:
        """Note it in the trace."""
        if self.tracing:
            self.trace.append(f"{self.clock.now:12.3f}  {what}")

    def ledger_open(self, life: int) -> bool:
        """Whether the process of that life is there, to do anything."""
        process = self.process
        return process is not None and process.life == life and process.alive

    def crash_here(self, life: int, where: str) -> bool:
        """Crash now and then at this step, or be told to stop; say whether it has crashed."""
        if not self.ledger_open(life) or not self.chance(self.scenario.crash_at_step):
            return False
        if self.chance(0.3):
            self.clock.after(0.0, self._stop)
            return False
        self._crash(where)
        return True

    def booked(self, booking: Booking) -> None:
        """The till's transaction is durable."""
        self.say(f"run {booking.run} has booked {booking.token}")
        self.journal.now = self.clock.now
        self.journal.record(booking)
        self.ledger.booked(booking.run, self.clock.now)

    def power_off(self, wire: Wire) -> None:
        """The till's end of `wire` is gone, and the kernel says so, or it is gone as well."""
        if self.chance(0.3):
            wire.up.cut()
        else:
            wire.up.end()
        wire.down.cut()

    def process_stopped(self, process: Process) -> None:
        """The client wants to end. What runs in threads may go on for a moment."""
        self.say(f"till {process.life}: stops")
        self.clock.after(self.dice.uniform(0.0, 2.0), lambda: self._exit(process))

    # Lives.

    def _start(self) -> None:
        if self.process is not None or self.clock.now < self.dawn:
            return
        if self.health.broken:
            self.say("the till cannot start: it cannot read its journal")
            self.clock.after(5.0, self._start)
        else:
            self.lives += 1
            self.say(f"till {self.lives}: starts")
            self.process = Process(self, self.lives)

    def _crash(self, why: str) -> None:
        if self.process is not None:
            self._end_process(why)
            often = self.dice.choice([0.1, 3.0, 30.0, 200.0])
            self.clock.after(self.dice.uniform(0.0, often), self._start)

    def _exit(self, process: Process) -> None:
        if self.process is process:
            self._crash("exits")

    def _end_process(self, why: str) -> None:
        """Memory is gone, the disk stays."""
        process, self.process = self.process, None
        if process is None:
            return
        self.say(f"till {process.life}: {why}")
        process.die()
        self.ledger.process_ended(self.clock.now)
        self.journal.crash(self.dice)
        for booking in self.books.crash(self.dice):
            self.say("a transaction has come through")
            self.booked(booking)

    # Faults.

    def _schedule(self) -> None:
        """Throw the dice for everything that happens by itself."""
        scenario = self.scenario
        for _ in range(scenario.deeds):
            self.clock.at(self.dice.uniform(0.0, scenario.chaos), self.dojo.wish)
        for often, what in (
            (scenario.crashes, lambda: self._crash("crashes")),
            (scenario.stops, self._stop),
            (scenario.drops, self._drop),
            (scenario.half_open, self._lose),
            (scenario.stalls, self._stall),
            (scenario.refusals, self._refuse),
            (scenario.sleeps, self._sleep),
            (scenario.clock_jumps, self._jump),
            (scenario.disk_faults, self._spoil_disk),
            (10.0, self.dojo.noise),
        ):
            self._now_and_then(often, what)

    def _now_and_then(self, often: float, what: Callable[[], None]) -> None:
        at = 0.0
        while often and (at := at + self.dice.expovariate(often / HOUR)) < self.scenario.chaos:
            self.clock.at(at, what)

    def _stop(self) -> None:
        """Mostly while something runs: that makes a stop take its time."""
        process = self.process
        if process is None or self.healing:
            return
        if self.chance(0.8) and not process.client.status().in_flight:
            self.clock.after(1.0, self._stop)
            return
        self.say("SIGTERM")
        process.stop()
        # What comes in meanwhile is what is hard.
        for latest in (0.2, 2.0):
            self.clock.after(self.dice.uniform(0.0, latest), self.dojo.ask_for_all)
        if self.chance(0.2):
            self.clock.after(self.dice.uniform(0.0, 5.0), process.abort)

    def _drop(self) -> None:
        for wire in self.dojo.wires:
            if self.chance(0.7):
                self.say(f"{wire.name} is dropped")
                wire.drop()
        if self.chance(0.3):
            self.dojo.close_some()

    def _lose(self) -> None:
        for wire in self.dojo.wires:
            self.say(f"{wire.name} is half open")
            wire.lose()

    def _stall(self) -> None:
        seconds = self.dice.uniform(0.5, 25.0)
        for wire in self.dojo.wires:
            self.say(f"{wire.name} stalls for {seconds:.1f} s")
            if self.chance(0.5):
                wire.up.stalled_until = self.clock.now + seconds
            else:
                self.dice.choice([wire.up, wire.down]).hold(seconds)

    def _refuse(self) -> None:
        self.refusal = self.dice.choice(REFUSALS)
        self.say(f"dials: {self.refusal}")
        self.clock.after(self.dice.uniform(5.0, 200.0), self._accept)

    def _accept(self) -> None:
        self.refusal = ""

    def _sleep(self) -> None:
        if self.process is not None:
            seconds = self.dice.choice([0.5, 5.0, 100.0])
            self.say(f"the process is held up for {seconds} s")
            self.process.sleep(seconds)

    def _jump(self) -> None:
        self.wall += self.dice.uniform(-1.0, 1.0) * self.dice.choice([1.0, HOUR, 1e6])
        self.say("the wall clock is set")
        if self.process is not None:
            self.process.set_wall_clock()

    def _spoil_disk(self) -> None:
        fault = self.dice.choice(["full", "broken", "slow"])
        self.say(f"the disk is {fault}")
        self.health.full = fault == "full"
        self.health.broken = fault == "broken"
        self.health.seconds = 12.0 if fault == "slow" else self.scenario.sync
        self.clock.after(self.dice.uniform(1.0, 90.0), self._mend_disk)

    def _mend_disk(self) -> None:
        self.health.full = self.health.broken = False
        self.health.seconds = self.scenario.sync

    # The course of things.

    def _live(self) -> None:
        scenario = self.scenario
        self.say(f"{scenario}")
        self._start()
        self._schedule()
        self.clock.run(scenario.chaos)
        self.clock.run(self.clock.now + scenario.afternoon)
        if scenario.night:
            self._end_process("night falls")
            self.dawn = self.clock.now + scenario.night
            self.clock.run(self.dawn)
        self._heal()
        end = self.clock.now + PATIENCE
        while self.dojo.unanswered and self.clock.now < end:
            self.clock.run(self.clock.now + 20.0)
        invariants.at_the_end(self.dojo.unanswered)
        self.clock.run(self.clock.now + 330.0)
        self.ledger.at_the_end()
        self._end_process("the end")

    def _heal(self) -> None:
        """Nothing goes wrong any more. What is broken already is not put together again."""
        self.say("the world heals")
        self.healing = True
        self._accept()
        self._mend_disk()
        if self.process is not None and self.process.till.hopeless:
            self._end_process("is restarted, since a handler is stuck or an outcome unknown")
        self._start()
