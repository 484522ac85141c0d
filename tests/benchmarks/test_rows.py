"""How turns are taken, and what the values come to."""

from collections.abc import Callable
from typing import Any

import pytest
from benchmarks.rows import OURS, Goal, Measure, Row, judge, measure


def row(**changes: Any) -> Row:
    """A row that nobody has to measure."""
    given: dict[str, Any] = {
        "name": "a row",
        "what": "nothing",
        "unit": "/s",
        "better": "more",
        "ours": lambda **_: 1.0,
    }
    return Row(**given | changes)


def noting(calls: list[str], name: str, value: float = 1.0) -> Measure:
    """Gives `value`, and notes that it was called."""

    def note(*, smoke: bool) -> float:
        calls.append(f"{name} smoke" if smoke else name)
        return value

    return note


def test_each_round_begins_with_another_one() -> None:
    calls: list[str] = []
    peers = {name: noting(calls, name) for name in ("a", "b")}
    measure(row(ours=noting(calls, "ours"), peers=peers, references=["a", "b"]), 4)
    rounds = ["ours a b", "a b ours", "b ours a", "ours a b"]
    assert " ".join(calls) == " ".join(rounds)


def test_everybody_is_told_of_a_smoke_run() -> None:
    calls: list[str] = []
    measure(row(ours=noting(calls, "ours")), 1, smoke=True)
    assert calls == ["ours smoke"]


def test_a_peer_that_is_not_installed_is_left_out_and_named() -> None:
    peers = {"nobody_has_this": noting([], "a"), "json": noting([], "b")}
    measured = measure(row(peers=peers, goal=Goal(factor=1)), 1)
    assert measured.missing == ["nobody_has_this"]
    assert [each.who for each in measured.results] == [OURS, "json"]


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_value_that_is_no_measurement_is_refused(value: float) -> None:
    with pytest.raises(RuntimeError, match=r"a row: dojo-proto gave .*, expected a positive"):
        measure(row(ours=noting([], "ours", value)), 1)


def test_the_ratio_is_that_of_each_round_and_of_those_the_median() -> None:
    measured = judge(row(), {OURS: [10, 20, 30], "a": [5, 5, 60]}, [])
    assert measured.result("a").ratio == 2
    assert measured.ours.ratio is None


def test_the_spread_is_half_of_the_way_between_the_quartiles_as_a_share_of_the_median() -> None:
    assert judge(row(), {OURS: [9, 1, 11, 10, 99]}, []).ours.spread == pytest.approx(0.1)
    assert judge(row(), {OURS: [10]}, []).ours.spread == 0


def less(**changes: Any) -> Row:
    return row(better="less", **changes)


@pytest.mark.parametrize(
    ("of", "goal", "against", "met"),
    [
        (row, Goal(factor=0.5), "fast", True),
        (row, Goal(factor=0.6), "fast", False),
        (row, Goal(factor=2.0, against="slow"), "slow", True),
        (row, Goal(factor=2.1, against="slow"), "slow", False),
        (less, Goal(factor=2.0), "slow", True),
        (less, Goal(factor=1.9), "slow", False),
        (row, Goal(factor=1.0, against="nobody"), "", None),
        (row, Goal(limit=10), "", True),
        (row, Goal(limit=11), "", False),
        (less, Goal(limit=10), "", True),
        (less, Goal(limit=9), "", False),
        (less, Goal(factor=2.0, limit=9), "slow", False),
        (less, Goal(factor=2.0, limit=10), "slow", True),
        (row, None, "", None),
    ],
)
def test_a_goal_is_met_or_not(
    of: Callable[..., Row], goal: Goal | None, against: str, *, met: bool | None
) -> None:
    values = {OURS: [10.0], "slow": [5.0], "fast": [20.0]}
    measured = judge(of(goal=goal), values, [])
    assert (measured.against, measured.met) == (against, met)


def test_without_any_peer_nobody_can_say_whether_a_ratio_is_reached() -> None:
    assert judge(row(goal=Goal(factor=1)), {OURS: [1]}, ["a"]).met is None
