"""Serve Dojo's EPOS Data API from any till: the protocol, without any I/O.

Pure state machines: no socket, clock, random source or thread. `dojo_adapters` wires them to
asyncio, trio, anyio or threads.
"""

from typing import TYPE_CHECKING

from dojo_proto.version import __version__

if TYPE_CHECKING:
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
    from dojo_proto.journal import JournalError, JournalStore
    from dojo_proto.memory import MemoryJournal
    from dojo_proto.registration import Notice, OrderUpdated, PartyUpdated, ReservationUpdated
    from dojo_proto.settings import Settings
    from dojo_proto.settling import Unresolved
    from dojo_proto.status import Status

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
    "JournalError",
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

if not TYPE_CHECKING:  # else a checker would believe in every name

    def __getattr__(name: str) -> object:
        """Import all of `__all__` when the first of it is used: `--help` and `--version` do not."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from dojo_proto import (  # noqa: PLC0415 - as said above
            actions,
            client,
            context,
            contract,
            epos,
            errors,
            journal,
            memory,
            registration,
            settings,
            settling,
            status,
        )

        homes = (
            *(actions, client, context, contract, epos, errors),
            *(journal, memory, registration, settings, settling, status),
        )
        for home in homes:
            globals().update({each: vars(home)[each] for each in __all__ if each in vars(home)})
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
