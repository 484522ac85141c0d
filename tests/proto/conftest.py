"""What the tests of the machines share."""

from collections.abc import Callable, Iterator
from struct import pack

import pytest


def _every_cut(data: bytes) -> Iterator[list[bytes]]:
    for point in range(1, len(data)):
        yield [data[:point], data[point:]]
    yield [data[i : i + 1] for i in range(len(data))]


@pytest.fixture(scope="session")
def however_cut() -> Callable[[bytes, Callable[[list[bytes]], object]], object]:
    """Play a stream whole, split at every point and byte by byte: the result has to be the same.

    `play` builds a fresh machine, feeds it the pieces and returns all that came of it. The result
    of the whole stream is returned.
    """

    def however_cut(data: bytes, play: Callable[[list[bytes]], object]) -> object:
        whole = play([data])
        for pieces in _every_cut(data):
            assert play(pieces) == whole, pieces
        return whole

    return however_cut


@pytest.fixture(scope="session")
def frame() -> Callable[..., bytes]:
    """Build one frame, right or wrong, by RFC 6455 section 5.2 alone."""

    def frame(
        opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = False
    ) -> bytes:
        size = len(payload)
        length = (
            bytes([size])
            if size < 126
            else pack("!BH", 126, size)
            if size < 65536
            else pack("!BQ", 127, size)
        )
        first = bytes([fin << 7 | rsv << 4 | opcode])
        if not masked:
            return first + length + payload
        mask = b"\x01\x02\x03\x04"
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        return first + bytes([length[0] | 0x80]) + length[1:] + mask + body

    return frame
