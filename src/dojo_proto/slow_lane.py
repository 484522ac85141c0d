"""The slow lane of framing: frames that wsproto parses, and messages that are put together.

Whatever the fast lane does not take comes here: Close frames, binary messages, fragments and the
control frames between them, compressed and masked frames, frames that came in pieces, and all that
breaks a rule. It is judged byte for byte in the order it came, so that it makes no difference how
the stream was cut.
"""

from codecs import utf_8_decode
from collections.abc import Iterator
from typing import cast

from wsproto.frame_protocol import CloseReason, Frame, FrameDecoder, Opcode, ParseFailed

from dojo_proto.deflate import CORRUPT, Deflate
from dojo_proto.framing import (
    NO_STATUS_RECEIVED,
    CloseFrame,
    FrameEvent,
    Message,
    PingFrame,
    PongFrame,
    Violation,
    is_sendable_close_code,
)


class SlowLane:
    """Driven by the framing, which hands over a frame at a time or a part of one.

    Takes what `Framing` takes. After a CloseFrame or a Violation it has `ended`, and is to be given
    nothing more.
    """

    __slots__ = ("_compressed", "_decoder", "_max", "_opcode", "_partial", "_tail", "ended")

    def __init__(self, *, client: bool, max_message_size: int, deflate: Deflate | None) -> None:
        self.ended = False
        self._max = max_message_size
        self._compressed = deflate is not None
        self._decoder = FrameDecoder(client, [] if deflate is None else [deflate])
        # The message under way: TEXT or BINARY, what has come of it, and the start of a character
        # at its end.
        self._opcode: Opcode | None = None
        self._partial = bytearray()
        self._tail = b""

    @property
    def between(self) -> bool:
        """Whether no message is under way."""
        return self._opcode is None

    @property
    def owed(self) -> int:
        """Bytes that the frame still takes whose header has come, and nothing else of it."""
        return 0 if self._decoder.header is None else self._decoder.header.payload_len

    def receive_data(self, data: bytes) -> Iterator[FrameEvent]:
        """Yield what `data` completes, in order. To be read to its end."""
        self._decoder.receive_bytes(data)
        try:
            while (frame := self._decoder.process_buffer()) is not None:
                # Only wsproto's upper layers, not used here, put anything else into a Frame.
                payload = cast("bytes", frame.payload)
                if frame.opcode.iscontrol():
                    event = _control_event(frame.opcode, payload)
                    self.ended = isinstance(event, CloseFrame)
                    yield event
                    if self.ended:
                        return
                elif (message := self._assemble(frame, payload)) is not None:
                    yield message
        except ParseFailed as fault:
            self.ended = True
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
            reason = CORRUPT if self._compressed else "a text message is not UTF-8"
            raise ParseFailed(reason, CloseReason.INVALID_FRAME_PAYLOAD_DATA) from None
        self._tail = piece[decoded:]


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
