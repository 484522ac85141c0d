"""The gateway's side of the upgrade (RFC 6455 section 4.2)."""

from base64 import b64decode
from typing import TYPE_CHECKING

from h11 import (
    NEED_DATA,
    PAUSED,
    SERVER,
    Connection,
    Data,
    EndOfMessage,
    InformationalResponse,
    RemoteProtocolError,
    Request,
    Response,
)
from h11 import LocalProtocolError as NotSendable

from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.exchange import Header
from dojo_proto.handshake import accept_token
from dojo_proto.stage import Asked, Passed, Refused, StageOutcome

if TYPE_CHECKING:
    from dojo_proto.deflate import Deflate


class Upgrade:
    """A stage: reads the request for an upgrade and answers it. Driven by its connection.

    What is no WebSocket handshake is refused here. A sound request is Asked about, and the caller
    decides with `accept` or `refuse`; the outcome of either goes to `Connection.settle`.
    """

    __slots__ = ("_asked", "_deflate", "_fed", "_http", "_max", "_request", "data_to_send")

    def __init__(self, *, max_header_size: int, deflate: "Deflate | None") -> None:
        self.data_to_send = b""
        self._http = Connection(SERVER, max_incomplete_event_size=max_header_size)
        self._max = max_header_size
        self._deflate = deflate
        self._fed = 0
        self._request: Request | None = None
        self._asked: Asked | None = None

    def receive_data(self, data: bytes) -> StageOutcome | None:
        """Take bytes of the request; Asked when a sound one is complete."""
        self._fed += len(data)
        try:
            self._http.receive_data(data)
            while (event := self._http.next_event()) is not NEED_DATA and event is not PAUSED:
                if isinstance(event, Request):
                    self._request = event
                    if self._fed - len(self._early) > self._max:
                        # h11 bounds a head that comes in pieces, not one that comes whole.
                        return self._too_large()
                elif isinstance(event, EndOfMessage) and self._request is not None:
                    return self._judge(self._request)
        except RemoteProtocolError as error:
            if error.error_status_hint == 431:
                return self._too_large()
            # h11's own words may quote a line with the key.
            reason = "expected an HTTP/1.1 request with the header Host (RFC 9112 section 3)"
            return self.refuse(error.error_status_hint, reason)
        if self._asked is not None and len(self._early) > self._max:
            return self.refuse(400, f"over {self._max} bytes came before the upgrade was answered")
        return None

    def receive_eof(self) -> Refused:
        """The client has ended the stream."""
        return Refused(cause=Cause.LOST, reason="the client ended the stream before the upgrade")

    def timed_out(self) -> Refused:
        """The deadline for opening has passed."""
        if self._asked is not None:
            return self.refuse(503, "nobody decided about the upgrade in time")
        return self.refuse(408, "the request for the upgrade took too long")

    @property
    def _early(self) -> bytes:
        """Bytes behind the request. RFC 6455 section 4.1 has the client wait; they are kept."""
        return self._http.trailing_data[0]

    def _too_large(self) -> Refused:
        return self.refuse(431, f"the head of the request is larger than {self._max} bytes")

    def _judge(self, request: Request) -> Asked | Refused:
        headers = tuple(
            (name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers
        )
        asked = Asked(target=request.target.decode("ascii"), headers=headers)
        fault = _fault(request, asked)
        if fault:
            # RFC 6455 section 4.4: whatever version was asked for, this one is understood.
            return self.refuse(400, fault, headers=[("Sec-WebSocket-Version", "13")])
        self._asked = asked
        return asked

    def accept(self) -> Passed:
        """Answer 101. Raises LocalProtocolError unless a request was Asked about."""
        asked, self._asked = self._asked, None
        if asked is None:
            raise LocalProtocolError("there is no request to accept")
        headers: list[Header] = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_token(asked.values("sec-websocket-key")[0])),
        ]
        offers = ", ".join(asked.members("sec-websocket-extensions"))
        agreed = self._deflate.answer(offers) if self._deflate is not None else None
        if agreed is not None:
            headers.append(("Sec-WebSocket-Extensions", agreed))
        early = self._early
        answer = InformationalResponse(status_code=101, headers=headers)
        self.data_to_send = self._http.send(answer) or b""
        return Passed(trailing=early)

    def refuse(
        self, status: int, reason: str, *, headers: list[Header] | None = None, body: bytes = b""
    ) -> Refused:
        """Answer with an error: `status` 300 to 599, `reason` as the body unless one is given.

        Raises LocalProtocolError for what HTTP cannot carry.
        """
        if not 300 <= status <= 599:
            raise LocalProtocolError(f"expected a status from 300 to 599 to refuse with: {status}")
        # RFC 9110 section 6.4.1: answers without a body, whatever there is to say.
        silent = status == 304 or (self._request is not None and self._request.method == b"HEAD")
        content = b"" if silent else body or reason.encode()
        fields = [("Content-Length", str(len(content))), ("Connection", "close"), *(headers or [])]
        try:
            answer = Response(status_code=status, headers=fields)
            parts = (answer, Data(data=content), EndOfMessage())
            self.data_to_send = b"".join(self._http.send(part) or b"" for part in parts)
        except NotSendable as error:
            raise LocalProtocolError(f"the refusal cannot be sent: {error}") from None
        self._asked = None
        return Refused(cause=Cause.REJECTED, status=status, reason=reason)


def _fault(request: Request, asked: Asked) -> str:
    """What RFC 6455 section 4.2.1 finds wrong with the request, or nothing."""
    if request.method != b"GET" or request.http_version != b"1.1":
        return "expected GET over HTTP/1.1"
    if "websocket" not in asked.tokens("upgrade") or "upgrade" not in asked.tokens("connection"):
        return "expected `Upgrade: websocket` and `Connection: Upgrade`"
    if asked.values("sec-websocket-version") != ["13"]:
        return "expected `Sec-WebSocket-Version: 13`"
    keys = asked.values("sec-websocket-key")
    try:
        nonce = b64decode(keys[0], validate=True) if len(keys) == 1 else b""
    except ValueError:
        nonce = b""
    if len(nonce) != 16:
        return "expected one Sec-WebSocket-Key of 16 bytes in base64"
    return ""
