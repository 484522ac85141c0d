"""Of each command a full run is recorded, and one that does less is not."""

import sys
from pathlib import Path

import pytest
from tests.evidence import record as evidence
from tests.evidence.record import BEGIN, DOCS, END, recorded
from tests.fuzz import __main__ as fuzz
from tests.fuzz.record import Ran
from tests.simulation import __main__ as simulation
from tests.simulation.runner import Failure, Report, result
from tests.torture import __main__ as torture
from tests.torture import record as torture_record
from tests.torture.runner import Job, Outcome

FAILURE = Failure(seed=7, what="ONCE: booked twice\n  (the promise)", trace=[])


@pytest.fixture(autouse=True)
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docs/ that has pages with a place for what is recorded."""
    for name in ("torture.md", "fuzzing.md"):
        (tmp_path / name).write_text(f"{BEGIN}{END}", "utf-8")
    monkeypatch.setattr(evidence, "DOCS", tmp_path)
    return tmp_path


def called(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["command", *arguments])


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "make simulate SEEDS=10000"),
        (["--seeds", "20000"], "make simulate SEEDS=20000"),
        (["--first", "5"], 'make simulate SEEDS=10000 ARGS="--first 5"'),
        (["--seeds", "9999"], None),
        (["--plant", "answered_twice"], None),
    ],
)
@pytest.mark.parametrize("failures", [[], [FAILURE]], ids=["passed", "failed"])
def test_worlds(
    arguments: list[str],
    command: str | None,
    failures: list[Failure],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_all(seeds: range, **_options: object) -> Report:
        return Report(seeds=len(seeds), hours=2.0, answers=30, lives=4, failures=failures)

    monkeypatch.setattr(simulation, "run_all", run_all)
    called(monkeypatch, *arguments)
    assert simulation.main() == len(failures)
    run = recorded("simulation")
    assert (run and run.command) == command
    assert run is None or run.passed is not bool(failures)


def test_a_world_that_failed_is_in_the_line_of_the_run() -> None:
    report = Report(seeds=10_000, hours=1234.0, answers=30, lives=4)
    amount = "10,000 worlds, 1,234 simulated hours, 4 lives of the till, 30 answers"
    assert result(report) == f"{amount}: no promise broken"
    report.failures = [Failure(seed=9, what="HEARD: x", trace=[]), FAILURE]
    assert result(report) == f"{amount}: 2 failed, first seed 7: ONCE: booked twice"


def outcome(runtime: str, wrongs: list[str]) -> Outcome:
    return Outcome(
        runtime=runtime,
        payments=10_000,
        kills=5,
        drops=6,
        retries=1000,
        seconds=9.0,
        pence=123456,
        wrongs=wrongs,
    )


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "make torture"),
        (["--seed", "1"], 'make torture ARGS="--seed 1"'),
        (["--payments", "20000"], 'make torture ARGS="--payments 20000"'),
        (["--payments", "9999"], None),
        (["--seconds", "12"], None),
        (["--runtime", "trio"], None),
    ],
)
@pytest.mark.parametrize("wrongs", [[], ["a penny is missing"]], ids=["passed", "failed"])
def test_payments(
    arguments: list[str],
    command: str | None,
    wrongs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    docs: Path,
) -> None:
    def play(job: Job, _folder: Path) -> Outcome:
        return outcome(job.runtime, wrongs if job.runtime == "trio" else [])

    monkeypatch.setattr(torture, "torture", play)
    called(monkeypatch, *arguments)
    assert torture.main() == len(wrongs)
    run = recorded("torture")
    assert (run and run.command) == command
    assert run is None or run.passed is not bool(wrongs)
    verdict = "1 WRONG" if wrongs else "£1,234.56 on both sides"
    assert (f"9.0  {verdict}" in (docs / "torture.md").read_text("utf-8")) is (run is not None)


def test_the_page_on_the_torture_shows_the_run_that_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(evidence, "DOCS", DOCS)
    run = recorded("torture")
    assert run is not None
    assert torture_record.shown(run) in (DOCS / "torture.md").read_text("utf-8")


def test_what_is_wrong_is_in_the_line_of_the_run() -> None:
    said = torture_record.in_a_line([outcome("asyncio", []), outcome("trio", ["x", "y"])])
    assert said == (
        "10,000 payments in asyncio, 10,000 payments in trio; "
        "10 kills, 12 dropped connections, 2,000 retries: 2 wrong"
    )


@pytest.mark.parametrize(("minutes", "kept"), [("1", True), ("30", True), ("0.5", False)])
def test_minutes(minutes: str, kept: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(name: str, seconds: int) -> Ran:
        return Ran(
            target=name,
            atheris="3.0.0",
            seconds=seconds,
            executions=1,
            edges=1,
            inputs=1,
            megabytes=1,
            found=[],
        )

    monkeypatch.setattr(fuzz, "version", lambda _name: "3.0.0")
    monkeypatch.setattr(fuzz, "HOME", tmp_path / "fuzz")
    monkeypatch.setattr(fuzz, "_run", run)
    assert fuzz.main(["--minutes", minutes, "frames"]) == 0
    found = recorded("fuzz-frames")
    assert (found and found.command) == (f"make fuzz MINUTES={minutes}" if kept else None)
