"""A row of the table: what is measured, against whom, what the goal is, and how it is measured.

The machine is never quiet enough for a figure to mean much by itself. So ours and the peers take
turns, and what counts is the ratio of two neighbours: its median over the rounds.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from statistics import median, quantiles
from typing import Literal, Protocol

import msgspec

OURS = "dojo-proto"
BEST = "best"
ROUNDS = 5
"""Of fewer a median says little, and nothing is written down."""


Better = Literal["more", "less"]


class Measure(Protocol):
    """Measures once, and returns one positive number in the row's unit.

    With `smoke` it does as little as it can, and fast: then only that it works counts. Raises
    RuntimeError if an answer was wrong or is missing.
    """

    def __call__(self, *, smoke: bool) -> float:
        """Do so."""
        ...


class Goal(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ours has to reach."""

    factor: float | None = None
    """Ours divided by theirs: at least this where more is better, at most this where less is."""
    against: str = BEST
    """The name of a peer, or BEST for the best of those that are installed."""
    limit: float | None = None
    """Ours in the row's unit: at least, or at most, this."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is measured."""

    name: str
    """What it is called on the command line."""
    what: str
    """What is measured, in words that end the sentence "this is …"."""
    unit: str
    """Such as "/s", "µs", "KiB"; empty for a plain number."""
    better: Better
    ours: Measure
    peers: Mapping[str, Measure] = {}
    goal: Goal | None = None
    """None for a row that only says how far the others can be trusted."""
    needs: Sequence[str] = ()
    """Modules without which the row cannot be measured."""
    peer_needs: Mapping[str, str] = {}
    """The module of a peer, if it is not called as the peer is."""
    references: Sequence[str] = ()
    """Those of the peers that are none: nobody could serve an EPOS with them, or they are this
    library itself. They need no module; the table has them, the chart has not."""


class Result(msgspec.Struct, frozen=True):
    """What came of one contestant."""

    who: str
    values: Sequence[float]
    """One a round, in order."""
    median: float
    spread: float
    """Half of the way from the lower to the upper quartile, as a share of the median."""
    ratio: float | None
    """The median of ours divided by theirs, round by round; None for ours."""


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a row."""

    name: str
    what: str
    unit: str
    better: Better
    results: Sequence[Result]
    """Ours first."""
    goal: Goal | None = None
    against: str = ""
    """The peer that the goal is about, if it is about one."""
    met: bool | None = None
    """None without a goal, or if the peer that it is about is not installed."""
    missing: Sequence[str] = ()
    """Peers that are not installed."""
    references: Sequence[str] = ()
    """Contestants that are no peers."""

    @property
    def ours(self) -> Result:
        """What came of the library."""
        return self.results[0]

    def result(self, who: str) -> Result:
        """What came of `who`."""
        return next(each for each in self.results if each.who == who)


def lacking(row: Row) -> list[str]:
    """The modules without which `row` cannot be measured, and which are not installed."""
    return [module for module in row.needs if not _is_here(module)]


def measure(
    row: Row,
    rounds: int = ROUNDS,
    *,
    smoke: bool = False,
    tell: Callable[[str], object] = lambda _: None,
) -> Measured:
    """Measure ours and the peers in turn, each round beginning with another one.

    `tell` hears of each value as it comes. Raises what the callables raise.
    """
    missing = [
        peer
        for peer in row.peers
        if peer not in row.references and not _is_here(row.peer_needs.get(peer, peer))
    ]
    contestants = {OURS: row.ours, **row.peers}
    for peer in missing:
        del contestants[peer]
    names = list(contestants)
    values: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            value = contestants[name](smoke=smoke)
            if not value > 0:
                raise RuntimeError(f"{row.name}: {name} gave {value!r}, expected a positive number")
            values[name].append(value)
            tell(f"{row.name} {number + 1}/{rounds} {name}: {value:,.2f} {row.unit}")
    return judge(row, values, missing)


def judge(row: Row, values: Mapping[str, Sequence[float]], missing: Sequence[str]) -> Measured:
    """What the values of all rounds come to."""
    ours = values[OURS]
    results = [_summary(name, each, ours) for name, each in values.items()]
    goal, against, met = row.goal, "", None
    if goal is not None:
        against = _compared(row, goal, results[1:])
        met = _is_met(row, goal, results, against)
    return Measured(
        name=row.name,
        what=row.what,
        unit=row.unit,
        better=row.better,
        goal=goal,
        results=results,
        against=against,
        met=met,
        missing=missing,
        references=row.references,
    )


def _is_here(module: str) -> bool:
    return find_spec(module) is not None


def _compared(row: Row, goal: Goal, peers: Sequence[Result]) -> str:
    """The peer that the goal is about; "" if it is about none, or that one is not installed."""
    if goal.factor is None or not peers:
        return ""
    if goal.against == BEST:
        best = max if row.better == "more" else min
        return best(peers, key=lambda each: each.median).who
    return goal.against if any(each.who == goal.against for each in peers) else ""


def _is_met(row: Row, goal: Goal, results: Sequence[Result], against: str) -> bool | None:
    """Whether all of the goal is met; None if nobody can say."""
    met = goal.limit is None or reaches(row.better, results[0].median, goal.limit)
    if goal.factor is None:
        return met
    ratio = next((each.ratio for each in results if each.who == against), None)
    return None if ratio is None else met and reaches(row.better, ratio, goal.factor)


def reaches(better: Better, value: float, goal: float) -> bool:
    """Whether `value` is as good as `goal`, or better."""
    return value >= goal if better == "more" else value <= goal


def _summary(who: str, values: Sequence[float], ours: Sequence[float]) -> Result:
    middle = median(values)
    lower, _, upper = quantiles(values, method="inclusive") if len(values) > 1 else (middle,) * 3
    return Result(
        who=who,
        values=values,
        median=middle,
        spread=(upper - lower) / 2 / middle,
        ratio=None if who == OURS else median(a / b for a, b in zip(ours, values, strict=True)),
    )
