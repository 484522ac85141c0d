"""`python -m tests.soak.child JOB`: one till in a process of its own, measured from inside.

Commands come as lines on standard input: `measure` is answered with a Sample, `stop` with a Report.
"""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep

import msgspec
from tests.soak.planted import PLANTED
from tests.soak.pulse import Lag, Pulse
from tests.soak.short_lived import Delay, watch_threads
from tests.soak.till import Till

from dojo_adapters.observer import EVENT
from dojo_adapters.service import Service
from dojo_adapters.threads import Runner
from dojo_proto import JournalStore, MemoryJournal, Settings, Status
from dojo_proto.events import TakenOver
from dojo_proto.journal import KEY_WINDOW, RowState

_GLANCE = 0.01


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve."""

    runtime: str
    """`asyncio`, `uvloop`, `trio`, `anyio` or `threads`."""
    url: str
    journal: str
    """`memory:` or `sqlite:PATH`."""
    planted: str
    """A defect of PLANTED, or empty."""
    patience: float
    """Seconds in which what is to settle or to end has done so."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The process at rest, after the garbage was collected."""

    rss: int
    """Bytes of memory."""
    blocks: int
    """Pieces of memory that Python's allocator has given out."""
    descriptors: int
    threads: int
    """Those of handlers do not count: up to 8 are started when there is work and none is free."""
    tasks: int
    unsettled: int
    """Requests that run or wait, payments that Dojo may not know of, rows without an outcome."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it in the end. What is left is what was not there before the service was."""

    lag: Lag
    booked: int
    """Payments for which the handler ran."""
    descriptors_left: list[str]
    threads_left: list[str]
    tasks_left: int
    delays: list[Delay]
    """Of threads that a witness may have missed."""
    alarms: dict[str, int]
    """Events that are errors, by name."""


class _Alarms(logging.Handler):
    """Counts errors. That the gateway closes connections often is none here."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.counts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, EVENT, None)
        if not isinstance(event, TakenOver):
            self.counts[type(event).__name__ if event else record.getMessage()] += 1


class _Weeks:
    """The clock of a journal: it stands still within a round, and a week passes behind each."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pass_one(self) -> None:
        """What was paid before is no repeat any more, so the journal may forget it."""
        self.now += KEY_WINDOW + 1.0


class Child:
    """A till, what serves it, and what is measured of both."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._pulse = Pulse()
        self._alarms = _Alarms()
        self._weeks = _Weeks()
        self._memory = MemoryJournal(self._weeks) if job.journal == "memory:" else None
        self._commands: SimpleQueue[str] = SimpleQueue()
        self._until = 0.0
        self._measuring = False
        self._tasks_left = 0
        self._settings = Settings(
            api_key="sk_sandbox_soak",
            url=job.url,
            ping_interval=0.1,
            pong_timeout=0.5,
            close_timeout=1.0,
            backoff_initial=0.001,
            backoff_max=0.02,
            stable_after=0,
        )

    def main(self) -> Report:
        """Serve until told to stop."""
        logging.getLogger("dojo_adapters").addHandler(self._alarms)
        logging.getLogger("dojo_adapters").propagate = False
        # asyncio warns of writes to a connection that is lost: here that is no news.
        logging.getLogger("asyncio").setLevel(logging.ERROR)
        delays = watch_threads()
        Thread(target=self._read_commands, name="commands", daemon=True).start()
        descriptors, threads = _descriptors(), set(threading.enumerate())
        threaded = self._job.runtime == "threads"
        till = self._serve_in_threads() if threaded else self._serve_in_loop()
        return Report(
            lag=self._pulse.lag(),
            booked=till.booked,
            descriptors_left=self._left(lambda: _descriptors() - descriptors),
            threads_left=self._left(
                lambda: {each.name for each in set(threading.enumerate()) - threads}
            ),
            tasks_left=self._tasks_left,
            delays=delays(),
            alarms=dict(self._alarms.counts),
        )

    # How it is served.

    def _serve_in_threads(self) -> Till:
        till = self._plant(Till(None))
        with Runner(till.epos, self._settings, journal=self._journal) as runner:
            # There is no task that could sleep in its thread, but that thread takes what others
            # bring it, and that may be late as well.
            inbox = runner._engine.inbox
            self._pulse.start()
            while self._attend(runner, lambda: 0):
                sleep(max(0.0, self._pulse.due - monotonic()))
                inbox.put(self._pulse.came, self._pulse.due)
                self._pulse.start()
        return till

    def _serve_in_loop(self) -> Till:
        runtime = self._job.runtime
        library = import_module("asyncio" if runtime == "uvloop" else runtime)
        module = import_module(f"dojo_adapters.{library.__name__}")
        till = self._plant(Till(library.sleep))
        tasks = _counter_of_tasks(runtime)

        async def main() -> None:
            before = tasks()
            async with module.open_service(
                till.epos, self._settings, journal=self._journal
            ) as service:
                self._pulse.start()
                while self._attend(service, tasks):
                    await library.sleep(max(0.0, self._pulse.due - monotonic()))
                    self._pulse.came(self._pulse.due, monotonic())
                    self._pulse.start()
            until = monotonic() + self._job.patience
            while tasks() > before and monotonic() < until:
                await library.sleep(_GLANCE)
            self._tasks_left = tasks() - before

        if library is asyncio:
            loop_factory = import_module(runtime).new_event_loop
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(main())
        else:
            library.run(main)
        return till

    @property
    def _journal(self) -> str | JournalStore:
        return self._job.journal if self._memory is None else self._memory

    def _plant(self, till: Till) -> Till:
        if self._job.planted:
            PLANTED[self._job.planted](till)
        return till

    # What is measured.

    def _attend(self, service: Service | Runner, tasks: Callable[[], int]) -> bool:
        """Do what was commanded, between two beats; False once that is to stop."""
        try:
            command = self._commands.get_nowait()
        except Empty:
            command = ""
        if command == "measure":
            self._until = monotonic() + self._job.patience
            self._measuring = True
        elif self._measuring:
            unsettled = self._unsettled(service.status())
            if not (unsettled or _lingering()) or monotonic() > self._until:
                self._measuring = False
                sample = _sample(tasks() - _waiting_for_work(service), unsettled)
                self._weeks.pass_one()  # before anything of the next round can come
                _tell(sample)
                self._pulse.start()  # what was late was this look
        return command != "stop"

    def _unsettled(self, status: Status) -> int:
        rows = [] if self._memory is None else list(self._memory._rows.values())
        begun = sum(row.state is RowState.BEGUN for row in rows)
        waiting = status.in_flight + status.queued + status.unconfirmed + status.unresolved
        return begun + waiting + (status.state != "up")

    def _left(self, find: Callable[[], set[str]]) -> list[str]:
        until = monotonic() + self._job.patience
        while (left := find()) and monotonic() < until:
            sleep(_GLANCE)
        return sorted(left)

    def _read_commands(self) -> None:
        # Not sys.stdin, whose lock a thread that waits keeps from the interpreter when that ends.
        while line := os.read(0, 80):
            for command in line.decode().split():
                self._commands.put(command)


def _counter_of_tasks(runtime: str) -> Callable[[], int]:
    if runtime == "trio":
        lowlevel = import_module("trio").lowlevel
        return lambda: int(lowlevel.current_statistics().tasks_living)
    if runtime == "anyio":
        return lambda: len(import_module("anyio").get_running_tasks())
    return lambda: len(asyncio.all_tasks())


def _waiting_for_work(service: Service | Runner) -> int:
    """Tasks that trio's crew keeps for the next handlers: as many as there ever were at once."""
    crew = getattr(service._engine, "_crew", None)
    return 0 if crew is None else len(crew._asleep)


def _lingering() -> bool:
    """Whether a thread waits for more to do, which ends by itself when nothing comes."""
    return any(each.name in {"dojo-dial", "dojo-observer"} for each in threading.enumerate())


def _descriptors() -> set[str]:
    """The open ones: each with what it leads to."""
    found = set()
    for each in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that the folder was read with
            found.add(f"{each.name} ({each.readlink()})")
    return found


def _sample(tasks: int, unsettled: int) -> Sample:
    gc.collect()
    handlers = sum(each.name == "dojo-handler" for each in threading.enumerate())
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return Sample(
        rss=pages * os.sysconf("SC_PAGE_SIZE"),
        blocks=sys.getallocatedblocks(),
        descriptors=len(_descriptors()),
        threads=len(list(Path("/proc/self/task").iterdir())) - handlers,
        tasks=tasks,
        unsettled=unsettled,
    )


def _tell(said: Sample | Report) -> None:
    os.write(1, msgspec.json.encode(said) + b"\n")


if __name__ == "__main__":
    _tell(Child(msgspec.json.decode(sys.argv[1], type=Job)).main())
