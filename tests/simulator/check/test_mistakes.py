"""Every mistake in a handler is caught by the check that is there for it."""

import pytest
from tests.simulator.check.conftest import Judge
from tests.simulator.check.mistakes import MISTAKES, with_mistake

from dojo_simulator.check import Verdict


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(name: str, judge: Judge) -> None:
    finding = judge(with_mistake(name), MISTAKES[name].check)
    assert finding.verdict is Verdict.FAILED, finding.said
    assert "expected" in finding.said
    assert finding.exchanges
