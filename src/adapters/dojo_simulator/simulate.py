"""What `dojo-epos simulate` runs: the local gateway, told line by line."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from errno import EADDRINUSE
from typing import Any, TypeAlias, assert_never

import msgspec

from dojo_simulator.control import Control, control_port
from dojo_simulator.errors import SimulatorError
from dojo_simulator.events import (
    Answered,
    Called,
    Connected,
    Disconnected,
    Event,
    FaultInjected,
    FlowFinished,
    HandshakeRefused,
    Listening,
    Notified,
    ObserverEvent,
    Registered,
    RestRefused,
    Unanswered,
    Unasked,
)
from dojo_simulator.faults import Fault
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.routing import Route

DEFAULT_PORT = 8765


class TakingTriggers(Event, frozen=True, kw_only=True):
    """Another process can make the gateway send a call."""

    host: str
    port: int


class ServingRest(Event, frozen=True, kw_only=True):
    """An EPOS can register at `url`, its `api_url`; flows can be played there."""

    url: str


class NoRest(Event, frozen=True, kw_only=True):
    """There is no REST side, so an EPOS cannot register, and everything is routed to it."""

    reason: str


_Told: TypeAlias = ObserverEvent | TakingTriggers | ServingRest | NoRest


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    port: int = DEFAULT_PORT
    """Of the gateway; its control has the next one, and the REST side the one after that."""
    route: Route = "registered"
    faults: tuple[Fault, ...] = ()
    seed: int | None = None
    """Of the faults' chances."""
    capabilities: tuple[str, ...] = ()
    """Names that an EPOS may register, besides those that Dojo documents."""


def simulate(
    simulation: Simulation,
    *,
    json_lines: bool = False,
    stop: threading.Event,
    write: Callable[[str], object],
) -> None:
    """Run the local gateway, its control and its REST side until `stop` is set.

    Without Starlette and uvicorn there is no REST side, and everything is routed.

    `write` gets one line, without its end, for each thing that happens: text, or with `json_lines`
    a JSON object with the members `time` and `event`; never two at once. An OSError of it, as when
    nobody reads any more, stops the simulation. With port 0 all take free ports. Raises OSError if
    a port is taken.
    """

    def tell(event: _Told) -> None:
        try:
            write(_json(_timed(event)) if json_lines else text(event))
        except OSError:
            stop.set()

    port = simulation.port
    gateway = LocalGateway(
        port,
        route=simulation.route,
        faults=simulation.faults,
        seed=simulation.seed,
        on_event=tell,
    )
    gateway.registry.known.update(simulation.capabilities)
    with ExitStack() as stack:
        control = stack.enter_context(Control(gateway, control_port(port) if port else 0))
        tell(TakingTriggers(host=control.host, port=control.port))
        try:
            from dojo_simulator.rest import RestApi  # noqa: PLC0415 - of an optional dependency
        except ModuleNotFoundError as error:
            gateway.route = "all"
            tell(NoRest(reason=f"it needs dojo-proto[simulator] ({error.name} is not installed)"))
        else:
            rest = stack.enter_context(RestApi(gateway, rest_port(port) if port else 0))
            tell(ServingRest(url=rest.url))
        stack.enter_context(gateway)
        stop.wait()


@contextmanager
def taken_ports_explained() -> Iterator[None]:
    """Raise SimulatorError, which says what to do, for a port that is taken; OSError otherwise."""
    try:
        yield
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise
        raise SimulatorError(
            f"{error.strerror or error}; another simulate or check may be running: stop it, "
            "or name with --port the first of three that are free"
        ) from error


def rest_port(port: int) -> int:
    """The port of the REST side of a gateway at `port`."""
    return port + 2


def _timed(event: _Told) -> dict[str, Any]:
    return {"time": datetime.now().astimezone(), **msgspec.to_builtins(event)}


def text(event: _Told) -> str:
    """The event as one printable line."""
    line = _line(event)
    return "".join(c if c.isprintable() else "?" for c in line)


def _line(event: _Told) -> str:
    match event:
        case TakingTriggers(host=host, port=port):
            return f"taking triggers at {host}:{port}"
        case ServingRest(url=url):
            return f"serving REST at {url}"
        case NoRest(reason=reason):
            return f"no REST side, and everything is routed: {reason}"
        case Listening(url=url):
            return f"listening at {url}"
        case Connected(connection=number, headers=headers):
            return f"[{number}] connected: {_fields(headers)}"
        case HandshakeRefused(status=status, headers=headers):
            return f"refused with {status}: {_fields(headers)}"
        case Called(connection=number, id=id, method=method, params=params):
            what = "" if params is None else _json(params)
            return f"[{number}] → {method} {id} {what}".rstrip()
        case Answered(connection=number, id=id, method=method, seconds=seconds, error=error):
            what = _json(event.result) if error is None else f"error {_json(error)}"
            return f"[{number}] ← {method} {id} {seconds * 1000:.1f} ms {what}"
        case Unanswered(connection=number, reason=reason):
            return f"[{number}] ✗ {reason}"
        case Unasked(connection=number, message=message):
            return f"[{number}] ← (answers no call) {message}"
        case Disconnected(connection=None, cause=cause, reason=reason):
            return f"gone before it was connected: {cause.value}: {reason}"
        case Disconnected(connection=number, cause=cause, code=code, up_for=up_for, reason=reason):
            return f"[{number}] gone after {up_for:.1f} s: {cause.value} {code} {reason}".rstrip()
        case FaultInjected(connection=number, fault=fault, id=id, method=method):
            where = "the upgrade" if number is None else f"{method} {id}"
            return f"[{number or '-'}] ! {fault}: {where}"
        case Registered(software_house_id=house, capabilities=names):
            return f"{house} has registered {', '.join(names) or 'nothing'}"
        case Notified(software_house_id=house, event_type=event_type, id=id):
            return f"{house} tells of {event_type} {id}"
        case RestRefused(method=method, path=path, status=status, reason=reason):
            return f"{method} {path} refused with {status}: {reason}"
        case FlowFinished(id=id, name=name, status=status, reason=reason):
            return f"flow {name} {id}: {status} {reason}".rstrip()
        case _:
            assert_never(event)


def _fields(headers: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in headers)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
