"""What an observer of the local gateway hears of: one frozen Struct for each thing that happens.

`connection` numbers the connections from 1. Unlike the events of an EPOS these carry what was sent
and answered: the simulator's data are made up. The API key is masked all the same.
"""

from typing import Any, TypeAlias

import msgspec

from dojo_proto.events import Cause
from dojo_proto.exchange import Header

_SECRET = {"authorization", "proxy-authorization", "cookie"}
_PREFIXES = ("sk_sandbox_", "sk_prod_")


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=True):
    """The base of all; its name is the member `event` when encoded as JSON."""


class Listening(Event, frozen=True, kw_only=True):
    """An EPOS can connect to `url`."""

    url: str


class HandshakeRefused(Event, frozen=True, kw_only=True):
    """An upgrade was answered with `status`."""

    status: int
    headers: tuple[Header, ...]
    """Of the request, masked."""


class Connected(Event, frozen=True, kw_only=True):
    """An EPOS is connected."""

    connection: int
    target: str
    """Path and query of the upgrade."""
    headers: tuple[Header, ...]
    """Of the upgrade, masked."""


class Called(Event, frozen=True, kw_only=True):
    """A request was sent."""

    connection: int
    id: str
    method: str
    params: Any


class Answered(Event, frozen=True, kw_only=True):
    """The EPOS has answered; `error` is None if it succeeded."""

    connection: int
    id: str
    method: str
    seconds: float
    result: Any
    error: Any


class Unanswered(Event, frozen=True, kw_only=True):
    """A request gets no answer."""

    connection: int
    id: str
    method: str
    reason: str


class Unasked(Event, frozen=True, kw_only=True):
    """The EPOS sent a message that answers no call."""

    connection: int
    message: str


class Disconnected(Event, frozen=True, kw_only=True):
    """A connection is over, or never came to be open."""

    connection: int | None
    """None if it never was open."""
    cause: Cause
    reason: str
    code: int | None
    up_for: float
    """Seconds."""


class FaultInjected(Event, frozen=True, kw_only=True):
    """Something goes wrong on purpose."""

    connection: int | None
    """None for an upgrade."""
    fault: str
    id: str | None
    method: str | None


class Registered(Event, frozen=True, kw_only=True):
    """An EPOS has registered its capabilities: all that is routed to it from now on."""

    software_house_id: str
    capabilities: tuple[str, ...]


class Notified(Event, frozen=True, kw_only=True):
    """An EPOS has told of a change of its own."""

    software_house_id: str
    event_type: str
    id: str


class RestRefused(Event, frozen=True, kw_only=True):
    """A REST call was answered with an error."""

    method: str
    path: str
    status: int
    reason: str


class FlowFinished(Event, frozen=True, kw_only=True):
    """A flow is over."""

    id: str
    name: str
    status: str
    reason: str
    """Why, if it has not succeeded."""


ObserverEvent: TypeAlias = (
    Listening
    | HandshakeRefused
    | Connected
    | Called
    | Answered
    | Unanswered
    | Unasked
    | Disconnected
    | FaultInjected
    | Registered
    | Notified
    | RestRefused
    | FlowFinished
)


def masked(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """The headers with what is secret cut down to how it begins: `Basic sk_sandbox_…`."""
    return tuple((name, _mask(value) if name in _SECRET else value) for name, value in headers)


def masked_key(key: str) -> str:
    """How the key begins, if that is no secret: `sk_sandbox_…`."""
    return next((prefix for prefix in _PREFIXES if key.startswith(prefix)), "") + "…"


def _mask(value: str) -> str:
    scheme, space, key = value.partition(" ")
    if not space:
        scheme, key = "", value  # no scheme: then all of it may be the key
    return f"{scheme}{space}{masked_key(key)}"
