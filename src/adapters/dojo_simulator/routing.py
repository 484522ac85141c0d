"""Which capability a call needs, and under which names an EPOS may have registered it."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from dojo_proto.contract import BY_NAME, METHODS, encode

Route: TypeAlias = Literal["registered", "all"]
"""What is sent to an EPOS: what it has registered, or everything."""

_EVENT = "HandleEvent"

CAPABILITIES = frozenset(
    name for method in METHODS for name in (*method.capabilities, *method.aliases)
)
"""Every name that Dojo documents, the older ones among them."""


def wire_name(method: str) -> str:
    """The JSON-RPC method of any name of a method; a name that nobody knows stays as it is."""
    row = BY_NAME.get(method)
    return method if row is None else row.wire


def capability_of(method: str, params: Mapping[str, Any]) -> str:
    """The capability under which `method`, any name of it, is registered.

    HandleEvent has one for each type of event, which `params` names.
    """
    row = BY_NAME.get(method)
    name = method.rstrip("0123456789").removesuffix("V") if row is None else row.name
    return f"{name}:{params.get('event', '')}" if name == _EVENT else name


def wire_params(params: object) -> dict[str, Any]:
    """The params as they are on the wire, with the `headers` that the gateway always sends."""
    plain = msgspec.json.decode(encode({} if params is None else params))
    return {**plain, "headers": plain.get("headers", {})}
