"""The gateway's side, for tests, demonstrations and a developer's desk."""

from dojo_simulator.connection import EposConnection, PendingCall, Reply
from dojo_simulator.control import Control, control_port, trigger
from dojo_simulator.errors import CallTimedOut, ConnectionEnded, SimulatorError, WaitTimedOut
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.proxy import ConnectProxy

__all__ = [
    "CallTimedOut",
    "ConnectProxy",
    "ConnectionEnded",
    "Control",
    "EposConnection",
    "LocalGateway",
    "PendingCall",
    "Reply",
    "SimulatorError",
    "WaitTimedOut",
    "control_port",
    "trigger",
]
