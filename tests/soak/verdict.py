"""What an outcome says: how much memory grew, how late the loop was, and what is wrong."""

from collections.abc import Iterator, Sequence

import msgspec
from tests.soak.child import Report, Sample
from tests.soak.pulse import PERIOD
from tests.soak.runner import Outcome

MOST_LAG = 0.05
"""Seconds."""
MOST_RSS = 4 << 20
"""Bytes by which the memory may grow over a whole run, by the fitted line."""
MOST_BLOCKS = 20.0
"""Pieces of memory per 1,000 requests: a leak of one with every fiftieth is found."""
_FEW_BLOCKS = 500.0
"""By which they may differ at any two rests of a short run."""
_WARM = 3
"""The first third of the samples is not looked at: caches fill, threads start."""


class Line(msgspec.Struct, frozen=True):
    """What was fitted to a quantity, by least squares."""

    slope: float
    """Per 1,000 requests."""
    growth: float
    """Over what was looked at."""


class Measured(msgspec.Struct, frozen=True):
    """The numbers of an outcome."""

    rss: Line
    """Bytes."""
    blocks: Line
    lag: float
    """Seconds: the worst, without what the machine made the process wait."""
    raw_lag: float
    """With that."""


def measure(outcome: Outcome) -> Measured:
    """The numbers of `outcome`."""
    raw = 0.0 if outcome.report is None else outcome.report.lag.worst
    return Measured(
        rss=_line(outcome, [sample.rss for sample in outcome.samples]),
        blocks=_line(outcome, [sample.blocks for sample in outcome.samples]),
        lag=0.0 if outcome.report is None else _own_lag(outcome, outcome.report),
        raw_lag=raw,
    )


def wrongs(outcome: Outcome, measured: Measured) -> list[str]:
    """A sentence for each thing that is not as it has to be: none, if all is well."""
    return [*_unlike(outcome), *_grown(outcome, measured), *_left(outcome)]


def fit(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The slope of the straight line through the points, by least squares."""
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    across = sum((x - mean_x) ** 2 for x in xs)
    along = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return along / across if across else 0.0


def _line(outcome: Outcome, values: Sequence[int]) -> Line:
    warm = len(values) // _WARM
    xs, ys = outcome.answered[warm:], values[warm:]
    if len(xs) < 2:
        return Line(0.0, 0.0)
    slope = fit(xs, ys)
    return Line(slope=slope * 1000, growth=slope * (xs[-1] - xs[0]))


def _own_lag(outcome: Outcome, report: Report) -> float:
    """The worst lag of which what is not the process's own doing was taken away."""
    if not report.lag.late:
        return report.lag.worst
    worst = 0.0
    for beat in report.lag.late:
        # From the beat before, since that is when the loop began to wait for this one.
        begin, end = beat.due - PERIOD, beat.came + PERIOD
        waited = outcome.waits.between(begin, end) + sum(
            delay.seconds for delay in report.delays if begin <= delay.seen <= end
        )
        worst = max(worst, beat.came - beat.due - waited)
    return worst


def _unlike(outcome: Outcome) -> Iterator[str]:
    """What the gateway and the till say of answers."""
    yield from outcome.wrong_answers
    if outcome.wrong_count > len(outcome.wrong_answers):
        yield f"and {outcome.wrong_count - len(outcome.wrong_answers)} more such answers"
    report = outcome.report
    if report is None:
        yield f"expected a report in the end; it never came: {outcome.said}"
        return
    if outcome.reconnects != outcome.job.reconnects:
        yield f"expected {outcome.job.reconnects} reconnects, there were {outcome.reconnects}"
    if report.booked != outcome.payments:
        yield (
            f"expected {outcome.payments} payments to be booked once each; "
            f"the handler ran {report.booked} times"
        )
    for name, number in report.alarms.items():
        yield f"expected no alarm; there were {number} of {name}"
    if outcome.said:
        yield f"expected nothing on standard error; it says: {outcome.said[-500:]}"
    if outcome.open_rows:
        yield f"expected every row of the journal to have an outcome; {outcome.open_rows} have none"
    unsettled = max(sample.unsettled for sample in outcome.samples)
    if unsettled:
        yield f"expected all to be settled when the traffic rests; {unsettled} things were not"


def _grown(outcome: Outcome, measured: Measured) -> Iterator[str]:
    rss, blocks = measured.rss, measured.blocks
    if rss.growth > MOST_RSS:
        yield (
            f"expected the memory to grow by {MOST_RSS >> 10} KiB at most; it grew by "
            f"{rss.growth / 1024:.0f} KiB, {rss.slope:.0f} bytes per 1,000 requests"
        )
    if blocks.slope > MOST_BLOCKS and blocks.growth > _FEW_BLOCKS:
        yield (
            f"expected at most {MOST_BLOCKS:g} more pieces of memory per 1,000 requests; "
            f"there are {blocks.slope:.1f} more, {blocks.growth:.0f} in all"
        )
    warm = outcome.samples[len(outcome.samples) // _WARM :]
    for name in ("descriptors", "threads", "tasks"):
        counts = [_count(sample, name) for sample in warm]
        if counts and counts[-1] > counts[0]:
            grew = f"{counts[0]}, then {counts[-1]}"
            yield f"expected as many {name} at every rest; there were {grew}"
    if measured.lag > MOST_LAG:
        yield (
            f"expected a lag of {MOST_LAG * 1000:g} ms at most that is the process's own; it was "
            f"{measured.lag * 1000:.0f} ms ({measured.raw_lag * 1000:.0f} ms by the clock)"
        )


def _count(sample: Sample, name: str) -> int:
    return int(getattr(sample, name))


def _left(outcome: Outcome) -> Iterator[str]:
    report = outcome.report
    if report is None:
        return
    for what, left in (
        ("descriptor", report.descriptors_left),
        ("thread", report.threads_left),
    ):
        if left:
            shown = ", ".join(left[:3])
            yield f"expected no {what} to be left over; {len(left)} are: {shown}"
    if report.tasks_left > 0:
        yield f"expected no task to be left over; {report.tasks_left} are"
