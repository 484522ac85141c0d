"""What went over one WebSocket connection, read off its bytes."""

import json
import os
from collections.abc import Iterator
from time import monotonic
from typing import Any

import msgspec

from dojo_proto.exchange import Header
from dojo_proto.framing import FrameEvent, Framing, Message, PingFrame, PongFrame

_MAX_MESSAGE = 64 << 20
_END_OF_HEAD = b"\r\n\r\n"


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the EPOS."""

    at: float
    """Seconds on the clock of `time.monotonic`, as all times here."""
    raw: bytes
    value: Any
    """Decoded; None if it is no JSON."""


class _Half:
    """What one end has sent: the head of an HTTP message, then frames."""

    def __init__(self, *, client: bool) -> None:
        self.head = b""
        self._started = b""
        self._framing = Framing(
            client=not client, entropy=os.urandom, max_message_size=_MAX_MESSAGE
        )

    def feed(self, data: bytes) -> Iterator[FrameEvent]:
        if not self.head:
            self._started += data
            head, end, data = self._started.partition(_END_OF_HEAD)
            if not end:
                return
            self.head = head
        yield from self._framing.receive_data(data)


class Transcript:
    """One connection, as somebody sees it who reads along. Fed by the tap.

    Of what the gateway sends only the head counts: it is asked for nothing that others send.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        """1 for the first."""
        self.began = monotonic()
        self.ended: float | None = None
        self.messages: list[Arrived] = []
        self.pings: list[float] = []
        """When a ping of the EPOS came."""
        self.pongs: list[tuple[float, bytes]] = []
        self._epos = _Half(client=True)
        self._gateway = _Half(client=False)

    def from_epos(self, data: bytes) -> None:
        """The EPOS has sent `data`."""
        now = monotonic()
        for event in self._epos.feed(data):
            match event:
                case Message(data=raw):
                    self.messages.append(Arrived(at=now, raw=raw, value=_decoded(raw)))
                case PingFrame():
                    self.pings.append(now)
                case PongFrame(payload=payload):
                    self.pongs.append((now, payload))
                case _:
                    pass  # a Close or a violation: the gateway ends the connection

    def from_gateway(self, data: bytes) -> None:
        """The gateway has sent `data`."""
        if not self._gateway.head:
            for _ in self._gateway.feed(data):
                pass

    @property
    def status(self) -> int | None:
        """Of the gateway's answer to the upgrade; None before it."""
        line = self._gateway.head.split(b"\r\n")[0].split(b" ")
        return int(line[1]) if len(line) > 1 else None

    @property
    def is_open(self) -> bool:
        """Whether the upgrade has succeeded and the socket is there."""
        return self.status == 101 and self.ended is None

    @property
    def request_line(self) -> str:
        """Of the upgrade: `GET /epos HTTP/1.1`."""
        return self._epos.head.split(b"\r\n")[0].decode("latin-1")

    @property
    def headers(self) -> list[Header]:
        """Of the upgrade, names in lower case, the API key among them."""
        lines = self._epos.head.decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in lines)
        return [(name.strip().lower(), value.strip()) for name, _, value in pairs]

    def answers(self, request_id: object) -> list[Arrived]:
        """The messages with that id, oldest first."""
        return [each for each in self.messages if _id(each.value) == request_id]


def _id(value: Any) -> object:
    return value.get("id") if isinstance(value, dict) else None


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
