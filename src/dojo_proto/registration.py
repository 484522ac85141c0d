"""What is said to Dojo over REST, and what is understood of the answers (vendor: EPOS, REST).

Requests and answers are data here; `registrar` decides when what is sent, `rest` makes bytes of it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from dojo_proto.contract import METHODS
from dojo_proto.notices import Notice, OrderUpdated, PartyUpdated, ReservationUpdated
from dojo_proto.rest import Answer, Failure, RestRequest

__all__ = [
    "LIST",
    "READ",
    "Capability",
    "Comparison",
    "Notice",
    "OrderUpdated",
    "PartyUpdated",
    "ReservationUpdated",
    "compare",
    "newer_name",
    "notify",
    "read_list",
    "read_registered",
    "write",
]

VERSION = "v1"
"""Of every capability (vendor)."""

READ = RestRequest(method="GET", path="/epos/integrations/ws")
"""What is registered for the WebSocket?"""
LIST = RestRequest(method="GET", path="/epos/integrations")
"""What is registered at all?"""


class Capability(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One method that Dojo routes to the EPOS."""

    name: str
    version: str = ""
    updated_at: str | None = None
    """When it was registered, as Dojo wrote it; it may be missing."""


class _Integration(msgspec.Struct, frozen=True, kw_only=True):
    capabilities: tuple[Capability, ...] = ()


class _Integrations(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    ws_integrations: tuple[_Integration, ...] | None = None
    rest_integrations: Any = None

    def __post_init__(self) -> None:
        """Tell a list with nothing in it from an object that is something else."""
        if self.ws_integrations is None and self.rest_integrations is None:
            raise ValueError("Object without `wsIntegrations`")


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What the EPOS serves against what Dojo has registered; each in the newer names, sorted."""

    both: tuple[str, ...]
    missing: tuple[str, ...]
    """Served, and not registered: Dojo routes none of it."""
    surplus: tuple[str, ...]
    """Registered, and not served: Dojo asks for it and gets an error."""
    versions_differ: bool
    """Something is registered with another version than this software serves."""

    @property
    def is_same(self) -> bool:
        """Whether there is nothing to register."""
        return not (self.missing or self.surplus or self.versions_differ)


_NEWER_NAMES = {alias: method.capabilities[0] for method in METHODS for alias in method.aliases}


def newer_name(name: str) -> str:
    """The name of a capability that is registered today for what once had another one (vendor)."""
    return _NEWER_NAMES.get(name, name)


def write(capabilities: Iterable[str]) -> RestRequest:
    """Register `capabilities`, and nothing else: Dojo routes none that is left out (vendor)."""
    listed = [{"name": name, "version": VERSION} for name in capabilities]
    body = msgspec.json.encode({"capabilities": listed})
    return RestRequest(method="PUT", path=READ.path, body=body)


def notify(notice: Notice) -> RestRequest:
    """Tell Dojo of a change."""
    event = {"eventType": type(notice).__name__, "event": {notice.member: notice.id}}
    return RestRequest(method="POST", path="/epos/events", body=msgspec.json.encode(event))


def read_registered(answer: Answer) -> tuple[Capability, ...] | Failure:
    """What an answer to READ says."""
    found = _decode(answer, tuple[_Integration, ...])
    return found if isinstance(found, Failure) else _join(found)


def read_list(answer: Answer) -> tuple[Capability, ...] | Failure:
    """What an answer to LIST says of the WebSocket."""
    found = _decode(answer, _Integrations)
    return found if isinstance(found, Failure) else _join(found.ws_integrations or ())


def compare(served: Iterable[str], registered: Iterable[Capability]) -> Comparison:
    """Compare what an EPOS serves, by its newer names, with what Dojo has registered."""
    ours, theirs = set(served), {newer_name(each.name): each.version for each in registered}
    return Comparison(
        both=tuple(sorted(ours & theirs.keys())),
        missing=tuple(sorted(ours - theirs.keys())),
        surplus=tuple(sorted(theirs.keys() - ours)),
        versions_differ=any(version not in {VERSION, ""} for version in theirs.values()),
    )


def _join(integrations: tuple[_Integration, ...]) -> tuple[Capability, ...]:
    return tuple(each for one in integrations for each in one.capabilities)


def _decode(answer: Answer, kind: Any) -> Any:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Failure(
            reason=f"{answer.url} answered with something else than a list of capabilities "
            f"({error}). Is api_url the one of Dojo's API?",
            passing=False,
        )
