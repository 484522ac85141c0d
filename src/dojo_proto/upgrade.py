"""The gateway's side of the upgrade (RFC 6455 section 4.2)."""

import binascii
from base64 import b64decode

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

from dojo_proto.deflate import Deflate
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.exchange import Header
from dojo_proto.handshake import accept_token
from dojo_proto.stage import Asked, Passed, Refused, StageOutcome


class Upgrade:
    """A stage: reads the request for an upgrade and answers it. Driven by its connection.

    What is no WebSocket handshake is refused here. A sound request is Asked about, and the caller
    decides with `accept` or `refuse`; the outcome of either goes to `Connection.settle`.
    """

    def __init__(self, *, max_header_size: int, deflate: Deflate | None) -> None:
        self.data_to_send = b""
        self._http = Connection(SERVER, max_incomplete_event_size=max_header_size)
        self._deflate = deflate
        self._request: Request | None = None
        self._asked: Asked | None = None
        self._complete = False

    def receive_data(self, data: bytes) -> StageOutcome | None:
        """Take bytes of the request; Asked when a sound one is complete."""
        if self._complete:
            # RFC 6455 section 4.1: the client has to wait for the answer before it sends more.
            return self.refuse(400, "bytes came before the upgrade was answered")
        try:
            self._http.receive_data(data)
            while (event := self._http.next_event()) is not NEED_DATA and event is not PAUSED:
                if isinstance(event, Request):
                    self._request = event
                elif isinstance(event, EndOfMessage):
                    self._complete = True
        except RemoteProtocolError as error:
            return self.refuse(error.error_status_hint, "the request is not HTTP/1.1")
        if self._request is None or not self._complete:
            return None
        headers = tuple(
            (name.decode("ascii"), value.decode("latin-1")) for name, value in self._request.headers
        )
        asked = Asked(target=self._request.target.decode("ascii"), headers=headers)
        fault = _fault(self._request, asked)
        if fault:
            return self.refuse(400, fault)
        self._asked = asked
        return asked

    def receive_eof(self) -> Refused:
        """The client has ended the stream."""
        return Refused(cause=Cause.LOST, reason="the client ended the stream before the upgrade")

    def timed_out(self) -> Refused:
        """The deadline for opening has passed."""
        return self.refuse(408, "the request for the upgrade took too long")

    def accept(self) -> Passed:
        """Answer 101. Raises LocalProtocolError unless a request was Asked about."""
        if self._asked is None:
            raise LocalProtocolError("there is no request to accept")
        headers: list[Header] = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_token(self._asked.values("sec-websocket-key")[0])),
        ]
        offers = ", ".join(self._asked.values("sec-websocket-extensions"))
        agreed = self._deflate.answer(offers) if self._deflate is not None and offers else None
        if agreed is not None:
            headers.append(("Sec-WebSocket-Extensions", agreed))
        answer = InformationalResponse(status_code=101, headers=headers)
        self.data_to_send = self._http.send(answer) or b""
        return Passed()

    def refuse(
        self, status: int, reason: str, *, headers: list[Header] | None = None, body: bytes = b""
    ) -> Refused:
        """Answer with an error: `status` 300 to 599, `reason` as the body unless one is given."""
        body = body or reason.encode()
        answer = Response(
            status_code=status,
            headers=[
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                *(headers or []),
            ],
        )
        parts = (answer, Data(data=body), EndOfMessage())
        self.data_to_send = b"".join(self._http.send(part) or b"" for part in parts)
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
    except binascii.Error:
        nonce = b""
    if len(nonce) != 16:
        return "expected one Sec-WebSocket-Key of 16 bytes in base64"
    return ""
