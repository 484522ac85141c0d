"""What was measured, as a table for people and as JSON, and where both are kept.

`python -m benchmarks.report` draws the chart and fills the page anew with what is kept.
"""

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import floor, log10
from pathlib import Path

import msgspec

from benchmarks.chart import chart
from benchmarks.child import ROOT
from benchmarks.rows import BEST, Measured, Result, reaches

EVIDENCE = ROOT / "docs" / "evidence" / "benchmarks.json"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "benchmarks.svg"
PLACE = re.compile(r"(?<=<!-- measured -->\n).*?(?=<!-- end -->)", re.DOTALL)
_PACKAGES = (
    "aiohttp anyio msgspec picows trio trio-websocket uvloop websocket-client websockets wsproto"
)


class Machine(msgspec.Struct, frozen=True):
    """On what it was measured, as far as others can make use of it."""

    cpu: str
    cores: int
    python: str
    packages: Mapping[str, str]
    """Versions of what was measured, and of what ours is made of."""


class Evidence(msgspec.Struct, frozen=True):
    """What was measured, as it is kept."""

    command: str
    date: str
    """Of the last of these rows, in UTC."""
    machine: Machine
    rows: Sequence[Measured]


def this_machine() -> Machine:
    """The machine that this runs on."""
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages=dict(_versions(_PACKAGES.split())),
    )


def _cpu() -> str:
    """The model, or at least the architecture."""
    info = Path("/proc/cpuinfo")
    model = info.is_file() and re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE)
    return model[1] if model else platform.machine()


def _versions(packages: Iterable[str]) -> Iterator[tuple[str, str]]:
    for package in packages:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def record(rows: Sequence[Measured], order: Sequence[str]) -> None:
    """Keep `rows` as EVIDENCE, in the place of older ones of their names; draw and show them.

    `order` has the names of all rows there are: others are forgotten.
    """
    before = load().rows if EVIDENCE.exists() else ()
    kept = {row.name: row for row in (*before, *rows)}
    evidence = Evidence(
        command="make bench",
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=this_machine(),
        rows=[kept[name] for name in order if name in kept],
    )
    EVIDENCE.parent.mkdir(exist_ok=True)
    EVIDENCE.write_bytes(msgspec.json.format(msgspec.json.encode(evidence), indent=2) + b"\n")
    show(evidence)


def show(evidence: Evidence) -> None:
    """Draw CHART, and fill PAGE."""
    CHART.write_text(chart(evidence.rows), "utf-8")
    PAGE.write_text(page(evidence), "utf-8")


def load() -> Evidence:
    """What is kept."""
    return msgspec.json.decode(EVIDENCE.read_bytes(), type=Evidence)


def page(evidence: Evidence) -> str:
    """PAGE with what was measured between its markers."""
    return PLACE.sub(lambda _: f"\n{shown(evidence)}\n", PAGE.read_text("utf-8"))


def shown(evidence: Evidence) -> str:
    """What the page says of what was measured."""
    machine = evidence.machine
    words = "".join(f"- **{row.name}**: {row.what}\n" for row in evidence.rows)
    packages = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
    return (
        f"`{evidence.command}` on {evidence.date}: {machine.cpu}, {machine.cores} cores, "
        f"{machine.python}, with {packages} ([the same as JSON](evidence/{EVIDENCE.name})).\n\n"
        f"{table(evidence.rows)}\n{words}"
    )


def table(rows: Iterable[Measured]) -> str:
    """The rows as a table, for people and for Markdown."""
    head = ["row", "who", "value", "spread", "ours ÷ theirs", "goal"]
    lines = [line for row in rows for line in _lines(row)]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    rule = [f"{'-' * (width - 1)}{':' if 2 <= at <= 4 else '-'}" for at, width in enumerate(widths)]
    return "".join(
        f"| {' | '.join(_padded(at, cell, widths[at]) for at, cell in enumerate(line))} |\n"
        for line in (head, rule, *lines)
    )


def _padded(column: int, cell: str, width: int) -> str:
    return cell.rjust(width) if 2 <= column <= 4 else cell.ljust(width)


def _lines(row: Measured) -> Iterator[list[str]]:
    for result in row.results:
        yield [
            row.name if result is row.ours else "",
            result.who,
            amount(result.median, row.unit),
            f"±{result.spread:.0%}",
            "" if result.ratio is None else f"{result.ratio:.2f}",
            _verdict(row, result),
        ]
    for peer in row.missing:
        yield ["", peer, "not installed", "", "", ""]


def _verdict(row: Measured, result: Result) -> str:
    """What the goal says of this line."""
    goal = row.goal
    if goal is None:
        return ""
    if result is row.ours and goal.limit is not None:
        return _judged(row, result.median, goal.limit, amount(goal.limit, row.unit))
    if result.who == row.against and goal.factor is not None and result.ratio is not None:
        best = " (the best)" if goal.against == BEST and len(row.results) > 2 else ""
        return _judged(row, result.ratio, goal.factor, f"{goal.factor:g}{best}")
    return ""


def _judged(row: Measured, value: float, goal: float, words: str) -> str:
    sign = "≥" if row.better == "more" else "≤"
    return f"{sign} {words}: {'reached' if reaches(row.better, value, goal) else 'missed'}"


def amount(value: float, unit: str) -> str:
    """A value with its unit, of three digits or a whole number."""
    digits = max(0, 2 - floor(log10(value))) if value > 0 else 0
    number = f"{value:,.{digits}f}"
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".rstrip()


if __name__ == "__main__":
    show(load())
