"""What the page on the simulator says is so."""

import re
import shlex
from pathlib import Path

import pytest

from dojo_adapters.cli.arguments import make_parser
from dojo_simulator import FaultKind, control_port
from dojo_simulator.faults import Fault
from dojo_simulator.flow_scripts import FLOWS
from dojo_simulator.simulate import DEFAULT_PORT, rest_port

PAGE = (Path(__file__).parents[2] / "docs/simulator.md").read_text("utf-8")
COMMANDS = re.findall(r"^dojo-epos (.+)$", PAGE, re.MULTILINE)


def rows(heading: str) -> list[list[str]]:
    """The table whose first heading this is, without its head."""
    table = PAGE.partition(f"\n| {heading} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_are_understood(command: str) -> None:
    words = shlex.split(command)
    parsed = make_parser("dojo-epos", None, words).parse_args(words)
    assert parsed.command.__name__ == words[0]


def test_its_ports_are_those_that_are_taken() -> None:
    ports = [re.findall(r"\d+", port)[0] for port, *_ in rows("Port")]
    expected = (DEFAULT_PORT, control_port(DEFAULT_PORT), rest_port(DEFAULT_PORT))
    assert ports == [str(port) for port in expected]
    assert f"ws://127.0.0.1:{DEFAULT_PORT}/epos" in PAGE
    assert set(re.findall(r"http://127\.0\.0\.1:(\d+)", PAGE)) == {ports[2]}


def test_every_flow_is_there() -> None:
    named = [name for flow, _ in rows("Flow") for name in re.findall(r"`(\w+)`", flow)]
    assert [name for name in named if name[0].isupper()] == [flow.name for flow in FLOWS]


def test_every_fault_is_there_with_its_usual_value() -> None:
    told = {kind.strip("`"): value for kind, value, _ in rows("Kind")}
    assert list(told) == [str(kind) for kind in FaultKind]
    for kind, value in told.items():
        usual = Fault(kind).value
        assert re.findall(r"\((\d+)\)", value) == ([] if usual is None else [f"{usual:g}"])


def test_its_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    example = PAGE.partition("```python\n")[2].partition("```")[0]
    exec(compile(example, "docs/simulator.md", "exec"), {})  # noqa: S102 - it is the project's own
    names, orders, flow = capsys.readouterr().out.splitlines()
    assert "SearchOrders" in names
    assert orders.endswith("orders to pay")
    assert flow == "PayAtTable SUCCESS"
