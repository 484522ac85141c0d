"""Bytes to messages and control frames, and back (RFC 6455 section 5).

A text message in one plain frame takes the fast lane, and so does a plain ping or pong between
messages; all else takes the slow one. Which one makes no difference to what is told of it. Every
outgoing frame is serialised here, with masks from the injected entropy, so that the same inputs
always give the same bytes.
"""

from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from dojo_proto import fast_lane
from dojo_proto.errors import LocalProtocolError

if TYPE_CHECKING:
    from dojo_proto.deflate import Deflate
    from dojo_proto.slow_lane import SlowLane

NORMAL_CLOSURE = 1000
GOING_AWAY = 1001  # RFC 6455 section 7.4.1: a server going down
NO_STATUS_RECEIVED = 1005
ABNORMAL_CLOSURE = 1006
MESSAGE_TOO_BIG = 1009

MAX_CONTROL_PAYLOAD = 125
"""Bytes (RFC 6455 section 5.5)."""

# RFC 6455 section 5.2.
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_FIN = 0x80
_RSV1 = 0x40
_MASK = 0x80
_header = Struct("!BB").pack
_header_16 = Struct("!BBH").pack
_header_64 = Struct("!BBQ").pack


class Message(msgspec.Struct, frozen=True):
    """A whole message, text or binary, as the bytes of its UTF-8.

    Text has been validated by the framing; binary messages have not.
    """

    data: bytes
    binary: bool = False


class PingFrame(msgspec.Struct, frozen=True):
    """A ping; it wants a pong with the same payload."""

    payload: bytes


class PongFrame(msgspec.Struct, frozen=True):
    """A pong, asked for or not."""

    payload: bytes


class CloseFrame(msgspec.Struct, frozen=True):
    """The peer's Close. `code` is 1005 if it gave none."""

    code: int
    reason: str


class Violation(msgspec.Struct, frozen=True):
    """The peer broke the protocol: close with `code` and read no further."""

    code: int
    reason: str


FrameEvent: TypeAlias = Message | PingFrame | PongFrame | CloseFrame | Violation


def is_sendable_close_code(code: int) -> bool:
    """Whether a Close frame may carry `code` (RFC 6455 section 7.4)."""
    if code in {1004, NO_STATUS_RECEIVED, ABNORMAL_CLOSURE, 1015}:
        return False
    return 1000 <= code <= 1014 or 3000 <= code <= 4999


def check_close_code(code: int) -> None:
    """Raise LocalProtocolError unless a Close frame may carry `code`."""
    if not is_sendable_close_code(code):
        raise LocalProtocolError(f"close code {code} may not be sent (RFC 6455 section 7.4)")


@cache
def _slow_lane() -> "type[SlowLane]":
    # Here, since it takes long to import and only an open connection needs it.
    from dojo_proto.slow_lane import SlowLane  # noqa: PLC0415

    return SlowLane


def prepare() -> None:
    """Import what the frames of a connection need.

    That takes tens of milliseconds: with the first frames it would hold up all that its event loop
    has to do besides.
    """
    fast_lane.quickest_mask()
    _slow_lane()


class Framing:
    """The frames of one open connection. Driven by its connection.

    A client masks what it sends and refuses masked frames; a server the other way round (RFC 6455
    section 5.1). After a CloseFrame or a Violation nothing more is read.
    """

    __slots__ = (
        "_begun",
        "_client",
        "_deflate",
        "_ended",
        "_keys",
        "_masked",
        "_owed",
        "_slow",
        "between",
        "longest",
    )

    def __init__(
        self,
        *,
        client: bool,
        entropy: Callable[[int], bytes],
        max_message_size: int,
        deflate: "Deflate | None" = None,
    ) -> None:
        self._client = client
        self._keys = fast_lane.mask_keys(entropy)
        self._masked = fast_lane.quickest_mask()
        self.longest = max_message_size
        """Bytes that a message may have."""
        self._deflate = deflate if deflate is not None and deflate.enabled() else None
        # While the slow lane has a frame or a message under way.
        self._slow: SlowLane | None = None
        # The first byte of a frame, if that is all that has come of it; or else how much the slow
        # lane has still to get of the frame that it has begun, or as yet of its header.
        self._begun = b""
        self._owed = 0
        self._ended = False
        self.between = client
        """A frame begins with the next byte, and `fast_lane.cut` may look at it."""

    def receive_data(self, data: bytes) -> list[FrameEvent]:
        """What `data` completes, in order. Bytes behind the end are ignored."""
        if self._begun:
            data, self._begun = self._begun + data, b""
        at = 0
        size = len(data)
        events: list[FrameEvent] = []
        while at < size and not self._ended:
            if not self._owed:
                # What a server gets is masked, and nothing for the fast lane.
                if self._client and self._slow is None:
                    texts, at = fast_lane.cut(data, at, self.longest)
                    events += map(Message, texts)
                    if at == size:
                        break
                    if (control := fast_lane.control(data, at)) is not None:
                        first, payload = control
                        at += 2 + len(payload)
                        is_ping = first == fast_lane.FINAL_PING
                        events.append(PingFrame(payload) if is_ping else PongFrame(payload))
                        continue
                if size - at < 2:
                    self._begun = data[at:]
                    break
                self._owed = _frame_size(data, at)
            # It gets no byte of the next frame, which may be one for the fast lane.
            slow = self._handed_over()
            piece = data[at : at + self._owed]
            at += len(piece)
            events += slow.receive_data(piece)
            self._ended = slow.ended
            self._owed = (self._owed - len(piece)) or slow.owed
            if not self._owed and slow.between:
                self._slow = None
        busy = self._slow is not None or self._begun or self._ended
        self.between = not busy and self._client
        return events

    def _handed_over(self) -> "SlowLane":
        """The lane for what the fast one leaves; made when there is some, and left behind it."""
        if self._slow is None:
            self._slow = _slow_lane()(
                client=self._client, max_message_size=self.longest, deflate=self._deflate
            )
        return self._slow

    def text(self, payload: bytes) -> bytes:
        """A text message, as one final frame. `payload` is UTF-8."""
        if self._deflate is None:
            return self._frame(fast_lane.FINAL_TEXT, payload)
        first, payload = self._message(payload)
        return self._frame(_FIN | first, payload)

    def fragments(self, payload: bytes, size: int) -> list[bytes]:
        """The frames of a text message that is cut into pieces of `size` bytes, 1 or more.

        `payload` is UTF-8; a cut may go through a character (RFC 6455 section 5.4).
        """
        first, payload = self._message(payload)
        pieces = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
        opcodes = [first, *[_CONTINUATION] * (len(pieces) - 1)]
        opcodes[-1] |= _FIN
        return [self._frame(opcode, piece) for opcode, piece in zip(opcodes, pieces, strict=True)]

    def _message(self, payload: bytes) -> tuple[int, bytes]:
        """How the first frame of a text message begins, and what all of its frames carry."""
        compressed = None if self._deflate is None else self._deflate.compress(payload)
        # RFC 7692 section 6.1: only the first frame of a message says that it is compressed.
        return (_TEXT, payload) if compressed is None else (_RSV1 | _TEXT, compressed)

    def ping(self, payload: bytes) -> bytes:
        """A ping with at most 125 bytes of payload."""
        return self._control(_PING, payload)

    def pong(self, payload: bytes) -> bytes:
        """A pong that answers a ping with the same payload."""
        return self._control(_PONG, payload)

    def close(self, code: int | None, reason: str = "") -> bytes:
        """A Close frame. None sends no code, as the answer to a Close that had none.

        `reason` is cut to what fits, at a character. Raises LocalProtocolError for a code that may
        not be sent.
        """
        if code is None:
            return self._control(_CLOSE, b"")
        check_close_code(code)
        text = reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode("utf-8", "ignore").encode()
        return self._control(_CLOSE, code.to_bytes(2, "big") + text)

    def _control(self, opcode: int, payload: bytes) -> bytes:
        if len(payload) > MAX_CONTROL_PAYLOAD:
            raise LocalProtocolError(
                f"a control frame carries at most {MAX_CONTROL_PAYLOAD} bytes, got {len(payload)} "
                "(RFC 6455 section 5.5)"
            )
        return self._frame(_FIN | opcode, payload)

    def _frame(self, first: int, payload: bytes) -> bytes:
        size = len(payload)
        mask = _MASK if self._client else 0
        if size < 126:
            header = _header(first, mask | size)
        elif size < 1 << 16:
            header = _header_16(first, mask | 126, size)
        else:
            header = _header_64(first, mask | 127, size)
        if not mask:
            return header + payload
        key = next(self._keys)
        return b"".join((header, key, self._masked(payload, key)))


def _frame_size(data: bytes, at: int) -> int:
    """Bytes of the frame at `at` (RFC 6455 section 5.2), or of its header if that is cut off."""
    length = data[at + 1] & ~_MASK
    start = at + 2
    if length > 125:
        start += 2 if length == 126 else 8
        length = int.from_bytes(data[at + 2 : start], "big") if start <= len(data) else 0
    return start - at + (4 if data[at + 1] & _MASK else 0) + length
