"""Where the last complete run is written down."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from tests.conformance.suite import VERSION
from tests.conformance.table import Row, table

_DOCS = Path(__file__).parents[2] / "docs"
EVIDENCE = _DOCS / "evidence" / "conformance.json"
PAGE = _DOCS / "conformance.md"
_BEGIN, _END = "<!-- measured -->\n", "<!-- end -->\n"


class Measured(msgspec.Struct, frozen=True):
    """A complete run, as it is kept."""

    command: str
    date: str
    """UTC, as in RFC 3339."""
    suite: str
    python: str
    bad: Sequence[str]
    """The cases that are neither OK nor informational, each with its role."""
    rows: Sequence[Row]


def record(lines: Sequence[Row], bad: Sequence[str]) -> None:
    """Keep the run as EVIDENCE, and show it in PAGE."""
    measured = Measured(
        command="make conformance",
        date=datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        suite=f"autobahntestsuite {VERSION}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        bad=bad,
        rows=lines,
    )
    EVIDENCE.parent.mkdir(exist_ok=True)
    EVIDENCE.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=2) + b"\n")
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    PAGE.write_text(before + _BEGIN + shown(measured) + _END + after, "utf-8")


def shown(measured: Measured) -> str:
    """What the page says of the run."""
    verdict = f"bad: {', '.join(measured.bad)}" if measured.bad else "nothing bad"
    return (
        f"\n`{measured.command}` on {measured.date}, {measured.suite}, {measured.python}: "
        f"{verdict}\n([the same as JSON](evidence/{EVIDENCE.name})).\n\n{table(measured.rows)}\n"
    )
