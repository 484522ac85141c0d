"""`dojo-epos check`, as a developer runs it."""

import json
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.ports import free_port

from dojo_adapters.background import in_background
from dojo_adapters.cli import Exit, main
from dojo_proto import Settings
from dojo_simulator.check import command
from dojo_simulator.restaurant import Restaurant, epos

SAMPLE = "dojo_simulator.restaurant:epos"

MODULE = """\
from dojo_proto import Epos

print("the module is imported")
epos = Epos(software_house_id="acme-epos")


@epos.on("SearchOrders")
def search(ctx, params):
    print("somebody searches")
    return {"data": [{"id": "1", "status": "Confirmed", "payable": True,
                      "details": {"orderType": "DineIn", "dineIn": {}}}]}


@epos.on("GetOrderById")
def get(ctx, params):
    raise ValueError("there is a bug")
"""


@pytest.fixture
def till(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A program that a user has written, in the working directory."""
    (tmp_path / "checked_till.py").write_text(MODULE)
    monkeypatch.delitem(sys.modules, "checked_till", raising=False)  # another test's
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return "checked_till:epos"


def test_nothing_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["check", SAMPLE, "--only", "ORD-11", "PAY-5"]) == Exit.OK
    out = capsys.readouterr().out
    assert "checking dojo-sample-restaurant, served on asyncio" in out
    assert "ok   ORD-11" in out
    assert "2 passed, 0 failed, 0 skipped" in out


def test_a_check_failed(till: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["check", till, "--only", "ORD-9", "--runtime", "threads"]) == Exit.FAILED
    out = capsys.readouterr().out
    assert "FAIL ORD-9" in out
    assert "displayName of '1'" in out
    assert "SearchOrdersV1" in out


def test_stdout_has_the_report_alone(till: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["check", till, "--only", "ORD-9", "--format", "json"]) == Exit.FAILED
    out, err = capsys.readouterr()
    assert json.loads(out)["counts"] == {"passed": 0, "failed": 1, "skipped": 0}
    assert "somebody searches" in err


def test_reports_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [tmp_path / name for name in ("r.html", "r.json", "r.TXT")]
    options = [word for path in paths for word in ("--report", str(path))]
    assert main(argv=["check", SAMPLE, "--only", "CON-1", *options]) == Exit.OK
    texts = [path.read_text(encoding="utf-8") for path in paths]
    assert texts[0].startswith("<!doctype html>")
    assert json.loads(texts[1])["epos"] == "dojo-sample-restaurant"
    for text in texts:
        assert "CON-1" in text
        assert "sk_sandbox_check" not in text
    places = "; the report is in {}, {} and {}\n".format(*paths)
    assert capsys.readouterr().out.endswith(places)


def test_of_one_report_the_one_place_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.txt"
    assert main(argv=["check", SAMPLE, "--only", "CON-1", "--report", str(path)]) == Exit.OK
    assert capsys.readouterr().out.endswith(f"; the report is in {path}\n")


def test_what_a_handler_raised_is_told_wherever_its_failure_is(
    till: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("r.html", "r.json", "r.txt")
    options = [word for name in names for word in ("--report", name)]
    assert main(argv=["check", till, "--only", "ORD-11", *options]) == Exit.FAILED
    reports = [(tmp_path / name).read_text(encoding="utf-8") for name in names]
    for text in (capsys.readouterr().out, *reports):
        assert "GetOrderByIdV1 raised ValueError: there is a bug (checked_till.py:16)" in text


def test_the_checks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["check", "--list"]) == Exit.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("CON-1")
    assert len(lines) == 140


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "either MODULE:NAME or --connect"),
        ([SAMPLE, "--connect"], "either MODULE:NAME or --connect"),
        ([SAMPLE, "--only", "PAY-99"], "no check PAY-99"),
        ([SAMPLE, "--report", "report.pdf"], ".html, .json, .txt"),
        ([SAMPLE, "--till", "dojo_simulator.restaurant:nobody"], "--till"),
        ([SAMPLE, "--till", "nowhere:till"], "--till"),
    ],
)
def test_wrong_arguments(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv=["check", *words]) == Exit.CONFIGURATION
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--port", "65534"], "a port from 1 to 65533"),
        (["--item", "pizza"], "PLU=PRICE"),
        (["--item", "pizza=ten"], "PLU=PRICE"),
    ],
)
def test_arguments_that_cannot_be_read(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(argv=["check", SAMPLE, *words])
    assert complaint in capsys.readouterr().err


def test_an_epos_that_runs_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    settings = Settings(
        api_key="sk_sandbox_c4nary", url=f"ws://127.0.0.1:{port}/epos", backoff_max=1
    )
    words = ["--port", str(port), "--order", "order-2", "--only", "CON-1", "PAY-1", "CAP-2"]
    with Restaurant() as restaurant:
        options = {"journal": "memory:", "state": restaurant}
        with in_background("threads", epos, settings, **options):  # type: ignore[arg-type] # a dict
            assert main(argv=["check", "--connect", *words]) == Exit.OK
    out = capsys.readouterr().out
    assert f"waiting for an EPOS at ws://127.0.0.1:{port}/epos" in out
    assert "2 passed, 0 failed, 1 skipped" in out
    assert "c4nary" not in out


def test_a_program_checks_the_epos_that_it_brings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(epos, ["check", "--only", "ORD-11"]) == Exit.OK
    assert "checking dojo-sample-restaurant, served on asyncio" in capsys.readouterr().out


def test_a_program_without_a_module_name_is_in_the_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(epos, ["check", "--help"])
    assert "`PROGRAM check`" in capsys.readouterr().out


@pytest.mark.parametrize("beyond", [0, 2])
def test_a_port_that_is_taken_is_named(beyond: int, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    with closing(socket.create_server(("127.0.0.1", port + beyond))):
        assert main(argv=["check", "--connect", "--port", str(port)]) == Exit.FAILED
    said = capsys.readouterr().err
    assert str(port + beyond) in said
    assert "stop it, or name with --port the first of three that are free" in said


def test_no_epos_comes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "ARRIVAL", 0.05)
    assert main(argv=["check", "--connect", "--port", str(free_port())]) == Exit.FAILED
    assert "no EPOS has connected within 0.05 s" in capsys.readouterr().err
