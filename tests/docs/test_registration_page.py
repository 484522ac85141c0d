"""What docs/registration.md shows works as it stands."""

import os
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.played_api import PlayedApi
from tests.docs.test_readme import block

from dojo_adapters.cli.arguments import make_parser
from dojo_proto import Settings
from dojo_proto.notices import MAX_WAITING
from dojo_proto.registrar import LAST_WORDS
from dojo_proto.registration import newer_name
from dojo_proto.rest import API_VERSION
from dojo_simulator import LocalGateway

PAGE = (Path(__file__).parents[2] / "docs" / "registration.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedApi]:
    for name in list(os.environ):
        if name.startswith("DOJO_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with PlayedApi() as api, LocalGateway() as gateway:
        monkeypatch.setenv("DOJO_API_KEY", "sk_sandbox_any")
        monkeypatch.setenv("DOJO_API_URL", api.url)
        monkeypatch.setenv("DOJO_EPOS_URL", gateway.url)
        yield api


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory to work in, with the till of the README in it."""
    (tmp_path / "till.py").write_text(block("python", "epos = Epos("), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("till", None)


def paste(desk: Path, number: int) -> None:
    """Paste the page's program of that number into a file, and run it."""
    path = desk / "pasted.py"
    path.write_text(blocks("python")[number], "utf-8")
    runpy.run_path(str(path), run_name="__main__")


def test_a_program_registers(
    api: PlayedApi, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paste(desk, 0)
    methods = ["GetOrderById", "RecordOrderPaymentById"]
    assert capsys.readouterr().out == f"registered: {', '.join(methods)}\n"
    assert sorted(each["name"] for each in api.registered) == methods


def test_a_service_registers_and_tells_of_changes(api: PlayedApi, desk: Path) -> None:
    paste(desk, 1)
    events = [asked.json for asked in api.asked if asked.line.startswith("POST")]
    assert [event["eventType"] for event in events] == [
        "OrderUpdated",
        "PartyUpdated",
        "ReservationUpdated",
    ]


def commands() -> list[list[str]]:
    text = "".join(blocks("console")).replace("\\\n", "")
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in text.splitlines()]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_the_commands_can_be_read(command: list[str]) -> None:
    program, *argv = command
    assert program == "dojo-epos"
    assert callable(make_parser(program, None, argv).parse_args(argv).command)


def test_there_are_commands() -> None:
    assert {command[1] for command in commands()} == {"register", "capabilities", "simulate", "run"}


def test_the_numbers_are_those_of_the_code() -> None:
    defaults = Settings(api_key="sk_sandbox_any")
    assert f"The header `version` is `{API_VERSION}`" in PAGE
    assert f"`api_timeout`, {defaults.api_timeout:g} s" in PAGE
    assert (LAST_WORDS, "two seconds" in PAGE) == (2.0, True)
    assert (MAX_WAITING, "A thousand may wait" in PAGE) == (1000, True)


def test_the_older_names_are_those_of_the_method_table() -> None:
    named = re.search(r"older ones \((.*?)\)", PAGE, re.DOTALL)
    assert named is not None
    old = re.findall(r"`(\w+)`", named[1])
    assert len(old) == 4
    assert all(newer_name(name) != name for name in old)
