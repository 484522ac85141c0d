"""Where the last complete run is written down."""

from collections.abc import Sequence

import msgspec
from tests.conformance.suite import VERSION
from tests.conformance.table import Row, table
from tests.evidence.record import Recorded, fill, record

PAGE = "conformance.md"
"""In docs/."""


class Measured(msgspec.Struct, frozen=True):
    """What the record of a complete run has besides."""

    suite: str
    bad: Sequence[str]
    """The cases that are neither OK nor informational, each with its role."""
    rows: Sequence[Row]


def keep(lines: Sequence[Row], bad: Sequence[str]) -> None:
    """Record the run, and show it in PAGE."""
    measured = Measured(suite=f"autobahntestsuite {VERSION}", bad=bad, rows=lines)
    run = record(
        "conformance",
        command="make conformance",
        result=in_a_line(measured),
        passed=not bad,
        details=measured,
    )
    fill(PAGE, shown(run))


def in_a_line(measured: Measured) -> str:
    """How many cases each role has run, and how many were bad."""
    roles = [row for row in measured.rows if row.group == "all"]
    ran = ", ".join(f"{sum(row.counts)} cases as the {row.role}" for row in roles)
    return f"{ran}: {len(measured.bad) or 'none'} bad"


def shown(run: Recorded) -> str:
    """What the page says of the run."""
    measured = msgspec.convert(run.details, Measured)
    verdict = f"bad: {', '.join(measured.bad)}" if measured.bad else "nothing bad"
    return (
        f"`{run.command}` on {run.date}, {measured.suite}, {run.python}: {verdict}\n"
        f"([the same as JSON](evidence/{run.name}.json)).\n\n{table(measured.rows)}"
    )
