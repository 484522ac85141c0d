"""Benches for the checks' own tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from dojo_proto import Epos
from dojo_simulator.check import Bench, Finding, chosen, hosted_bench, make
from dojo_simulator.restaurant import Restaurant, Staff

Judge = Callable[..., Finding]


@pytest.fixture
def host() -> Iterator[Callable[..., Bench]]:
    """Serve an EPOS, on a restaurant of its own, until the test ends."""
    with ExitStack() as stack:

        def host(epos: Epos, **options: Any) -> Bench:
            restaurant = stack.enter_context(Restaurant())
            options = {"state": restaurant, "till": Staff(restaurant), **options}
            return stack.enter_context(hosted_bench(epos, **options))

        yield host


@pytest.fixture
def judge(host: Callable[..., Bench]) -> Judge:
    """Make one check of an EPOS, and return what was found."""

    def judge(epos: Epos, check: str, **options: Any) -> Finding:
        return make(host(epos, **options), chosen([check]))[0]

    return judge
