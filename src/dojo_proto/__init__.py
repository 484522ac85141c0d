"""Serve Dojo's EPOS Data API from any till: the protocol, without any I/O.

Pure state machines: no socket, clock, random source or thread. `dojo_adapters` wires them to
asyncio, trio, anyio or threads.
"""

from dojo_proto.actions import Carry, Dial, Link, Stop, Wait
from dojo_proto.client import Client
from dojo_proto.context import Context
from dojo_proto.contract import Kind, Method, RequestHeaders
from dojo_proto.epos import Epos
from dojo_proto.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    Conflict,
    DojoError,
    DomainError,
    InvalidRequest,
    JournalInUse,
    LocalProtocolError,
    NotFound,
    UnexpectedError,
)
from dojo_proto.journal import JournalStore
from dojo_proto.memory import MemoryJournal
from dojo_proto.registration import Notice, OrderUpdated, PartyUpdated, ReservationUpdated
from dojo_proto.settings import Settings
from dojo_proto.settling import Unresolved
from dojo_proto.status import Status
from dojo_proto.version import __version__

__all__ = [
    "ApiError",
    "AuthenticationError",
    "Carry",
    "Client",
    "ConfigurationError",
    "Conflict",
    "Context",
    "Dial",
    "DojoError",
    "DomainError",
    "Epos",
    "InvalidRequest",
    "JournalInUse",
    "JournalStore",
    "Kind",
    "Link",
    "LocalProtocolError",
    "MemoryJournal",
    "Method",
    "NotFound",
    "Notice",
    "OrderUpdated",
    "PartyUpdated",
    "RequestHeaders",
    "ReservationUpdated",
    "Settings",
    "Status",
    "Stop",
    "UnexpectedError",
    "Unresolved",
    "Wait",
    "__version__",
]
