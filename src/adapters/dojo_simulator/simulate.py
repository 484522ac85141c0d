"""What `dojo-epos simulate` runs: the local gateway, told line by line."""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, assert_never

import msgspec

from dojo_simulator.control import Control, control_port
from dojo_simulator.events import (
    Answered,
    Called,
    Connected,
    Disconnected,
    Event,
    HandshakeRefused,
    Listening,
    ObserverEvent,
    Unanswered,
    Unasked,
)
from dojo_simulator.gateway import LocalGateway

DEFAULT_PORT = 8765


class TakingTriggers(Event, frozen=True, kw_only=True):
    """Another process can make the gateway send a call."""

    host: str
    port: int


def simulate(
    *,
    port: int = DEFAULT_PORT,
    json_lines: bool = False,
    stop: threading.Event,
    write: Callable[[str], object],
) -> None:
    """Run the local gateway and its control until `stop` is set.

    `write` gets one line, without its end, for each thing that happens: text, or with `json_lines`
    a JSON object with the members `time` and `event`; never two at once. An OSError of it, as when
    nobody reads any more, stops the simulation. With `port` 0 both take free ports. Raises OSError
    if a port is taken.
    """

    def tell(event: ObserverEvent | TakingTriggers) -> None:
        try:
            write(_json(_timed(event)) if json_lines else text(event))
        except OSError:
            stop.set()

    gateway = LocalGateway(port, on_event=tell)
    with Control(gateway, control_port(port) if port else 0) as control:
        tell(TakingTriggers(host=control.host, port=control.port))
        with gateway:
            stop.wait()


def _timed(event: ObserverEvent | TakingTriggers) -> dict[str, Any]:
    return {"time": datetime.now().astimezone(), **msgspec.to_builtins(event)}


def text(event: ObserverEvent | TakingTriggers) -> str:
    """The event as one printable line."""
    line = _line(event)
    return "".join(c if c.isprintable() else "?" for c in line)


def _line(event: ObserverEvent | TakingTriggers) -> str:
    match event:
        case TakingTriggers(host=host, port=port):
            return f"taking triggers at {host}:{port}"
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
        case _:
            assert_never(event)


def _fields(headers: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in headers)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
