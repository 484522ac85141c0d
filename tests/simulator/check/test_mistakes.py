"""Every mistake in a handler is caught by the check that is there for it."""

import pytest
from tests.simulator.check.conftest import Judge
from tests.simulator.check.mistakes import MISTAKES
from tests.simulator.check.spoilt import with_mistake

from dojo_simulator.check import Verdict, runner


@pytest.fixture(autouse=True)
def _without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """No handler's mistake shows there, and its server takes a fifth of a second to end."""
    monkeypatch.setattr(runner, "_rest_side", lambda *_: None)


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_caught(name: str, judge: Judge) -> None:
    mistake = MISTAKES[name]
    finding = judge(with_mistake(mistake), mistake.check)
    assert finding.verdict is Verdict.FAILED, finding.said
    assert "expected" in finding.said
    assert finding.exchanges
