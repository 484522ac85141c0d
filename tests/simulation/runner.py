"""Runs many seeds, in many processes, and says what came of them."""

import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from multiprocessing import get_context
from traceback import format_exception
from typing import TextIO

import msgspec
from tests.simulation.faults import FAULTS
from tests.simulation.invariants import Violation
from tests.simulation.scenario import HOUR
from tests.simulation.world import World

CHUNK = 25
"""Seeds that one process takes at a time."""
_LINES = 60
"""Of the trace of the first seed that fails."""
_MOST = 20
"""Seeds that fail, and are named."""


class Failure(msgspec.Struct, frozen=True):
    """A seed that breaks a promise, or the library."""

    seed: int
    what: str
    trace: list[str]


class Report(msgspec.Struct):
    """What came of some seeds."""

    seeds: int = 0
    hours: float = 0.0
    """Simulated, with somebody at work."""
    answers: int = 0
    lives: int = 0
    """Processes of the till."""
    failures: list[Failure] = []

    def add(self, other: "Report") -> None:
        """Count `other` in."""
        self.seeds += other.seeds
        self.hours += other.hours
        self.answers += other.answers
        self.lives += other.lives
        self.failures = self.failures + other.failures


def live(world: World, plant: str = "") -> Exception | None:
    """Run a world, with a fault if one is named; what it broke."""
    with FAULTS[plant].plant() if plant else nullcontext():
        try:
            world.run()
        except Exception as error:  # noqa: BLE001 - the library may break in any way
            return error
    return None


def explain(error: Exception) -> str:
    """What is broken; with a traceback unless it is a promise."""
    if isinstance(error, Violation):
        return str(error)
    return f"{type(error).__name__}: {error}\n{''.join(format_exception(error))}"


def run_chunk(seeds: range, plant: str) -> Report:
    """Run `seeds` here, one after the other."""
    report = Report()
    for seed in seeds:
        world = World(seed)
        error = live(world, plant)
        report.seeds += 1
        report.hours += world.seconds_at_work / HOUR
        report.answers += world.ledger.answers
        report.lives += world.lives
        if error is not None:
            again = World(seed, tracing=True)
            live(again, plant)
            report.failures = [
                *report.failures,
                Failure(seed, explain(error), again.trace[-_LINES:]),
            ]
    return report


def run_all(seeds: range, *, jobs: int, plant: str, progress: TextIO | None) -> Report:
    """Run `seeds` in `jobs` processes; a bar goes to `progress`."""
    total = Report()
    began = time.monotonic()
    for report in _reports(seeds, jobs, plant):
        total.add(report)
        if progress is not None:
            _draw(progress, total, len(seeds), time.monotonic() - began)
    if progress is not None:
        progress.write("\n")
    return total


def _reports(seeds: range, jobs: int, plant: str) -> Iterator[Report]:
    chunks = [seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK)]
    if jobs == 1:
        yield from (run_chunk(chunk, plant) for chunk in chunks)
        return
    # Spawned, so that no process inherits what another has done.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from _done(pool.submit(run_chunk, chunk, plant) for chunk in chunks)


def _done(futures: Iterable[Future[Report]]) -> Iterator[Report]:
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)


def _draw(progress: TextIO, report: Report, seeds: int, seconds: float) -> None:
    full = 30 * report.seeds // seeds
    bar = "#" * full + "." * (30 - full)
    rate = report.hours / seconds * 60
    failed = f", {len(report.failures)} FAILED" if report.failures else ""
    progress.write(f"\r[{bar}] {report.seeds}/{seeds} seeds, {rate:,.0f} h/min{failed}")
    progress.flush()


def result(report: Report) -> str:
    """What came of it, in a line, whichever machine it was and however busy."""
    amount = (
        f"{report.seeds:,} worlds, {report.hours:,.0f} simulated hours, "
        f"{report.lives:,} lives of the till, {report.answers:,} answers"
    )
    if not report.failures:
        return f"{amount}: no promise broken"
    first = min(report.failures, key=lambda failure: failure.seed)
    what = first.what.splitlines()[0]
    return f"{amount}: {len(report.failures)} failed, first seed {first.seed}: {what}"


def summarise(report: Report, seconds: float, replay: str, out: TextIO = sys.stdout) -> None:
    """Say what came of it; `replay` is the command for one seed, which is put behind it."""
    failures = sorted(report.failures, key=lambda failure: failure.seed)
    for failure in failures[:1]:
        lines = "\n".join(failure.trace)
        out.write(f"the end of seed {failure.seed}:\n{lines}\n\n{failure.what}\n\n")
    for failure in failures[:_MOST]:
        out.write(f"{replay} {failure.seed}   # {failure.what.splitlines()[0]}\n")
    if len(failures) > _MOST:
        out.write(f"and {len(failures) - _MOST} more\n")
    out.write(
        f"{report.seeds} seeds, {len(report.failures)} failed; "
        f"{report.hours:,.0f} simulated hours, "
        f"{report.lives:,} lives of the till, {report.answers:,} answers in {seconds:.0f} s: "
        f"{report.hours / seconds * 60:,.0f} simulated hours a minute\n"
    )
