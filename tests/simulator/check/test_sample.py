"""The sample restaurant passes every check, and in every runtime those that are about it."""

from collections.abc import Callable, Iterable

import pytest

from dojo_adapters.runtimes import RUNTIMES
from dojo_simulator.check import CHECKS, Bench, Check, Verdict, make
from dojo_simulator.restaurant import epos

OF_THE_TILL = ("TBL", "ORD", "LCK", "BIL", "ONP", "BKG")
"""Checks of what handlers answer, which are the same ones in every runtime."""


def not_passed(bench: Bench, checks: Iterable[Check]) -> dict[str, str]:
    return {
        each.check.id: each.said
        for each in make(bench, tuple(checks))
        if each.verdict is not Verdict.PASSED
    }


def test_the_sample_restaurant_passes_every_check(host: Callable[..., Bench]) -> None:
    assert not_passed(host(epos), CHECKS) == {}


@pytest.mark.parametrize("runtime", [each for each in RUNTIMES if each != "asyncio"])
def test_it_passes_those_of_connections_payments_and_events_in_every_other_runtime(
    runtime: str, host: Callable[..., Bench]
) -> None:
    checks = [check for check in CHECKS if not check.id.startswith(OF_THE_TILL)]
    assert len(checks) > 25
    assert not_passed(host(epos, runtime=runtime), checks) == {}


def test_every_check_has_an_id_of_its_own() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids) == 70
