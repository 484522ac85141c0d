"""What the REST side accepts, as strictly as Dojo does, and what it makes of it."""

from collections.abc import Collection, Mapping
from typing import Any, Literal, TypeVar

import msgspec

from dojo_simulator.errors import SimulatorError
from dojo_simulator.registry import Account, Registration

VERSION = "2026-02-27"
"""What the header `version` has to be: the one version of the API that this simulates."""

T = TypeVar("T")


class Refused(SimulatorError):
    """A request that is answered with an error `status`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class _Capability(msgspec.Struct, frozen=True):
    name: str
    version: str


class _Capabilities(msgspec.Struct, frozen=True):
    capabilities: list[_Capability]


_IDS = {
    "OrderUpdated": "orderId",
    "PartyUpdated": "partyId",
    "ReservationUpdated": "reservationId",
}


class _Event(msgspec.Struct, frozen=True, rename="camel"):
    event_type: Literal["OrderUpdated", "PartyUpdated", "ReservationUpdated"]
    event: dict[str, Any]


class FlowRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which flow to play."""

    flow: str
    params: dict[str, Any] = {}


def account_of(headers: Mapping[str, str]) -> Account:
    """Who calls. Raises Refused unless the headers are those that every call needs."""
    account = Account.of(headers)
    if not account.api_key:
        raise Refused(401, "Authorization: expected `Basic` and the API key as it is, not base64")
    if not account.software_house_id:
        raise Refused(400, "software-house-id: the header is missing")
    version = headers.get("version")
    if version != VERSION:
        came = "the header is missing" if version is None else f"got {version!r}"
        raise Refused(400, f"version: expected {VERSION}, {came}")
    return account


def expect_json(headers: Mapping[str, str]) -> None:
    """Refuse a body that does not call itself JSON.

    No web page can have a browser send one that does without asking first (Fetch, section 3.2).
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, f"Content-Type: expected application/json, got {media_type or 'none'!r}")


def capabilities_of(body: bytes, known: Collection[str]) -> dict[str, str]:
    """The list of capabilities, name → version. Raises Refused."""
    listed = decode(_Capabilities, body).capabilities
    names = [each.name for each in listed]
    unknown = sorted({name for name in names if name not in known})
    if unknown:
        raise Refused(400, f"capabilities: no such name: {', '.join(unknown)}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Refused(400, f"capabilities: more than once: {', '.join(twice)}")
    if any(not each.version for each in listed):
        raise Refused(400, "capabilities: a version is empty: expected v1")
    return {each.name: each.version for each in listed}


def event_of(body: bytes) -> tuple[str, str, dict[str, Any]]:
    """The type of an event, the id that it is about, and all of it. Raises Refused."""
    told = decode(_Event, body)
    member = _IDS[told.event_type]
    id = told.event.get(member)
    if not isinstance(id, str) or not id:
        raise Refused(400, f"event: {told.event_type} needs {member}, a text")
    return told.event_type, id, told.event


def decode(kind: type[T], body: bytes) -> T:
    """Decode a body. Raises Refused."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Refused(400, f"the body does not fit: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "the body is no JSON") from None


def integration(registration: Registration) -> dict[str, Any]:
    """What was registered, as it is read back."""
    return {
        "capabilities": registration.capabilities,
        "createdAt": registration.created_at,
    }
