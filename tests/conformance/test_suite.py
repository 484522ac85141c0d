"""What the command does where the suite cannot be had."""

import sys

import pytest
from tests.conformance import suite
from tests.conformance.__main__ import main


@pytest.fixture(autouse=True)
def _nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "is_installed", lambda: False)


@pytest.mark.parametrize("python", [sys.executable, "no-such-python"])
def test_without_python_2_7_it_says_so(python: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--python", python]) == 2
    assert capsys.readouterr().out == (
        f"the Autobahn test suite needs Python 2.7: {python} is none\n"
    )


def test_and_goes_on_where_that_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--if-possible", "--python", "no-such-python"]) == 0
    assert capsys.readouterr().out.startswith("skipped: the Autobahn test suite needs Python 2.7")


def test_a_python_is_looked_for_unless_one_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(suite, "_pythons", lambda: iter([sys.executable]))
    assert main([]) == 2
    assert "none was found in PATH or by pyenv" in capsys.readouterr().out
