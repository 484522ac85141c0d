"""The arguments of `simulate` and `trigger`."""

from argparse import ArgumentParser

import pytest

from dojo_simulator import Fault
from dojo_simulator.simulate import DEFAULT_PORT, Simulation
from dojo_simulator.simulate_arguments import (
    add_simulate_arguments,
    add_trigger_arguments,
    simulation,
)


@pytest.fixture
def simulate() -> ArgumentParser:
    parser = ArgumentParser()
    add_simulate_arguments(parser)
    return parser


@pytest.fixture
def trigger() -> ArgumentParser:
    parser = ArgumentParser()
    add_trigger_arguments(parser)
    return parser


def test_without_arguments_only_what_was_registered_is_routed(simulate: ArgumentParser) -> None:
    assert simulation(simulate.parse_args([])) == Simulation(port=DEFAULT_PORT, route="registered")


def test_every_argument_counts(simulate: ArgumentParser) -> None:
    words = "--port 9000 --route all --fault delay=2 --fault duplicate:ListAreas:0.5 --seed 7"
    words += " --capability MakeTea --capability MakeCoffee"
    assert simulation(simulate.parse_args(words.split())) == Simulation(
        port=9000,
        route="all",
        faults=(
            Fault("delay", value=2, times=None),
            Fault("duplicate", "ListAreas", probability=0.5, times=None),
        ),
        seed=7,
        capabilities=("MakeTea", "MakeCoffee"),
    )


def test_a_trigger_is_sent_once_unless_told(trigger: ArgumentParser) -> None:
    parsed = trigger.parse_args(["ListAreas"])
    assert (parsed.method, parsed.params, parsed.id) == ("ListAreas", {}, None)
    assert (parsed.attempts, parsed.fault, parsed.port) == (1, None, DEFAULT_PORT)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--port 65534", "expected a port from 1 to 65533, got '65534'"),
        ("--port x", "expected a port from 1 to 65533, got 'x'"),
        ("--route some", "invalid choice: 'some'"),
        ("--fault explode", "expected one of delay, "),
        ("--fault delay=x", "expected a number, got 'x'"),
        ("--seed x", "invalid int value: 'x'"),
    ],
)
def test_a_wrong_argument_of_simulate_is_named(
    simulate: ArgumentParser, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        simulate.parse_args(words.split())
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--params []", "expected a JSON object, {…}"),
        ("--params {", "that is no JSON"),
        ('--params {"deep":' + "[" * 100_000, "that is no JSON"),
        ('--params {"name":"caf\udce9"}', "that is no JSON: it is not UTF-8"),
        ("--attempts 0", "expected 1 to 100, got '0'"),
        ("--attempts 101", "expected 1 to 100, got '101'"),
        ("--fault close=1", "expected a close code that may be sent, got 1"),
    ],
)
def test_a_wrong_argument_of_trigger_is_named(
    trigger: ArgumentParser, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        trigger.parse_args(["ListAreas", *words.split()])
    assert said in capsys.readouterr().err
