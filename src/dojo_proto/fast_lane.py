"""The fast lane of framing: the least work with which plain Python can pass an ordinary message.

Coming in, that is a text in one final, unmasked, uncompressed frame that is all there: it is cut
out of the bytes as it stands, and so is a ping or a pong between messages. Whatever is anything
else, or breaks a rule, is left to the slow lane, which judges it. So nothing is refused here, and
which lane a frame took makes no difference. Going out, the mask is what takes the time.
"""

from codecs import utf_8_decode
from collections.abc import Callable, Iterator
from functools import cache
from struct import Struct, iter_unpack

FINAL_TEXT = 0x81
"""The first byte of a frame: FIN, no reserved bit, the opcode of text (RFC 6455 section 5.2)."""

# The first two bytes of a frame, with no mask: its length if that is below 126, or 126 for one that
# follows in 16 bits. As a number both are read with one call.
_EMPTY_TEXT = FINAL_TEXT << 8
_TEXT_OF_16_BIT_LENGTH = _EMPTY_TEXT | 126
_head = Struct("!HH").unpack_from

FINAL_PING = 0x89
FINAL_PONG = 0x8A
_PING_PONG = (FINAL_PING, FINAL_PONG)

_DRAWN = 256
"""Bytes of entropy drawn at once. A draw is a call into the system, and takes as long as a mask."""


def cut(data: bytes, at: int, longest: int) -> tuple[list[bytes], int]:
    """The text messages that `data` holds from `at` on, and where what is no such message begins.

    `longest` is the limit of a message in bytes. To be called between messages only, where a frame
    begins.
    """
    texts: list[bytes] = []
    end = len(data)
    # What is shorter than that is no message of JSON-RPC, and not worth more code here.
    while end - at >= 4:
        head, size = _head(data, at)
        if head == _TEXT_OF_16_BIT_LENGTH and size > 125:
            start = at + 4
        elif _EMPTY_TEXT <= head <= _EMPTY_TEXT + 125:
            size = head - _EMPTY_TEXT
            start = at + 2
        else:
            # Masked, of more than 64 KiB, no plain text, or with a length that is not in its
            # shortest form (RFC 6455 section 5.2).
            break
        stop = start + size
        if size > longest or stop > end:
            break
        text = data[start:stop]
        if not (text.isascii() or _is_utf8(text)):
            break
        texts.append(text)
        at = stop
    return texts, at


def start_of(texts: list[bytes], end: int) -> int:
    """Where the frame of the first of `texts` begins, if that of the last ends at `end`."""
    return end - sum(len(text) + (2 if len(text) < 126 else 4) for text in texts)


def control(data: bytes, at: int) -> tuple[int, bytes] | None:
    """The first byte and the payload of the plain ping or pong that `data` has at `at`, if any."""
    if len(data) - at < 2 or data[at] not in _PING_PONG:
        return None
    # Masked, or longer than RFC 6455 section 5.5 allows, it is of a size that is never there.
    size = data[at + 1] if data[at + 1] < 126 else len(data)
    payload = data[at + 2 : at + 2 + size]
    return (data[at], payload) if len(payload) == size else None


def _is_utf8(text: bytes) -> bool:
    try:
        utf_8_decode(text, "strict", True)  # noqa: FBT003 - it takes no keyword
    except UnicodeDecodeError:
        return False
    return True


def mask_keys(entropy: Callable[[int], bytes]) -> Iterator[bytes]:
    """A fresh key for every frame, without end.

    RFC 6455 section 5.3 asks that no key can be told from those before it. Drawn ahead, from the
    same source, they are as unpredictable as one by one: no key leaves before its frame does.
    """
    while True:
        for (key,) in iter_unpack("4s", entropy(_DRAWN)):
            yield key


@cache
def quickest_mask() -> Callable[[bytes, bytes], bytes]:
    """What does as `masked` does, the quickest that is installed: a routine in C, or itself."""
    # Here, since it takes long to import and only an open connection needs it.
    try:
        from websockets.speedups import apply_mask  # noqa: PLC0415
    except ImportError:
        return masked
    return apply_mask


def masked(payload: bytes, key: bytes) -> bytes:
    """`payload` under `key` (RFC 6455 section 5.3).

    One exclusive or of big integers is the quickest way through a payload in plain Python. Little
    endian, so that what the last key has too much stands at the end.
    """
    keys = (len(payload) + 3) // 4
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(key * keys, "little")
    return mixed.to_bytes(4 * keys, "little")[: len(payload)]
