"""docs/reference.md says what the code says of events and settings, and leaves nothing out."""

import re
from pathlib import Path
from runpy import run_path
from typing import Any, get_args

import msgspec
import pytest

from dojo_adapters.environment import settings_from_environment, with_proxy
from dojo_proto import Settings
from dojo_proto.events import Event, ObserverEvent, OutcomeUnknown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference.md").read_text("utf-8")
EVENTS: tuple[type[Event], ...] = get_args(ObserverEvent)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return run_path(str(ROOT / "docs" / "reference.py"))


def rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables in `text`; a | in a cell is written with a backslash."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def members(text: str) -> dict[str, str]:
    """The names in the first cells → what is said of them in the last."""
    return {name: row[-1] for row in rows(text) for name in re.findall(r"`(\w+)`", row[0])}


def section(title: str, level: str = "##") -> str:
    _, found, rest = PAGE.partition(f"\n{level} {title}\n")
    assert found, title
    return re.split(rf"^#{{2,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def test_it_is_up_to_date(script: dict[str, Any]) -> None:
    assert script["render"]() == PAGE, "run: python docs/reference.py"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_each_member_of_an_event_is_explained(event: type[Event]) -> None:
    common = members(PAGE.partition("<!-- events -->")[0])
    found = members(section(f"`{event.__name__}`", "###"))
    assert list(found) == [field.name for field in msgspec.structs.fields(event)]
    assert [name for name, text in found.items() if not (text or common.get(name))] == []


def test_what_is_an_alarm_is_called_one() -> None:
    alarms = {event.__name__ for event in EVENTS if event.alarm}
    overview = PAGE.partition("<!-- events -->")[2].partition("\n### ")[0]
    assert {name for row in rows(overview) for name in re.findall(r"`(\w+)`", row[0])} == {
        event.__name__ for event in EVENTS
    }
    told = {name for row in rows(overview) if row[1] for name in re.findall(r"\[`(\w+)`", row[0])}
    assert told == alarms
    assert all("\n**Alarm.** " in section(f"`{name}`", "###") for name in alarms)


def test_each_setting_is_explained() -> None:
    found = members(section("Settings"))
    assert list(found) == [field.name for field in msgspec.structs.fields(Settings)]
    assert all(found.values())


VALUES = {
    "DOJO_API_KEY": "sk_sandbox_one",
    "DOJO_RESELLER_ID": "reseller-1",
    "DOJO_EPOS_URL": "wss://gateway.example/epos",
    "DOJO_API_URL": "https://api.example",
    "HTTPS_PROXY": "http://proxy.example:3128",
}


def test_the_variables_are_those_that_are_read(script: dict[str, Any], tmp_path: Path) -> None:
    variables: dict[str, tuple[str, ...]] = script["VARIABLES"]
    read = set(re.findall(r"\b(?:DOJO_\w+|HTTPS_PROXY|NO_PROXY)\b", environment()))
    assert {name for names in variables.values() for name in names} == read
    settings = with_proxy(settings_from_environment(VALUES), VALUES)
    for field, (name, *_) in variables.items():
        assert getattr(settings, field) == VALUES[name], field
    assert with_proxy(settings_from_environment(VALUES), VALUES | {"NO_PROXY": "*"}).proxy is None
    (tmp_path / "key").write_text("sk_sandbox_two\n", "utf-8")
    key = settings_from_environment({"DOJO_API_KEY_FILE": str(tmp_path / "key")}).api_key
    assert callable(key)
    assert key() == "sk_sandbox_two"


def environment() -> str:
    return (ROOT / "src/adapters/dojo_adapters/environment.py").read_text("utf-8")


def test_its_example_runs_alone(capsys: pytest.CaptureFixture[str]) -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    names["on_event"](OutcomeUnknown(method="AnyV1", key="Any/1", reason="", age=2.0))
    assert capsys.readouterr().out == "compare with Dojo's list: Any/1, of 2 s ago\n"
