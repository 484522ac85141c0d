"""The transition tables are sound, and the diagrams in docs/design.md show them as they are."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from dojo_proto import call, connection, registrar, supervisor

ROOT = Path(__file__).parents[2]
DESIGN = ROOT / "docs" / "design.md"

Table = Mapping[Any, frozenset[Any]]

TABLES: dict[str, tuple[Table, set[Enum], Enum]] = {
    "supervisor": (
        supervisor.TRANSITIONS,
        {supervisor.State.IDLE},
        supervisor.State.STOPPED,
    ),
    "connection": (
        connection.TRANSITIONS,
        {connection.State.TUNNELLING},
        connection.State.CLOSED,
    ),
    "call": (call.TRANSITIONS, {call.Phase.QUEUED}, call.Phase.DONE),
    "registrar": (registrar.TRANSITIONS, {registrar.Phase.OFF}, registrar.Phase.DONE),
}
"""The table, what it begins with, and what it ends with."""

tables = pytest.mark.parametrize(
    ("table", "initial", "final"), list(TABLES.values()), ids=list(TABLES)
)
in_the_project = pytest.mark.skipif(
    not (ROOT / "src").is_dir(), reason="only the tests are here, without the project around them"
)


def reachable(table: Table, start: set[Enum]) -> set[Enum]:
    seen: set[Enum] = set()
    ahead = set(start)
    while ahead:
        seen |= ahead
        ahead = {target for state in ahead for target in table[state]} - seen
    return seen


# The tables.


@tables
def test_every_state_has_its_row(table: Table, initial: set[Enum], final: Enum) -> None:
    assert list(table) == list(type(final))
    assert initial < table.keys()


@tables
def test_every_way_leads_to_another_state(table: Table, initial: set[Enum], final: Enum) -> None:
    for state, ways in table.items():
        assert ways <= table.keys()
        assert state not in ways
    assert initial.isdisjoint(frozenset().union(*table.values()))
    assert final not in initial


@tables
def test_every_state_is_reachable(table: Table, initial: set[Enum], final: Enum) -> None:
    assert reachable(table, initial) == set(type(final))


@tables
def test_only_the_final_state_has_no_way_out(table: Table, initial: set[Enum], final: Enum) -> None:
    assert [state for state, ways in table.items() if not ways] == [final]
    assert all(final in reachable(table, {state}) for state in reachable(table, initial))


# The diagrams.


@pytest.fixture(scope="module")
def diagrams() -> dict[str, Any]:
    return run_path(str(ROOT / "docs" / "diagrams.py"))


@in_the_project
def test_the_diagrams_are_up_to_date(diagrams: dict[str, Any]) -> None:
    text = DESIGN.read_text(encoding="utf-8")
    assert diagrams["replace"](text) == text, "run: python docs/diagrams.py"


@in_the_project
@pytest.mark.parametrize("name", list(TABLES))
def test_a_diagram_has_every_way_of_its_table(name: str, diagrams: dict[str, Any]) -> None:
    table = TABLES[name][0]
    [shown] = [part for part in diagrams["render"]().split("### ") if f"(`{name}`)" in part]
    ways = {f"{state.name} --> {target.name}" for state in table for target in table[state]}
    ends = {f"{TABLES[name][2].name} --> [*]"}
    lines = {line.strip() for line in shown.splitlines() if "-->" in line}
    assert {line for line in lines if not line.startswith("[*]")} == ways | ends


@in_the_project
@pytest.mark.parametrize("text", ["", "<!-- diagrams:begin -->", "<!-- diagrams:end -->"])
def test_without_its_markers_nothing_is_written(text: str, diagrams: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected the line <!-- diagrams:begin -->"):
        diagrams["replace"](text)


@in_the_project
def test_what_stands_around_the_diagrams_is_left_alone(diagrams: dict[str, Any]) -> None:
    text = "before\n<!-- diagrams:begin -->\nold\n<!-- diagrams:end -->\nafter\n"
    replaced = diagrams["replace"](text)
    assert replaced.startswith("before\n<!-- diagrams:begin -->\n\n### ")
    assert replaced.endswith("```\n\n<!-- diagrams:end -->\nafter\n")
    assert "old" not in replaced
    assert diagrams["replace"](replaced) == replaced
