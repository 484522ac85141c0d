#!/usr/bin/env python3
"""Draws the state diagrams of docs/design.md from the transition tables in the code.

Run `python docs/diagrams.py` after a table has changed; a test tells when that was forgotten.
"""

from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from dojo_proto import call, connection, registrar, supervisor

DESIGN = Path(__file__).with_name("design.md")
BEGIN, END = "<!-- diagrams:begin -->", "<!-- diagrams:end -->"

Table = Mapping[Any, frozenset[Any]]
"""A state, a member of an Enum → where it may go from there."""

MACHINES: dict[str, tuple[Table, tuple[Enum, ...]]] = {
    "A service (`supervisor`)": (supervisor.TRANSITIONS, (supervisor.State.IDLE,)),
    # Without a proxy there is nothing to tunnel through.
    "One connection (`connection`)": (
        connection.TRANSITIONS,
        (connection.State.TUNNELLING, connection.State.OPENING),
    ),
    "One request (`call`)": (call.TRANSITIONS, (call.Phase.QUEUED,)),
    "The registration (`registrar`)": (registrar.TRANSITIONS, (registrar.Phase.OFF,)),
}
"""Title → the transition table, and the states that a machine may begin in."""


def diagram(table: Table, initial: tuple[Enum, ...]) -> Iterator[str]:
    """The lines of a Mermaid stateDiagram-v2, in the order in which the states are defined."""
    yield "stateDiagram-v2"
    for state in initial:
        yield f"    [*] --> {state.name}"
    order = list(table)
    for state, ways in table.items():
        for target in sorted(ways, key=order.index):
            yield f"    {state.name} --> {target.name}"
        if not ways:
            yield f"    {state.name} --> [*]"


def render() -> str:
    """All diagrams, as they stand between the two markers."""
    parts = [
        "\n".join((f"### {title}", "", "```mermaid", *diagram(table, initial), "```"))
        for title, (table, initial) in MACHINES.items()
    ]
    return "\n\n".join(parts)


def replace(text: str) -> str:
    """`text` with the diagrams between its markers. Raises ValueError unless both are there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the line {BEGIN} and behind it {END} in {DESIGN.name}")
    return f"{before}{BEGIN}\n\n{render()}\n\n{END}{after}"


if __name__ == "__main__":
    DESIGN.write_text(replace(DESIGN.read_text(encoding="utf-8")), encoding="utf-8")
