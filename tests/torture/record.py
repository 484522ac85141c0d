"""Where the last complete run is written down."""

from collections.abc import Sequence

import msgspec
from tests.evidence.record import Recorded, as_printed, fill, record
from tests.torture.runner import Outcome

PAGE = "torture.md"
"""In docs/."""
_ROW = "{:8}  {:>8}  {:>5}  {:>5}  {:>7}  {:>7}  {}\n"
TITLES = _ROW.format("runtime", "payments", "kills", "drops", "retries", "seconds", "verdict")


def line(outcome: Outcome) -> str:
    """A runtime's line, below TITLES."""
    return _ROW.format(
        outcome.runtime,
        outcome.payments,
        outcome.kills,
        outcome.drops,
        outcome.retries,
        f"{outcome.seconds:.1f}",
        f"{len(outcome.wrongs)} WRONG" if outcome.wrongs else f"{_pounds(outcome)} on both sides",
    )


def keep(outcomes: Sequence[Outcome], *, command: str) -> None:
    """Record a run of all runtimes, and show it in PAGE."""
    run = record(
        "torture",
        command=command,
        result=in_a_line(outcomes),
        passed=not any(each.wrongs for each in outcomes),
        details=outcomes,
    )
    fill(PAGE, shown(run))


def in_a_line(outcomes: Sequence[Outcome]) -> str:
    """What was done to all of them, and what of it is wrong."""
    kills, drops, retries = (
        sum(getattr(each, what) for each in outcomes) for what in ("kills", "drops", "retries")
    )
    payments = ", ".join(f"{each.payments:,} payments in {each.runtime}" for each in outcomes)
    wrongs = sum(len(each.wrongs) for each in outcomes)
    return (
        f"{payments}; {kills:,} kills, {drops:,} dropped connections, {retries:,} retries: "
        f"{wrongs or 'nothing'} wrong"
    )


def shown(run: Recorded) -> str:
    """What the page says of the run."""
    lines = "".join(map(line, msgspec.convert(run.details, list[Outcome])))
    return as_printed(run, TITLES + lines)


def _pounds(outcome: Outcome) -> str:
    return f"£{outcome.pence // 100:,}.{outcome.pence % 100:02}"
