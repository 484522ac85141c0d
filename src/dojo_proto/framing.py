"""Bytes to messages and control frames, and back (RFC 6455 section 5).

A text message in one plain frame takes the fast lane. All other frames are parsed by wsproto, and
their messages assembled and judged here, byte for byte in the order they came, so that it makes no
difference how the stream was cut. Every outgoing frame is serialised here, with masks from the
injected entropy, so that the same inputs always give the same bytes.
"""

from codecs import utf_8_decode
from collections.abc import Callable, Iterator
from struct import pack
from typing import TypeAlias, cast

import msgspec
from wsproto.frame_protocol import CloseReason, Frame, FrameDecoder, Opcode, ParseFailed

from dojo_proto import fast_lane
from dojo_proto.deflate import CORRUPT, Deflate
from dojo_proto.errors import LocalProtocolError

NORMAL_CLOSURE = 1000
GOING_AWAY = 1001  # RFC 6455 section 7.4.1: a server going down
NO_STATUS_RECEIVED = 1005
ABNORMAL_CLOSURE = 1006
MESSAGE_TOO_BIG = 1009

MAX_CONTROL_PAYLOAD = 125
"""Bytes (RFC 6455 section 5.5)."""

_FIN = 0x80
_RSV1 = 0x40
_MASK = 0x80


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


class Framing:
    """The frames of one open connection. Driven by its connection.

    A client masks what it sends and refuses masked frames; a server the other way round (RFC 6455
    section 5.1). After a CloseFrame or a Violation nothing more is read.
    """

    def __init__(
        self,
        *,
        client: bool,
        entropy: Callable[[int], bytes],
        max_message_size: int,
        deflate: Deflate | None = None,
    ) -> None:
        self._client = client
        self._keys = fast_lane.mask_keys(entropy)
        self._max = max_message_size
        self._deflate = deflate if deflate is not None and deflate.enabled() else None
        self._decoder = FrameDecoder(client, [] if self._deflate is None else [self._deflate])
        # The first byte of a frame, if that is all that has come of it; or else how much the
        # decoder has still to get of the frame that it has begun, or as yet of its header.
        self._begun = b""
        self._owed = 0
        # The message under way: TEXT or BINARY, what has come of it, and the start of a character
        # at its end.
        self._opcode: Opcode | None = None
        self._partial = bytearray()
        self._tail = b""
        self._ended = False

    def receive_data(self, data: bytes) -> Iterator[FrameEvent]:
        """Yield what `data` completes, in order. Bytes behind the end are ignored.

        To be read to its end before there is more data.
        """
        if self._begun:
            data, self._begun = self._begun + data, b""
        at = 0
        while at < len(data) and not self._ended:
            if not self._owed:
                # What a server gets is masked, and nothing for the fast lane.
                if self._client and self._opcode is None:
                    texts, at = fast_lane.cut(data, at, self._max)
                    for text in texts:
                        yield Message(text)
                if len(data) - at < 2:
                    self._begun = data[at:]
                    return
                self._owed = _frame_size(data, at)
            # The decoder gets no byte of the next frame, which may be one for the fast lane.
            piece = data[at : at + self._owed]
            at += len(piece)
            self._owed -= len(piece)
            yield from self._decode(piece)
            if not self._owed and self._decoder.header is not None:
                self._owed = self._decoder.header.payload_len

    def _decode(self, data: bytes) -> Iterator[FrameEvent]:
        """As `receive_data`, without the fast lane. Not to be called behind the end."""
        self._decoder.receive_bytes(data)
        try:
            while (frame := self._decoder.process_buffer()) is not None:
                # Only wsproto's upper layers, not used here, put anything else into a Frame.
                payload = cast("bytes", frame.payload)
                if frame.opcode.iscontrol():
                    event = _control_event(frame.opcode, payload)
                    self._ended = isinstance(event, CloseFrame)
                    yield event
                    if self._ended:
                        return
                elif (message := self._assemble(frame, payload)) is not None:
                    yield message
        except ParseFailed as fault:
            self._ended = True
            self._partial = bytearray()
            yield Violation(int(fault.code), str(fault))

    def _assemble(self, frame: Frame, payload: bytes) -> Message | None:
        """Take a data frame, or the part of one that has come: the message, if it is complete."""
        if frame.opcode is not Opcode.CONTINUATION:
            if self._opcode is not None:  # RFC 6455 section 5.4
                raise ParseFailed("a message began before the one under way was complete")
            self._opcode = frame.opcode
        elif self._opcode is None:
            raise ParseFailed("a continuation frame came and no message was under way")
        finished = frame.frame_finished and frame.message_finished
        room = self._max - len(self._partial)
        fits = len(payload) <= room
        if self._opcode is Opcode.TEXT:
            # Only what fits, so that the first fault in the stream decides: 1007 or 1009.
            self._check_utf8(payload[:room], final=finished and fits)
        if not fits:
            raise ParseFailed(
                f"a message is larger than {self._max} bytes", CloseReason.MESSAGE_TOO_BIG
            )
        if not finished:
            # A bytearray, since a list of a million one-byte fragments is many times their size.
            self._partial += payload
            return None
        if self._partial:
            self._partial += payload
            payload = bytes(self._partial)
            self._partial = bytearray()
        opcode, self._opcode = self._opcode, None
        return Message(payload, binary=opcode is Opcode.BINARY)

    def _check_utf8(self, piece: bytes, *, final: bool) -> None:
        """RFC 6455 section 8.1, as early as it can be told."""
        piece = self._tail + piece
        try:
            _, decoded = utf_8_decode(piece, "strict", final)
        except UnicodeDecodeError:
            reason = "a text message is not UTF-8" if self._deflate is None else CORRUPT
            raise ParseFailed(reason, CloseReason.INVALID_FRAME_PAYLOAD_DATA) from None
        self._tail = piece[decoded:]

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
        opcodes = [first, *[int(Opcode.CONTINUATION)] * (len(pieces) - 1)]
        opcodes[-1] |= _FIN
        return [self._frame(opcode, piece) for opcode, piece in zip(opcodes, pieces, strict=True)]

    def _message(self, payload: bytes) -> tuple[int, bytes]:
        """How the first frame of a text message begins, and what all of its frames carry."""
        compressed = None if self._deflate is None else self._deflate.compress(payload)
        # RFC 7692 section 6.1: only the first frame of a message says that it is compressed.
        return (Opcode.TEXT, payload) if compressed is None else (_RSV1 | Opcode.TEXT, compressed)

    def ping(self, payload: bytes) -> bytes:
        """A ping with at most 125 bytes of payload."""
        return self._control(Opcode.PING, payload)

    def pong(self, payload: bytes) -> bytes:
        """A pong that answers a ping with the same payload."""
        return self._control(Opcode.PONG, payload)

    def close(self, code: int | None, reason: str = "") -> bytes:
        """A Close frame. None sends no code, as the answer to a Close that had none.

        `reason` is cut to what fits, at a character. Raises LocalProtocolError for a code that may
        not be sent.
        """
        if code is None:
            return self._control(Opcode.CLOSE, b"")
        if not is_sendable_close_code(code):
            raise LocalProtocolError(f"close code {code} may not be sent (RFC 6455 section 7.4)")
        text = reason.encode()[: MAX_CONTROL_PAYLOAD - 2].decode("utf-8", "ignore").encode()
        return self._control(Opcode.CLOSE, pack("!H", code) + text)

    def _control(self, opcode: Opcode, payload: bytes) -> bytes:
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
            header = pack("!BB", first, mask | size)
        elif size < 1 << 16:
            header = pack("!BBH", first, mask | 126, size)
        else:
            header = pack("!BBQ", first, mask | 127, size)
        if not mask:
            return header + payload
        key = next(self._keys)
        return b"".join((header, key, fast_lane.masked(payload, key)))


def _frame_size(data: bytes, at: int) -> int:
    """Bytes of the frame at `at` (RFC 6455 section 5.2), or of its header if that is cut off."""
    length = data[at + 1] & ~_MASK
    start = at + 2
    if length > 125:
        start += 2 if length == 126 else 8
        length = int.from_bytes(data[at + 2 : start], "big") if start <= len(data) else 0
    return start - at + (4 if data[at + 1] & _MASK else 0) + length


def _control_event(opcode: Opcode, payload: bytes) -> PingFrame | PongFrame | CloseFrame:
    if opcode is Opcode.PING:
        return PingFrame(payload)
    if opcode is Opcode.PONG:
        return PongFrame(payload)
    if not payload:
        return CloseFrame(NO_STATUS_RECEIVED, "")  # RFC 6455 section 7.1.5
    code = int.from_bytes(payload[:2], "big")
    if len(payload) == 1 or not is_sendable_close_code(code):
        raise ParseFailed(f"a Close frame came with the code {code} (RFC 6455 section 7.4)")
    try:
        return CloseFrame(code, payload[2:].decode())
    except UnicodeDecodeError:
        raise ParseFailed(
            "the reason in a Close frame is not UTF-8", CloseReason.INVALID_FRAME_PAYLOAD_DATA
        ) from None
