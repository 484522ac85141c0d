"""How another process makes a running gateway send a call: one line of JSON each way.

The control listens on loopback, one port above the gateway. A request is
`{"method": …, "params": …}`, with `timeout`, `attempts`, `request_id` and `fault` if they are to be
others than usual; its answer is what became of the call. A first line that
is nothing of the kind closes the connection unanswered, so that no web page can make a browser
trigger anything.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from dojo_simulator.connection import Reply
from dojo_simulator.daemons import in_daemon
from dojo_simulator.errors import SimulatorError, WaitTimedOut
from dojo_simulator.faults import parse_fault
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.listener import Listener, streams
from dojo_simulator.loop import Looped, LoopThread
from dojo_simulator.retrying import RECONNECT, RetryPolicy

_MAX_LINE = 16 << 20
_GRACE = 5.0
"""Seconds beyond a call's own time-out for the simulator to say so."""


class _Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    method: str
    params: dict[str, Any]
    timeout: float = 30.0
    attempts: int = 1
    request_id: str | None = None
    fault: str | None = None


class _Triggered(msgspec.Struct, frozen=True, tag=True):
    reply: Reply


class _Failed(msgspec.Struct, frozen=True, tag=True):
    reason: str


_decode_trigger = msgspec.json.Decoder(_Trigger).decode
_decode_outcome: Callable[[bytes], _Triggered | _Failed] = msgspec.json.Decoder(
    _Triggered | _Failed
).decode
_encode = msgspec.json.Encoder().encode


def control_port(port: int) -> int:
    """The port of the control of a gateway at `port`."""
    return port + 1


class Control(Looped):
    """Sends what it is asked to through `gateway`, to the newest EPOS. A context manager.

    It may be entered before the gateway is. `port` 0 takes a free one. Raises OSError if it cannot
    listen.
    """

    def __init__(self, gateway: LocalGateway, port: int, *, host: str = "127.0.0.1") -> None:
        self.host = host
        self.port = port
        """Once it has started, never 0."""
        self._gateway = gateway
        super().__init__(LoopThread("the control"))
        self._listener: Listener | None = None

    def _leave(self) -> None:
        if self._listener is not None:
            self._loop.call(self._listener.close)

    async def _listen(self) -> None:
        self._listener = Listener(streams(self._serve, _MAX_LINE), self.host, self.port)
        self.port = self._listener.port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            trigger = _decode_trigger(await reader.readline())
            writer.write(_encode(await self._call(trigger)) + b"\n")
        except (ValueError, RecursionError, OSError):
            pass  # no request of ours (too long or deep, no JSON, other members), or nobody listens
        finally:
            writer.close()

    async def _call(self, trigger: _Trigger) -> _Triggered | _Failed:
        def call() -> Reply:
            fault = None if trigger.fault is None else parse_fault(trigger.fault)
            if self._gateway.connections:
                # One that was here comes back after its pause; `call` says if it has not.
                with suppress(WaitTimedOut):
                    self._gateway.wait_for_epos(RECONNECT)
            return self._gateway.call(
                trigger.method,
                trigger.params,
                request_id=trigger.request_id,
                timeout=trigger.timeout,
                retry=RetryPolicy(attempts=trigger.attempts),
                fault=fault,
            )

        try:
            return _Triggered(await asyncio.wrap_future(in_daemon("a trigger", call)))
        except SimulatorError as error:
            return _Failed(str(error))


def trigger(
    host: str,
    port: int,
    method: str,
    params: dict[str, Any],
    timeout: float = 10.0,
    *,
    attempts: int = 1,
    request_id: str | None = None,
    fault: str | None = None,
) -> Reply:
    """Make the simulator whose control is at `host` and `port` call `method` and return the answer.

    It calls as `LocalGateway.call` does, up to `attempts` times, and `fault`, as `parse_fault`
    reads it, goes wrong with the first. An EPOS that has been connected is waited for, some
    seconds, if it is not just now. Raises SimulatorError if there is no simulator or no EPOS, and
    if the EPOS did not answer within `timeout` seconds any time.
    """
    request = _Trigger(
        method=method,
        params=params,
        timeout=timeout,
        attempts=attempts,
        request_id=request_id,
        fault=fault,
    )
    patience = attempts * (timeout + RECONNECT) + _GRACE
    try:
        with socket.create_connection((host, port), timeout=patience) as stream:
            stream.sendall(_encode(request) + b"\n")
            line = stream.makefile("rb").readline()
    except OSError as error:
        raise SimulatorError(
            f"no simulator answers at {host}:{port}: {error.strerror or error}; "
            "`dojo-epos simulate` starts one, and its --port has to be named here too"
        ) from None
    try:
        outcome = _decode_outcome(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SimulatorError(f"what answers at {host}:{port} is no simulator") from None
    if isinstance(outcome, _Failed):
        raise SimulatorError(outcome.reason)
    return outcome.reply
