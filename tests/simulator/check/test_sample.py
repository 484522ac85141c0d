"""The sample restaurant passes every check, in every runtime."""

from collections.abc import Callable

import pytest

from dojo_adapters.runtimes import RUNTIMES
from dojo_simulator.check import CHECKS, Bench, Verdict, make
from dojo_simulator.restaurant import epos


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_sample_restaurant_passes_every_check(runtime: str, host: Callable[..., Bench]) -> None:
    findings = make(host(epos, runtime=runtime), CHECKS)
    assert {
        each.check.id: each.said for each in findings if each.verdict is not Verdict.PASSED
    } == {}


def test_every_check_has_an_id_of_its_own() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids) == 70
