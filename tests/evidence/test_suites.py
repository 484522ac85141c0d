"""What a run of pytest came to is read off its report, and recorded only if all of it has run."""

from pathlib import Path

import pytest
from tests.evidence import __main__ as command
from tests.evidence import record as evidence
from tests.evidence.proofs import Proof
from tests.evidence.record import recorded
from tests.evidence.suites import CannotRun, Ran, read, run

GOOD = '<testcase classname="tests.a" name="test_b" time="1.5"/>'
BAD = '<testcase classname="tests.a" name="test_c" time="1"><failure message="x"/></testcase>'
ERROR = '<testcase classname="tests.a" name="test_d" time="1"><error message="x"/></testcase>'


def skipped(reason: str) -> str:
    return f'<testcase name="test_e" time="0"><skipped message="{reason}"/></testcase>'


def ran(*cases: str, printed: str = "", code: int = 0) -> Ran:
    report = f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"
    return read(report, printed, code)


def test_what_passes_is_counted() -> None:
    result = ran(GOOD, GOOD)
    assert result.good
    assert result.in_a_line() == "2 tests passed, in 3 s"


def test_what_fails_is_named() -> None:
    result = ran(GOOD, BAD, ERROR, code=1)
    assert not result.good
    assert result.bad == ["tests.a.test_c", "tests.a.test_d"]
    assert result.in_a_line() == "1 tests passed, 2 failed, first tests.a.test_c, in 4 s"


def test_too_little_coverage_is_no_success() -> None:
    printed = "FAIL Required test coverage of 100.0% not reached. Total coverage: 99.15%"
    result = ran(GOOD, printed=printed, code=1)
    assert not result.good
    assert "99.15 % of the lines and branches covered, and pytest ended with 1" in (
        result.in_a_line()
    )


def test_nothing_is_no_success() -> None:
    assert not ran(code=5).good


def test_what_was_skipped_for_want_of_something_is_told_once() -> None:
    result = ran(GOOD, skipped("nginx is not installed"), skipped("nginx is not installed"))
    assert result.missing == ["nginx is not installed"]


def test_what_there_is_not_in_a_runtime_is_not_missing() -> None:
    assert ran(GOOD, skipped("it has no event loop")).missing == []


@pytest.fixture
def suite(tmp_path: Path) -> Proof:
    """One test that passes."""
    path = tmp_path / "test_it.py"
    path.write_text("def test_it() -> None:\n    assert True\n", "utf-8")
    without = (f"-pno:{each}" for each in ("cacheprovider", "hypothesispytest", "anyio"))
    tests = (*without, f"--rootdir={tmp_path}", str(path))
    return Proof(name="rest", command="make evidence ARGS=rest", page="x.md", tests=tests)


def test_pytest_is_run(suite: Proof) -> None:
    result = run(suite)
    assert (result.passed, result.bad, result.missing, result.code) == (1, [], [], 0)


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty docs/."""
    monkeypatch.setattr(evidence, "DOCS", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("result", "code", "kept"),
    [
        (ran(GOOD), 0, "1 tests passed, in 2 s"),
        (ran(BAD, code=1), 1, "0 tests passed, 1 failed, first tests.a.test_c, in 1 s"),
        (ran(GOOD, skipped("node is not installed")), 2, None),
        (CannotRun("no index"), 2, None),
    ],
    ids=["passed", "failed", "skipped", "cannot run"],
)
@pytest.mark.usefixtures("docs")
def test_a_run_is_recorded_if_all_of_it_has_run(
    result: Ran | CannotRun, code: int, kept: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(suite: Proof) -> Ran:
        assert suite.name == "rest"
        if isinstance(result, CannotRun):
            raise result
        return result

    monkeypatch.setattr(command, "run", run)
    assert command.main(["rest"]) == code
    record = recorded("rest")
    assert (record and record.result) == kept


def test_the_command_knows_its_suites(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["rset"])
    assert "rest" in capsys.readouterr().err
