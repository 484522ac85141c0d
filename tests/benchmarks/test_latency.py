"""Rows of one run."""

from typing import Any

import pytest
from benchmarks import latency
from benchmarks.latency import Runs


def test_the_percentiles_of_a_round_are_those_of_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[bool] = []

    def run(_: Runs, *, smoke: bool) -> list[float]:
        done.append(smoke)
        return [(1000 * len(done) + each) / 1e6 for each in range(101)]

    monkeypatch.setattr(latency.Runs, "_run", run)
    runs = Runs("ours", "asyncio")

    def found(share: float, **smoke: Any) -> int:
        return round(runs.within(share, **smoke))

    assert [found(0.5, smoke=False), found(0.5, smoke=False)] == [1050, 2050]
    assert [found(0.99, smoke=False), found(0.99, smoke=False)] == [1099, 2099]
    assert found(0.99, smoke=True) == 3099
    assert found(0.99, smoke=False) == 4099
    assert done == [False, False, True, False]
