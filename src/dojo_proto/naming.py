"""Which method a name means, and rows for the methods that the table does not have."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from dojo_proto.contract import BY_NAME, Kind, Method
from dojo_proto.errors import ConfigurationError
from dojo_proto.handlers import where

EVENT = "HandleEvent:"
"""How the capability of one event type begins; the type follows."""

_VERSION = re.compile(r"V\d+$")
_WIRE = re.compile(r"[A-Z]\w*V\d+")


class Named(msgspec.Struct, frozen=True):
    """What a name means."""

    key: str
    """What a handler is registered under: the wire name, or the capability of one event type."""
    method: Method

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The names to register with Dojo."""
        return (self.key,) if self.key.startswith(EVENT) else self.method.capabilities


def find(method: object, own: Mapping[str, Method]) -> Named:
    """What `method` means: a row, or a name from the table or of `own`.

    Raises ConfigurationError if it is neither.
    """
    if isinstance(method, Method):
        return Named(method.wire, method)
    if not isinstance(method, str):
        came = where(method) if callable(method) else repr(method)
        raise ConfigurationError(f'expected a method, as in @epos.on("GetOrderById"); got {came}')
    if method.startswith(EVENT):
        if not method.removeprefix(EVENT).strip():
            raise ConfigurationError(f'{method!r}: expected "{EVENT}" and an event type')
        return Named(method, BY_NAME["HandleEvent"])
    row = BY_NAME.get(method) or own.get(method)
    if row is None:
        raise ConfigurationError(
            f"unknown method {method!r}{_near(method, own)} (one that Dojo has added since is "
            "registered by its wire name, with capability= and kind=)"
        )
    return Named(row.wire, row)


def new_row(
    wire: object, capability: str, kind: Kind | None, natural_key: tuple[str, ...]
) -> Method:
    """The row of a method that the table does not have. Raises ConfigurationError."""
    if not isinstance(wire, str) or wire in BY_NAME or wire.startswith(EVENT):
        known = wire if isinstance(wire, str) else getattr(wire, "wire", wire)
        raise ConfigurationError(
            f"{known!r} is described by its row: leave capability, kind and natural_key out"
        )
    if not capability or not isinstance(kind, Kind):
        raise ConfigurationError(
            f"{wire!r} is not in the method table{_near(wire, {}) or '.'} If Dojo has added it, "
            'give capability= (the name to register, such as "GetOrderById") and kind= (Kind.READ, '
            f"Kind.CHANGE or Kind.MONEY); got capability={capability!r}, kind={kind!r}"
        )
    key: Any = natural_key
    if not isinstance(key, tuple) or not all(isinstance(name, str) and name for name in key):
        raise ConfigurationError(
            f'{wire}: natural_key: expected names of members, as in ("id",); got {key!r}'
        )
    if kind is Kind.READ and key:
        raise ConfigurationError(f"{wire}: what only reads creates nothing, so it has no key")
    if kind is Kind.MONEY and not key:
        raise ConfigurationError(
            f"{wire}: what books money needs natural_key=, the members of params that name what "
            "is booked: without it a retry under another id would book again"
        )
    return Method(
        name=_VERSION.sub("", wire),
        wire=wire,
        capabilities=(capability,),
        kind=kind,
        natural_key=key,
    )


def check_name(method: str) -> str:
    """Return any name of a method, or what may be the wire name of one that Dojo adds later.

    Raises ConfigurationError for anything else.
    """
    if method not in BY_NAME and not _WIRE.fullmatch(method):
        raise ConfigurationError(
            f"unknown method {method!r}{_near(method, {})} (one that Dojo has added since goes by "
            "its wire name, such as GetOrderByIdV2)"
        )
    return method


def _near(method: str, own: Mapping[str, Method]) -> str:
    # Here, since it takes long to import and only a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(method, [*BY_NAME, *own], n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
