"""The arguments of `dojo-epos simulate` and `trigger`, and what they mean."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

import msgspec

from dojo_simulator.errors import SimulatorError
from dojo_simulator.faults import Fault, FaultKind, parse_fault
from dojo_simulator.simulate import DEFAULT_PORT, Simulation

_KINDS = ", ".join(FaultKind)


def add_simulate_arguments(parser: ArgumentParser) -> None:
    """What `simulate` takes, but for the form of its output."""
    _add_port(parser)
    parser.add_argument(
        "--route",
        choices=("registered", "all"),
        default="registered",
        help="what is sent to an EPOS: what it has registered (the default), or everything",
    )
    parser.add_argument(
        "--fault",
        dest="faults",
        metavar="KIND[=VALUE][:METHOD[:PROBABILITY]]",
        type=_parse_fault,
        action="append",
        default=[],
        help=f"what goes wrong, each time or by chance; may be repeated. KIND is one of {_KINDS}",
    )
    parser.add_argument(
        "--seed", metavar="N", type=int, help="of the chances, so that they come out the same again"
    )
    parser.add_argument(
        "--capability",
        dest="capabilities",
        metavar="NAME",
        action="append",
        default=[],
        help="one more name that an EPOS may register; may be repeated",
    )


def simulation(arguments: Namespace) -> Simulation:
    """What to run."""
    return Simulation(
        port=arguments.port,
        route=arguments.route,
        faults=tuple(arguments.faults),
        seed=arguments.seed,
        capabilities=tuple(arguments.capabilities),
    )


def add_trigger_arguments(parser: ArgumentParser) -> None:
    """What `trigger` takes."""
    parser.add_argument("method", metavar="METHOD")
    parser.add_argument(
        "--params", metavar="JSON", type=_parse_params, default={}, help="an object (default: {})"
    )
    parser.add_argument(
        "--id", metavar="ID", help="of the request, so that it can be sent again (default: new)"
    )
    parser.add_argument(
        "--attempts",
        metavar="N",
        type=_parse_attempts,
        default=1,
        help="how often it is sent in all while no answer comes (default: 1)",
    )
    parser.add_argument(
        "--fault",
        metavar="KIND[=VALUE]",
        type=_check_fault,
        help=f"what goes wrong with the first attempt; KIND is one of {_KINDS}",
    )
    _add_port(parser)


def _add_port(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_parse_port,
        default=DEFAULT_PORT,
        help=f"of the local gateway (default: {DEFAULT_PORT})",
    )


def _parse_port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65533:
        raise ArgumentTypeError(f"expected a port from 1 to 65533, got {text!r}")
    return int(text)


def _parse_attempts(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise ArgumentTypeError(f"expected 1 to 100, got {text!r}")
    return int(text)


def _parse_params(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.ValidationError:
        raise ArgumentTypeError("expected a JSON object, {…}") from None
    except UnicodeEncodeError:  # such as an argument from a terminal that speaks Latin-1
        raise ArgumentTypeError("that is no JSON: it is not UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ArgumentTypeError(f"that is no JSON: {error}") from None


def _parse_fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except SimulatorError as error:
        raise ArgumentTypeError(str(error)) from None


def _check_fault(text: str) -> str:
    _parse_fault(text)
    return text
