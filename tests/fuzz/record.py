"""Where the last run of each target is written down."""

from collections.abc import Iterable

import msgspec
from tests.evidence.record import Recorded, fill, record, recorded
from tests.fuzz.catalogue import TARGETS

PAGE = "fuzzing.md"
"""In docs/."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What the record of a target's run has besides."""

    target: str
    atheris: str
    seconds: int
    executions: int
    edges: int
    """Of the code under test, that some input reached."""
    inputs: int
    """That the fuzzer kept, each for something that no other reached."""
    megabytes: int
    """At the peak, of the whole process."""
    found: list[str]
    """Inputs that were saved because they found something."""


def keep(run: Ran, *, command: str) -> None:
    """Record a run in the place of its target's last one, and show all in PAGE."""
    record(
        f"fuzz-{run.target}",
        command=command,
        result=in_a_line(run),
        passed=not run.found,
        details=run,
    )
    fill(PAGE, shown(each for name in TARGETS if (each := recorded(f"fuzz-{name}"))))


def in_a_line(run: Ran) -> str:
    """How much was tried, and what that has found."""
    return f"{run.executions:,} executions in {run.seconds} s: found {_found(run)}"


def shown(runs: Iterable[Recorded]) -> str:
    """What the page says of the runs."""
    return table((msgspec.convert(each.details, Ran), each.date) for each in runs)


def table(runs: Iterable[tuple[Ran, str]]) -> str:
    """The runs, each with its date, in Markdown."""
    titles = "Target", "When", "Seconds", "Executions", "Edges", "Inputs", "MB", "Found"
    rows = [titles, ("---",) * len(titles)]
    for run, date in runs:
        counts = (run.seconds, run.executions, run.edges, run.inputs, run.megabytes)
        rows.append((f"`{run.target}`", date, *(f"{each:,}" for each in counts), _found(run)))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _found(run: Ran) -> str:
    return ", ".join(run.found) or "nothing"
