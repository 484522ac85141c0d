"""The gateway's side, for tests, demonstrations and a developer's desk."""

from dojo_simulator.connection import EposConnection, PendingCall, Reply
from dojo_simulator.control import Control, control_port, trigger
from dojo_simulator.errors import (
    CallTimedOut,
    ConnectionEnded,
    NoRoute,
    SimulatorError,
    WaitTimedOut,
)
from dojo_simulator.faults import Fault, FaultKind
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.proxy import ConnectProxy
from dojo_simulator.registry import (
    Account,
    Capability,
    ReceivedCall,
    ReceivedEvent,
    Registration,
    Registry,
)
from dojo_simulator.retrying import ONCE, RetryPolicy

__all__ = [
    "ONCE",
    "Account",
    "CallTimedOut",
    "Capability",
    "ConnectProxy",
    "ConnectionEnded",
    "Control",
    "EposConnection",
    "Fault",
    "FaultKind",
    "LocalGateway",
    "NoRoute",
    "PendingCall",
    "ReceivedCall",
    "ReceivedEvent",
    "Registration",
    "Registry",
    "Reply",
    "RetryPolicy",
    "SimulatorError",
    "WaitTimedOut",
    "control_port",
    "trigger",
]
