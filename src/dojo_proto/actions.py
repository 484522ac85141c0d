"""What the client wants the transport to be doing."""

from typing import TypeAlias

import msgspec

from dojo_proto.errors import DojoError


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """Open a TCP connection to `host` and `port` by `deadline`; report it under `number`."""

    number: int
    host: str
    port: int
    deadline: float
    """When the whole connection has to be open, upgrade included: seconds of the caller's clock,
    the one of `now`."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One connection: the identity that everything said of it carries."""

    number: int
    server_hostname: str | None
    """The name to verify where the connection speaks TLS; None for a plain one."""


class Carry(msgspec.Struct, frozen=True, kw_only=True):
    """Carry the bytes of `link` both ways. When this is no longer asked for, close the socket."""

    link: Link


class Wait(msgspec.Struct, frozen=True):
    """Have no connection; go on with work and timers."""


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Have no connection and end; raise `error` if there is one."""

    error: DojoError | None


Action: TypeAlias = Dial | Carry | Wait | Stop
