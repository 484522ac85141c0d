"""Bytes read as choices: how a fuzzer's input becomes a script."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Reader:
    """Takes choices from the front of `data`; when that is used up, every choice is 0 or empty."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def more(self) -> bool:
        """Whether anything is left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next `size` bytes, or what there is of them."""
        taken = self._data[self._at : self._at + size]
        self._at += size
        return taken

    def byte(self) -> int:
        """0 to 255."""
        return int.from_bytes(self.take(1))

    def below(self, count: int) -> int:
        """0 to `count` - 1, and `count` at most 256."""
        return self.byte() % count

    def chunk(self) -> bytes:
        """Some bytes, whose number stands before them in two."""
        return self.take(int.from_bytes(self.take(2)))

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data))


def chunk(data: bytes) -> bytes:
    """What `Reader.chunk` reads as `data`."""
    return len(data).to_bytes(2) + data


def is_utf8(data: bytes) -> bool:
    """Whether `data` is text."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def pieces_of(size: int, data: bytes) -> list[bytes]:
    """`data` in pieces of `size` bytes, the last one perhaps shorter."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def however_cut(play: Callable[[list[bytes]], T], data: bytes, at: int) -> T:
    """What `play` makes of a stream: the same whole, cut at `at`, and in many small pieces."""
    whole = play([data])
    first = at % (len(data) + 1)
    assert play([data[:first], data[first:]]) == whole, f"it makes a difference to cut at {first}"
    size = at % 8 + 1
    pieces = pieces_of(size, data)
    assert play(pieces) == whole, f"it makes a difference to cut into pieces of {size}"
    return whole
