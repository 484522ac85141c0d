"""The settings of a service: pure data, checked when built."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from dojo_proto.address import Address, parse_url
from dojo_proto.errors import ConfigurationError
from dojo_proto.exchange import check_header_value
from dojo_proto.unshown import Unshown

GATEWAY_URL = "wss://eu.ws.dojo.tech/epos"
"""The vendor's one endpoint; the prefix of the key decides between sandbox and production."""
API_URL = "https://api.dojo.tech"

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

Environment = Literal["sandbox", "production", "unknown"]

# Field → (lowest, highest) that makes sense; both are allowed.
_SECONDS: dict[str, tuple[float, float]] = {
    "open_timeout": (0.001, 300),
    "close_timeout": (0.001, 60),
    "ping_interval": (0.001, 30),
    "pong_timeout": (0.001, 60),
    "backoff_initial": (0.001, 300),
    "backoff_max": (0.001, 300),
    "stable_after": (0, 3600),
    "queue_timeout": (0.001, 60),
    "read_timeout": (0.001, 300),
    "slow_after": (0.001, 3600),
    "drain_timeout": (0, 3600),
    "api_timeout": (0.001, 300),
}
_COUNTS: dict[str, tuple[int, int]] = {
    "max_in_flight": (1, 100_000),
    "max_queued": (0, 1_000_000),
    "workers": (1, 10_000),
    "max_message_size": (1024, 1 << 30),
    "max_header_size": (1024, 1 << 20),
    "max_json_depth": (4, 512),
    "max_outbound": (1024, 1 << 31),
}
_FLAGS = ("echo_method", "compression", "allow_plaintext")


class Settings(Unshown, msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment may choose. Frozen; a wrong value raises ConfigurationError when built.

    The error names the field, what it got and what it takes, and never shows a key. `repr` shows no
    secret either.
    """

    api_key: str | Callable[[], str]
    """The key from Dojo's developer portal, `sk_sandbox_…` or `sk_prod_…` (vendor); or a callable
    that is asked before each dial, in a thread of its own, so that keys can rotate."""
    reseller_id: str | None = None
    """Dojo's id of the reseller; the header `reseller-id` is sent only if it is set (vendor)."""
    url: str = GATEWAY_URL
    """`wss://…` or `ws://…` of the gateway, without credentials (vendor; RFC 6455 section 3)."""
    api_url: str = API_URL
    """`https://…` or `http://…` of the REST API, without credentials and query (vendor)."""
    instance: str = ""
    """Tells apart several logical EPOS instances that share one journal (this library)."""
    proxy: str | None = None
    """`http://[user:password@]host:port` of a proxy (RFC 9110 section 9.3.6); "" for none. None
    (the default) leaves the choice to HTTPS_PROXY and NO_PROXY, which the adapters read."""
    open_timeout: float = 10.0
    """Seconds for DNS, TCP, proxy, TLS and upgrade together. 0.001 to 300 (this library)."""
    close_timeout: float = 5.0
    """Seconds for the answer to a Close frame. 0.001 to 60 (this library)."""
    ping_interval: float = 20.0
    """Seconds without a frame sent, or without a byte received, after which a ping leaves. 0.001 to
    30 (vendor: one at least every 30 s when idle)."""
    pong_timeout: float = 10.0
    """Seconds from a ping's leaving until any byte must have come in. 0.001 to 60 (this library;
    the vendor answers "within a few seconds")."""
    backoff_initial: float = 1.0
    """Seconds before the first retry; they double with each further one. 0.001 to 300 (vendor:
    "1s, 2s, 4s")."""
    backoff_max: float = 30.0
    """Seconds between retries at the most. 0.001 to 300, at least `backoff_initial` (vendor:
    "capped at ~30s")."""
    jitter: float = 0.5
    """The share of each delay that is left to chance. 0 to 1; 0 for none (this library)."""
    stable_after: float = 30.0
    """Seconds a connection has to be open before the delays start from the beginning again. 0 to
    3600 (this library)."""
    auth_retry: Literal["after-success", "always", "never"] = "after-success"
    """Whether to dial again after 401 or 403: only if this process was connected before, always,
    or never (this library)."""
    max_in_flight: int = 64
    """Requests that run at once. 1 to 100000 (this library)."""
    max_queued: int = 256
    """Requests that wait for a place; more are turned away before they start. 0 to 1000000 (this
    library)."""
    queue_timeout: float = 5.0
    """Seconds a request may wait for a place. 0.001 to 60 (this library)."""
    workers: int = 8
    """Threads: `def` handlers that run at once; reads get at most three quarters. 1 to 10000 (this
    library)."""
    read_timeout: float = 10.0
    """Seconds after which a read is answered with UnexpectedError. 0.001 to 300 (this library)."""
    slow_after: float = 10.0
    """Seconds after which a running state-changing handler raises an alarm. 0.001 to 3600 (this
    library)."""
    drain_timeout: float = 8.0
    """Seconds that running handlers get when the service stops. 0 to 3600 (this library; the
    default fits inside the 10 s that containers get)."""
    api_timeout: float = 10.0
    """Seconds for one call of the REST API, from DNS to the end of its answer. 0.001 to 300 (this
    library)."""
    max_message_size: int = 1 << 20
    """Bytes of one message from the gateway; a larger one ends the connection with 1009 (RFC 6455
    section 7.4.1). 1024 to 1073741824 (this library)."""
    max_header_size: int = 16 << 10
    """Bytes of the head of an HTTP answer. 1024 to 1048576 (this library)."""
    max_json_depth: int = 64
    """Levels of arrays and objects inside one another in a message from the gateway. 4 to 512 (this
    library)."""
    max_outbound: int = 8 << 20
    """Bytes of answers that may wait for a gateway that does not read; then the connection ends.
    1024 to 2147483648 (this library)."""
    echo_method: bool = False
    """Add the member `method` to answers: the vendor's schema asks for it, JSON-RPC has none."""
    compression: bool = False
    """Offer permessage-deflate (RFC 7692)."""
    allow_plaintext: bool = False
    """Allow `ws://` and `http://` to a host that is not this machine: the key then travels
    unencrypted (this library)."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL; of the logger `dojo_adapters` (this library)."""

    def __post_init__(self) -> None:
        """Check every field."""
        if not callable(self.api_key):
            check_api_key(self.api_key)
        if self.reseller_id is not None:
            check_header_value("reseller_id", _expect_text("reseller_id", self.reseller_id))
        _expect_text("instance", self.instance, may_be_empty=True)
        self._check_url("url", self.url, "wss", "ws")
        self._check_url("api_url", self.api_url, "https", "http")
        if "?" in self.api_url:
            raise ConfigurationError("api_url: a URL here has no ?query, since a path is added")
        if self.proxy is not None and _expect_text(
            "proxy", self.proxy, may_be_empty=True, secret=True
        ):
            parse_url("proxy", self.proxy, "http")
        for name, seconds in _SECONDS.items():
            _expect_number(name, getattr(self, name), *seconds, unit="seconds")
        _expect_number("jitter", self.jitter, 0, 1, unit="a share")
        for name, count in _COUNTS.items():
            _expect_count(name, getattr(self, name), *count)
        for name in _FLAGS:
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ConfigurationError(f"{name}: expected True or False, got {value!r}")
        if self.backoff_max < self.backoff_initial:
            raise ConfigurationError(
                f"backoff_max: expected at least backoff_initial ({self.backoff_initial:g}), "
                f"got {self.backoff_max:g}"
            )
        _expect_one_of("auth_retry", self.auth_retry, ("after-success", "always", "never"))
        _expect_one_of("log_level", self.log_level, LOG_LEVELS)

    def _check_url(self, field: str, url: str, encrypted: str, plain: str) -> None:
        address = parse_url(field, _expect_text(field, url, secret=True), encrypted, plain)
        if address.userinfo:
            raise ConfigurationError(f"{field}: a URL here has no user:password@")
        if not address.tls and not address.is_loopback and not self.allow_plaintext:
            raise ConfigurationError(
                f"{field}: {plain}:// to {address.host} would send the API key unencrypted; "
                f"expected {encrypted}://, or {plain}:// to this machine, or allow_plaintext=True"
            )

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """All that is not by default, and nothing that is secret."""
        shown: list[tuple[str, object]] = []
        for field in msgspec.structs.fields(self):
            value = getattr(self, field.name)
            if field.name == "api_key":
                shown.append(("api_key", "***"))
            elif field.name == "proxy" and value:
                shown.append(("proxy", parse_url("proxy", value, "http").authority))
            elif value != field.default:
                shown.append((field.name, value))
        return shown

    @property
    def address(self) -> Address:
        """Where `url` points to."""
        return parse_url("url", self.url, "wss", "ws")

    @property
    def api_address(self) -> Address:
        """Where `api_url` points to."""
        return parse_url("api_url", self.api_url, "https", "http")

    @property
    def proxy_address(self) -> Address | None:
        """Where `proxy` points to, or None."""
        return parse_url("proxy", self.proxy, "http") if self.proxy else None

    @property
    def environment(self) -> Environment:
        """What the key's prefix says; "unknown" for other keys and for callables."""
        return "unknown" if callable(self.api_key) else environment_of(self.api_key)


def environment_of(api_key: str) -> Environment:
    """Sandbox or production, by the key's prefix."""
    if api_key.startswith("sk_sandbox_"):
        return "sandbox"
    if api_key.startswith("sk_prod_"):
        return "production"
    return "unknown"


def check_api_key(value: object) -> str:
    """Return the key if it can be sent, else raise ConfigurationError without showing it."""
    key = _expect_text("api_key", value, secret=True)
    if any(map(str.isspace, key)):
        raise ConfigurationError(
            "api_key: it contains white space; keys have none. Copy and paste it again, without a "
            "line break or a space at either end"
        )
    return check_header_value("api_key", key)


def _expect_text(
    field: str, value: object, *, may_be_empty: bool = False, secret: bool = False
) -> str:
    if isinstance(value, str) and (value or may_be_empty):
        return value
    came = "an empty string" if value == "" else type(value).__name__ if secret else repr(value)
    raise ConfigurationError(f"{field}: expected a string, got {came}")


def _expect_one_of(field: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigurationError(f"{field}: expected one of {', '.join(choices)}; got {value!r}")


def _expect_number(field: str, value: Any, low: float, high: float, *, unit: str) -> None:
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not low <= value <= high  # which NaN is not
    ):
        raise ConfigurationError(
            f"{field}: expected {unit} from {low:g} to {high:g}, got {value!r}"
        )


def _expect_count(field: str, value: Any, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigurationError(
            f"{field}: expected a whole number from {low} to {high}, got {value!r}"
        )
