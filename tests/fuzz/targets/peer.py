"""The gateway that the client's target plays: what it says, and what it holds the client to."""

import json
from base64 import b64decode
from collections import Counter
from typing import Any

from tests.proto.till import payment
from tests.proto.wired import KEY, plain

from dojo_proto import Link
from dojo_proto.connecting import connect
from dojo_proto.connection import Connection
from dojo_proto.framing import CloseFrame, Framing, Message, PingFrame, Violation
from dojo_proto.handshake import accept_token

LARGEST = 1 << 16
"""Bytes of a message that the client may send."""


def _request(identity: Any, method: str, params: Any) -> bytes:
    message = {"jsonrpc": "2.0", "id": identity, "method": method, "params": params}
    return json.dumps(message, separators=(",", ":")).encode()


REQUESTS = (
    _request(1, "SearchOrdersV1", {}),
    _request("a", "GetOrderByIdV1", {"orderId": "table-7"}),
    _request(2, "GetOrderByIdV1", {"orderId": "table-8"}),
    _request(3, "RecordOrderPaymentByIdV1", payment()),
    _request(4, "RecordOrderPaymentByIdV1", payment("pi-2")),
    _request(5, "RecordOrderPaymentByIdV1", payment("pi-1", 700)),
    _request(6, "ExtendOrderLockV1", {"orderId": "table-7", "lockId": "lock-1"}),
    b"[%b,%b,{}]" % (_request(7, "SearchOrdersV1", {}), _request(8, "Nonsense", {})),
    b'{"jsonrpc":"2.0","method":"SearchOrdersV1"}',
    b'{"jsonrpc":"2.0","id":1,"result":{}}',
)
"""What the gateway may ask without the fuzzer having to write it."""


def frame(opcode: int, payload: bytes) -> bytes:
    """A frame of the gateway, with at most 65535 bytes."""
    size = len(payload)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2)
    return bytes([0x80 | opcode]) + length + payload


class Socket:
    """One link as its other end sees it: what was asked on it, what was answered."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.sent = b""
        self.server = Framing(client=False, entropy=bytes, max_message_size=LARGEST)
        self.client: Connection | None = None
        self.accept = b""
        self.pings: list[bytes] = []
        self.asked: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.closed = False

    def read(self, data: bytes) -> None:
        """Take what the client has sent."""
        if self.client is None:
            self.sent += data
            head, end, data = self.sent.partition(b"\r\n\r\n")
            if not end:
                return
            key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
            self.accept = accept_token(key).encode()
            # Only what the client has read can have been asked: another client reads along.
            nonce = b64decode(key)
            self.client = connect(
                plain(max_message_size=1024),
                software_house_id="acme-epos",
                api_key=KEY,
                deadline=0,
                entropy=lambda size: nonce[:size],
                now=0,
            )
        for event in self.server.receive_data(data):
            assert not self.closed, "something left behind the Close"
            assert not isinstance(event, Violation), f"the client broke the protocol: {event}"
            if isinstance(event, Message):
                self._answers(event)
            elif isinstance(event, PingFrame):
                self.pings.append(event.payload)
            self.closed = isinstance(event, CloseFrame)

    def write(self, data: bytes) -> None:
        """See what the gateway sends."""
        if self.client is None:
            return
        self.client.receive_data(data, 0)
        while (event := self.client.next_event()) is not None:
            if isinstance(event, Message):
                self._asks(event)

    def _asks(self, message: Message) -> None:
        self.asked["null"] += 1  # whatever it is, it may be complained about
        try:
            value = json.loads(message.data)
        except (ValueError, RecursionError):
            return
        for item in value if isinstance(value, list) else [value]:
            self.asked["null"] += 1
            if isinstance(item, dict) and "id" in item:
                self.asked[json.dumps(item["id"])] += 1

    def _answers(self, message: Message) -> None:
        value = json.loads(message.data)
        for item in value if isinstance(value, list) else [value]:
            assert ("result" in item) != ("error" in item), f"no answer: {item}"
            self.answered[json.dumps(item["id"])] += 1
        over = self.answered - self.asked
        assert not over, f"answered without having been asked: {over}"
