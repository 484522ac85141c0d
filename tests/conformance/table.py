"""What the suite reported, judged and counted."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import msgspec

GROUPS = {
    "1": "framing",
    "2": "pings and pongs",
    "3": "reserved bits",
    "4": "opcodes",
    "5": "fragmentation",
    "6": "UTF-8",
    "7": "closing",
    "9": "limits and performance",
    "10": "miscellaneous",
    "12": "compression, by payload",
    "13": "compression, by parameters",
}
VERDICTS = ("OK", "informational", "non-strict", "failed", "unclean")
_GOOD = frozenset({"OK", "informational"})
# What is none of these, such as WRONG CODE, UNIMPLEMENTED or no report at all, has failed.
_VERDICTS = {
    "OK": "OK",
    "INFORMATIONAL": "informational",
    "NON-STRICT": "non-strict",
    "UNCLEAN": "unclean",
}


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What the suite says of one case."""

    behavior: str
    behavior_close: str
    duration: int
    """Milliseconds."""


class Results(msgspec.Struct, frozen=True):
    """What came of one role."""

    role: str
    cases: Sequence[str]
    """The cases that were to be run."""
    reports: Mapping[str, Report]

    def verdict(self, case: str) -> str:
        """The worse one of how the case went and how its connection closed."""
        report = self.reports.get(case)
        if report is None:
            return "failed"
        both = (report.behavior, report.behavior_close)
        return max((_VERDICTS.get(each, "failed") for each in both), key=_badness)

    def bad(self) -> Sequence[str]:
        """The cases that are neither OK nor informational."""
        return [case for case in self.cases if self.verdict(case) not in _GOOD]


def _badness(verdict: str) -> int:
    return ("OK", "informational", "non-strict", "unclean", "failed").index(verdict)


class Row(msgspec.Struct, frozen=True):
    """A line of the table: a group of cases in a role."""

    role: str
    group: str
    counts: Sequence[int]
    """How many cases have each of VERDICTS."""
    seconds: float


def rows(results: Iterable[Results]) -> Iterator[Row]:
    """A row for each group, and behind them one for the whole role."""
    for result in results:
        for group, cases in groupby(result.cases, key=lambda case: case.partition(".")[0]):
            yield _row(result, f"{group} {GROUPS.get(group, '')}".rstrip(), list(cases))
        yield _row(result, "all", result.cases)


def _row(result: Results, group: str, cases: Sequence[str]) -> Row:
    counts = Counter(map(result.verdict, cases))
    spent = [report.duration for case in cases if (report := result.reports.get(case))]
    return Row(result.role, group, [counts[each] for each in VERDICTS], sum(spent) / 1000)


def table(lines: Iterable[Row]) -> str:
    """The rows as a table, for people and for Markdown."""
    cells = [
        ["role", "cases", *VERDICTS, "seconds"],
        *([row.role, row.group, *map(str, row.counts), f"{row.seconds:.1f}"] for row in lines),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * width if at < 2 else "-" * (width - 1) + ":" for at, width in enumerate(widths)]
    return "".join(
        "| "
        + " | ".join(
            f"{cell:{'<' if at < 2 else '>'}{width}}"
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |\n"
        for line in (cells[0], rule, *cells[1:])
    )
