"""What the URLs of the gateway and of a proxy say: hosts, ports, TLS, credentials."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import msgspec

from dojo_proto.errors import ConfigurationError
from dojo_proto.unshown import Unshown

_PORTS = {"ws": 80, "wss": 443, "http": 80, "https": 443}


class Address(Unshown, msgspec.Struct, frozen=True, kw_only=True):
    """Where a socket goes, and what is asked for there."""

    host: str
    port: int
    """1 to 65535."""
    tls: bool
    target: str = "/"
    """Path and query, as in a request line (RFC 9112 section 3.2.1)."""
    userinfo: str = ""
    """`user:password`, decoded; empty if none. Never shown."""

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """All but the password, and what may stand in the query."""
        return [("authority", self.authority), ("tls", self.tls)]

    @property
    def authority(self) -> str:
        """`host:port` as a CONNECT names it (RFC 9110 section 7.2); IPv6 in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine by its name or address alone, without asking DNS."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


@lru_cache(64)  # those of the settings, which are asked for with each dial
def parse_url(field: str, url: str, *schemes: str) -> Address:
    """Split an absolute URL whose scheme is one of `schemes`.

    Raises ConfigurationError that names `field`; the URL is not quoted where it may carry a secret.
    """
    wanted = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(
            f"{field}: expected a URL {wanted}host[:port]/…, and this one's host or port is wrong"
        ) from None
    if parts.scheme not in schemes:
        got = f"{parts.scheme}://" if "://" in url else "no scheme"
        raise ConfigurationError(f"{field}: expected a URL that starts with {wanted}, got {got}")
    # A label has 1 to 63 characters (RFC 1034 section 3.1); TLS chokes on any other.
    host = parts.hostname or ""
    sound = all(1 <= len(label) <= 63 for label in host.removesuffix(".").split("."))
    if not sound or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigurationError(
            f"{field}: expected {wanted}host[:port]/… in ASCII without spaces, and parts of the "
            "host of 1 to 63 characters; write an international host name in its xn-- form"
        )
    if port == 0:
        raise ConfigurationError(f"{field}: expected a port from 1 to 65535, got 0")
    # RFC 6455 section 3 knows neither, and a password here would only be shown and never sent.
    if parts.fragment or (parts.username is not None and parts.scheme in {"ws", "wss"}):
        raise ConfigurationError(f"{field}: a URL here has no user:password@ and no #fragment")
    userinfo = ""
    if parts.username is not None:
        userinfo = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme in {"wss", "https"},
        target=target,
        userinfo=userinfo,
    )


def bypasses_proxy(address: Address, no_proxy: str) -> bool:
    """Whether `no_proxy` (the variable NO_PROXY) or its own nature keeps an address off the proxy.

    Entries are separated by commas: `*`, a host, a domain (with or without a leading dot: it and
    everything below it), each with an optional `:port`. Loopback never goes through a proxy.
    """
    if address.is_loopback:
        return True
    for entry in no_proxy.lower().replace(" ", "").split(","):
        name, colon, port = entry.rpartition(":")
        if not colon or (":" in name and not name.endswith("]")):
            name, port = entry, ""  # no port, or an IPv6 address without brackets
        if port not in {"", str(address.port)}:
            continue
        name = name.strip("[]").removeprefix("*.").lstrip(".")
        if name == "*" or (name and (address.host == name or address.host.endswith(f".{name}"))):
            return True
    return False
