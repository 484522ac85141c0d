"""One HTTP/1.1 request and the head and start of its answer, over h11 (RFC 9112).

What the tunnel and the handshake share: both send one request, skip interim answers, and either
get the answer that ends HTTP on this connection or a refusal that has to be explained to people.
"""

from contextlib import suppress
from functools import cache

import msgspec
from h11 import (
    CLIENT,
    SWITCHED_PROTOCOL,
    Connection,
    Data,
    EndOfMessage,
    InformationalResponse,
    RemoteProtocolError,
    Request,
    Response,
)

from dojo_proto.errors import ConfigurationError, LocalProtocolError
from dojo_proto.version import __version__

USER_AGENT = f"dojo-proto/{__version__}"
"""RFC 9110 section 10.1.5. Web application firewalls are known to turn away who does not say it."""

EXCERPT = 1024
"""Bytes of a refusal's body that are looked at, so that the error can quote its start."""

MAX_INTERIM = 100
"""1xx answers that may precede the final one: each costs time, and one read may hold thousands."""

Header = tuple[str, str]


class Headed(msgspec.Struct, frozen=True, kw_only=True):
    """What has header fields: a request or an answer."""

    headers: tuple[Header, ...]
    """Names in lower case, values as Latin-1 text, in the order they came."""

    def values(self, name: str) -> list[str]:
        """Every value of the header `name` (lower case), one entry a field line."""
        return [value for key, value in self.headers if key == name]

    def members(self, name: str) -> list[str]:
        """What its lines list between commas, if it is not empty (RFC 9110 section 5.6.1.2)."""
        members = ",".join(self.values(name)).split(",")
        return [stripped for member in members if (stripped := member.strip(" \t"))]

    def tokens(self, name: str) -> list[str]:
        """The same in lower case, where upper case makes no difference."""
        return [member.lower() for member in self.members(name)]


class Head(Headed, frozen=True, kw_only=True):
    """The head of an answer."""

    status: int
    http_version: str
    """`1.1`, or what the peer claims."""

    @property
    def retry_after(self) -> float | None:
        """Seconds that the peer asks to wait (RFC 9110 section 10.2.3), if it says so usably.

        A date is judged against the answer's own `Date`, so no clock of this machine is needed.
        """
        value = next(iter(self.values("retry-after")), "").strip()
        if value.isascii() and value.isdigit():
            # Bounded before float(), which refuses a number of thousands of digits.
            return float(value[:9])
        # Here, since it takes long to import and hardly any peer sends a date.
        from email.utils import parsedate_to_datetime  # noqa: PLC0415

        try:
            until = parsedate_to_datetime(value)
            date = parsedate_to_datetime(next(iter(self.values("date")), ""))
            return max(0.0, (until - date).total_seconds())
        except (ValueError, TypeError, OverflowError):
            # Neither seconds nor two dates of one kind: the peer asked for nothing usable.
            return None


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """HTTP is over on this connection: 101, or 2xx to a CONNECT."""

    head: Head
    trailing: bytes
    """What came after the head and belongs to the next protocol."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A final answer that leaves HTTP in place: a refusal."""

    head: Head
    excerpt: bytes
    """The first bytes of the body, at most as many as were asked for."""

    def quote(self, *secrets: str) -> str:
        """The start of the body for an error's text: one printable line without secrets, or ""."""
        text = " ".join(self.excerpt[:EXCERPT].decode("utf-8", "replace").split())
        for secret in secrets:
            text = redact(text, secret)
        text = "".join(c if c.isprintable() else "?" for c in text)
        return f': "{text[:200]}"' if text else ""


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """What came is no HTTP/1.1 answer."""

    reason: str


Outcome = Switched | Answered | Broken


def check_header_value(name: str, value: str) -> str:
    """Return `value` if it may stand in a header, else raise ConfigurationError.

    Only visible ASCII and inner spaces pass: CR, LF and NUL would let a value end its line and
    start another one (RFC 9110 section 5.5). The value is never quoted: it may be a secret.
    """
    if not value:
        raise ConfigurationError(f"{name} is empty: expected visible ASCII")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        bad = next(
            (i for i, c in enumerate(value) if not (c.isascii() and c.isprintable())),
            None,
        )
        where = "white space at its start or end" if bad is None else f"a character at index {bad}"
        raise ConfigurationError(
            f"{name} has {where} that an HTTP header may not carry: expected visible ASCII. "
            f"Was it copied with a line break or from a formatted page?"
        )
    return value


class Exchange:
    """Sends one request and reads its answer. Driven by the tunnel, the handshake or a REST call.

    `data_to_send` is complete from the start. `receive_data` returns None until the outcome is
    known; neither it nor `receive_eof` may be called after that. Of the answer's body `max_body`
    bytes are read. Raises LocalProtocolError for a target or a header that HTTP cannot carry.
    """

    def __init__(
        self,
        *,
        method: str,
        target: str,
        headers: list[Header],
        max_header_size: int,
        body: bytes = b"",
        max_body: int = EXCERPT,
    ) -> None:
        self.complete = False
        """The body has ended as its framing says (RFC 9112 section 6.3), and all of it is here."""
        self._h11 = Connection(CLIENT, max_incomplete_event_size=max_header_size)
        self._max = max_header_size
        self._max_body = max_body
        self._fed = 0
        self._consumed = 0
        self._interim = 0
        self._head: Head | None = None
        # A bytearray, since joining bytes chunk by chunk is quadratic in a body of tiny chunks.
        self._excerpt = bytearray()
        self.data_to_send: bytes = _request_head(method, target, headers) + body
        self._h11.send(_asked(method, upgrades=("Upgrade", "websocket") in headers))

    @property
    def answered(self) -> Answered | None:
        """A refusal whose body has not ended: what there is to say of it, at a time-out."""
        if self._head is None:
            return None
        return Answered(head=self._head, excerpt=bytes(self._excerpt))

    def receive_data(self, data: bytes) -> Outcome | None:
        """Take bytes of the answer."""
        if not data:
            return None  # h11 would take it as the end of the stream
        self._fed += len(data)
        try:
            self._h11.receive_data(data)
            return self._next_outcome()
        except RemoteProtocolError:
            # Where only the body is malformed, the refusal itself was clear.
            return self.answered or self._broken()

    def receive_eof(self) -> Answered | Broken:
        """The peer has ended the stream: an answer without a length ends this way."""
        with suppress(RemoteProtocolError):  # it ended too soon: `complete` stays false
            self._h11.receive_data(b"")
            self._next_outcome()
        return self.answered or Broken(reason="the connection ended before the answer was complete")

    def _next_outcome(self) -> Outcome | None:
        while True:
            event = self._h11.next_event()
            if isinstance(event, InformationalResponse | Response):
                trailing, _ = self._h11.trailing_data
                size = self._fed - len(trailing) - self._consumed
                if size > self._max:
                    # h11 bounds a head that comes in pieces, not one that comes whole.
                    return self._broken()
                self._consumed += size
                head = _head(event)
                # RFC 9112 section 9.6 and RFC 9110 section 9.3.6: 101 to an upgrade, or 2xx to a
                # CONNECT, ends HTTP here.
                if self._h11.their_state is SWITCHED_PROTOCOL:
                    return Switched(head=head, trailing=trailing)
                if isinstance(event, Response):
                    self._head = head
                    continue
                # RFC 9110 section 15.2: other 1xx answers may precede the final one.
                self._interim += 1
                if self._interim > MAX_INTERIM:
                    return Broken(reason=f"more than {MAX_INTERIM} interim answers came")
            elif isinstance(event, Data):
                self._excerpt += event.data[: self._max_body - len(self._excerpt)]
                if len(self._excerpt) == self._max_body:
                    return self.answered
            elif isinstance(event, EndOfMessage):
                self.complete = True
                return self.answered
            else:
                return None

    def _broken(self) -> Broken:
        return Broken(
            reason=f"the answer is not HTTP/1.1, or its head is larger than {self._max} bytes"
        )


def redact(text: str, secret: str) -> str:
    """`text` of a peer's own without `secret`, also where it was cut inside of that."""
    if not secret:
        return text
    text = text.replace(secret, "***")
    for size in range(len(secret) - 1, 3, -1):
        if text.endswith(secret[:size]):
            return f"{text[:-size]}***"
    return text


def _request_head(method: str, target: str, headers: list[Header]) -> bytes:
    """The request up to its body (RFC 9112 section 3)."""
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {value}" for name, value in headers]]
    text = "".join(lines)
    # What ends its line would start another one. It is not quoted: it may be a secret.
    if not text.isascii() or not text.isprintable() or " " in target:
        raise LocalProtocolError(f"a target or a header of {method} is not visible ASCII")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


@cache
def _asked(method: str, *, upgrades: bool) -> Request:
    """A request as far as h11 has to know it to read the answer: it takes long to make one."""
    headers = [("Host", ""), *([("Upgrade", "websocket")] if upgrades else [])]
    return Request(method=method, target="/", headers=headers)


def _head(event: InformationalResponse | Response) -> Head:
    return Head(
        status=event.status_code,
        http_version=event.http_version.decode("ascii"),
        headers=tuple(
            [
                (name.decode("ascii").lower(), value.decode("latin-1"))
                for name, value in event.headers.raw_items()
            ]
        ),
    )
