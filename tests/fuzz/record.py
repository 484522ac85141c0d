"""Where the last run of each target is written down."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
from tests.fuzz.catalogue import TARGETS

_DOCS = Path(__file__).parents[2] / "docs"
EVIDENCE = _DOCS / "evidence" / "fuzzing.json"
PAGE = _DOCS / "fuzzing.md"
BEGIN, END = "<!-- runs -->\n", "<!-- end -->\n"


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """One target's last run, as it is kept."""

    target: str
    date: str
    """UTC, as in RFC 3339."""
    python: str
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


def record(runs: Iterable[Ran]) -> None:
    """Keep `runs` as EVIDENCE, each in the place of its target's last one, and show all in PAGE."""
    last = {run.target: run for run in (*recorded(), *runs)}
    every = [last[name] for name in TARGETS if name in last]
    EVIDENCE.parent.mkdir(exist_ok=True)
    EVIDENCE.write_bytes(msgspec.json.format(msgspec.json.encode(every), indent=2) + b"\n")
    head, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{BEGIN}\n{table(every)}\n{END}{rest.partition(END)[2]}", "utf-8")


def recorded() -> list[Ran]:
    """What is kept of earlier runs."""
    if not EVIDENCE.exists():
        return []
    return msgspec.json.decode(EVIDENCE.read_bytes(), type=list[Ran])


def table(runs: Iterable[Ran]) -> str:
    """The runs, in Markdown."""
    titles = "Target", "When", "Seconds", "Executions", "Edges", "Inputs", "MB", "Found"
    rows = [titles, ("---",) * len(titles)]
    for run in runs:
        counts = (run.seconds, run.executions, run.edges, run.inputs, run.megabytes)
        found = ", ".join(run.found) or "nothing"
        rows.append((f"`{run.target}`", run.date, *(f"{each:,}" for each in counts), found))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
