"""Outcomes as a table, and where the last complete run of all is written down."""

from collections.abc import Mapping, Sequence

import msgspec
from tests.evidence.record import Recorded, as_printed, fill, record
from tests.soak.runner import Outcome
from tests.soak.verdict import Measured

PAGE = "soak.md"
"""In docs/."""
_ROW = "{:8} {:7} {:>9} {:>10} {:>9} {:>7} {:>11} {:>10} {:>9} {:>6} {:>6} {:>6} {:>9}  {}\n"
TITLES = _ROW.format(
    *("runtime", "journal", "requests", "reconnects", "lost", "seconds"),
    *("bytes/1,000", "growth KiB", "pcs/1,000", "lag", "clock", "99.9 %", "left over", "verdict"),
)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """An outcome in numbers. Lags are milliseconds; growth is that of a fitted line."""

    runtime: str
    journal: str
    requests: int
    reconnects: int
    endings: Mapping[str, int]
    """How connections were made to end."""
    ended_otherwise: int
    """Connections that were not: the till missed a pong, most likely."""
    lost: int
    seconds: float
    bytes_per_1000: float
    growth: float
    """Bytes."""
    pieces_per_1000: float
    lag: float
    """The process's own, the worst."""
    clock_lag: float
    """The worst, with what the machine made it wait."""
    lag_999: float
    """What 99.9 % of the lags stayed below, by the clock."""
    left_over: int | None
    """Descriptors, threads and tasks; None if nothing was said of them."""
    wrongs: Sequence[str]


def summary(outcome: Outcome, measured: Measured, wrongs: Sequence[str]) -> Summary:
    """All of it in numbers."""
    left, report = None, outcome.report
    if report is not None:
        left = len(report.descriptors_left) + len(report.threads_left) + report.tasks_left
    return Summary(
        runtime=outcome.job.runtime,
        journal=outcome.job.journal,
        requests=outcome.answered[-1] if outcome.answered else 0,
        reconnects=outcome.reconnects,
        endings={ending.value: number for ending, number in outcome.endings.items()},
        ended_otherwise=outcome.ended_otherwise,
        lost=outcome.lost,
        seconds=round(outcome.seconds, 1),
        bytes_per_1000=round(measured.rss.slope, 1),
        growth=round(measured.rss.growth),
        pieces_per_1000=round(measured.blocks.slope, 3),
        lag=round(measured.lag * 1000, 1),
        clock_lag=round(measured.raw_lag * 1000, 1),
        lag_999=0.0 if report is None else round(report.lag.p999 * 1000, 1),
        left_over=left,
        wrongs=wrongs,
    )


def line(it: Summary) -> str:
    """A runtime's line, below TITLES."""
    return _ROW.format(
        it.runtime,
        it.journal,
        it.requests,
        it.reconnects,
        it.lost,
        it.seconds,
        f"{it.bytes_per_1000:+.1f}",
        f"{it.growth / 1024:+.0f}",
        f"{it.pieces_per_1000:+.2f}",
        it.lag,
        it.clock_lag,
        it.lag_999,
        "?" if it.left_over is None else it.left_over,
        f"{len(it.wrongs)} WRONG" if it.wrongs else "passed",
    )


def keep(summaries: Sequence[Summary], *, command: str) -> None:
    """Record a complete run of all runtimes, and show it in PAGE."""
    run = record(
        "soak",
        command=command,
        result=in_a_line(summaries),
        passed=not any(each.wrongs for each in summaries),
        details=summaries,
    )
    fill(PAGE, shown(run))


def in_a_line(summaries: Sequence[Summary]) -> str:
    """What came of all of them."""
    names = ", ".join(each.runtime for each in summaries)
    wrongs = sum(len(each.wrongs) for each in summaries)
    return (
        f"at least {min(each.requests for each in summaries):,} requests and "
        f"{min(each.reconnects for each in summaries):,} reconnects in each of {names}: "
        f"at most {max(each.bytes_per_1000 for each in summaries):+.1f} bytes per 1,000 requests, "
        f"worst lag {max(each.lag for each in summaries):.1f} ms, "
        f"{sum(each.left_over or 0 for each in summaries) or 'nothing'} left over, "
        f"{wrongs or 'nothing'} wrong"
    )


def shown(run: Recorded) -> str:
    """What the page says of the run."""
    lines = "".join(map(line, msgspec.convert(run.details, list[Summary])))
    return as_printed(run, TITLES + lines)
