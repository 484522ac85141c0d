"""What the targets and the command are made of."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.evidence import record as evidence
from tests.evidence.record import BEGIN, END, recorded
from tests.fuzz.__main__ import main
from tests.fuzz.catalogue import TARGETS
from tests.fuzz.reader import Reader, chunk, however_cut
from tests.fuzz.record import PAGE, Ran, keep, shown
from tests.fuzz.shrinking import fault_of, shrink


def test_bytes_are_read_as_choices_until_they_are_used_up() -> None:
    script = Reader(b"\x07" + chunk(b"abc") + b"\x01\x00xy")
    assert (script.below(5), script.chunk(), script.chunk()) == (2, b"abc", b"xy")
    assert not script.more
    assert (script.byte(), script.chunk(), script.rest()) == (0, b"", b"")


def test_a_difference_that_a_cut_makes_is_found() -> None:
    assert however_cut(b"".join, b"a stream", at=3) == b"a stream"
    with pytest.raises(AssertionError, match="it makes a difference to cut at 3"):
        however_cut(len, b"a stream", at=3)


def test_what_finds_something_is_made_as_small_as_can_be() -> None:
    def target(data: bytes) -> None:
        assert b"x" not in data
        if data.count(b"y") > 1:
            raise ValueError("another fault")

    assert shrink(target, b"some bytes, an x, some more", seconds=10) == b"x"
    assert shrink(target, b"yay yay", seconds=10) == b"yy"
    assert shrink(target, b"nothing", seconds=10) == b"nothing"
    assert fault_of(target, b"") is None


def test_a_run_takes_the_place_of_its_targets_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "DOCS", tmp_path)
    page = tmp_path / PAGE
    page.write_text(f"before\n{BEGIN}{END}after\n", "utf-8")
    keep(_ran("frames", 1000), command="make fuzz MINUTES=1")
    keep(_ran("handshake", 7), command="make fuzz MINUTES=1")
    keep(_ran("frames", 2_345_678), command="make fuzz MINUTES=5")
    text = page.read_text("utf-8")
    assert text.startswith(f"before\n{BEGIN}\n| Target |")
    assert text.endswith(f"| nothing |\n\n{END}after\n")
    assert text.index("`handshake`") < text.index("`frames`")
    assert "2,345,678" in text
    assert "1,000" not in text
    run = recorded("fuzz-frames")
    assert run is not None
    assert (run.passed, run.command) == (True, "make fuzz MINUTES=5")
    assert run.result == "2,345,678 executions in 60 s: found nothing"


def test_what_was_found_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "DOCS", tmp_path)
    (tmp_path / PAGE).write_text(f"{BEGIN}{END}", "utf-8")
    keep(_ran("frames", 7, found=["crash-1"]), command="make fuzz MINUTES=1")
    run = recorded("fuzz-frames")
    assert run is not None
    assert not run.passed
    assert run.result.endswith("found crash-1")


def test_the_page_shows_the_runs_that_are_kept() -> None:
    runs = [run for name in TARGETS if (run := recorded(f"fuzz-{name}"))]
    assert shown(runs) in (evidence.DOCS / PAGE).read_text("utf-8")


def _ran(target: str, executions: int, found: Sequence[str] = ()) -> Ran:
    return Ran(
        target=target,
        atheris="3.0.0",
        seconds=60,
        executions=executions,
        edges=5,
        inputs=6,
        megabytes=50,
        found=list(found),
    )


def test_the_command_knows_its_targets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fames"])
    said = capsys.readouterr().err
    assert all(name in said for name in TARGETS)
