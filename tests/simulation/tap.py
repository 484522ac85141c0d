"""Listens to a stream of frames, so that what the library makes of it can be judged.

It reads RFC 6455 section 5.2 on its own and knows nothing of the library's framing.
"""

from typing import NamedTuple

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class Frame(NamedTuple):
    """One frame; there are no fragments in this world."""

    opcode: int
    payload: bytes
    begun: bool
    """Its first byte had gone by before the bytes that completed it."""


class Tap:
    """One direction of one connection."""

    def __init__(self) -> None:
        self.upgraded = False
        """Frames follow: the head of a request, or of a 101, has gone by."""
        self._buffer = b""
        self._refused = False

    def feed(self, data: bytes) -> list[Frame]:
        """Take bytes, and return the frames that they complete."""
        if self._refused:
            return []
        begun = bool(self._buffer)
        self._buffer += data
        if not self.upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return []
            self._refused = not head.startswith((b"GET ", b"HTTP/1.1 101"))
            self.upgraded = not self._refused
            self._buffer, begun = rest, False
        frames = []
        while self.upgraded and (frame := self._next(begun=begun)) is not None:
            frames.append(frame)
            begun = False
        return frames

    def _next(self, *, begun: bool) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(buffer[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(buffer[2:10]), 10
        masked = buffer[1] & 0x80
        start += 4 if masked else 0
        end = start + size
        if len(buffer) < end:
            return None
        payload = buffer[start:end]
        if masked:
            key = (buffer[start - 4 : start] * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)
        self._buffer = buffer[end:]
        return Frame(buffer[0] & 0x0F, payload, begun)
