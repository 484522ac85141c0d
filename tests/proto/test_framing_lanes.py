"""Of any stream framing tells, piece by piece, what the slow lane alone tells of it."""

import inspect
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from struct import pack
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dojo_proto import fast_lane
from dojo_proto.deflate import Deflate
from dojo_proto.framing import FrameEvent, Framing, Message, PingFrame
from dojo_proto.slow_lane import SlowLane

MakeFrame = Callable[..., bytes]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX = 300
HELLO = bytes.fromhex("f248cdc9c90700")
"""`Hello`, compressed (RFC 7692 section 7.2.3.1)."""


def agreed(*, compressed: bool) -> Deflate | None:
    deflate = Deflate(max_size=MAX)
    return deflate if compressed and not deflate.agree("permessage-deflate") else None


def framing(*, client: bool = True, compressed: bool = False) -> Framing:
    deflate = agreed(compressed=compressed)
    return Framing(client=client, entropy=bytes, max_message_size=MAX, deflate=deflate)


def both(
    pieces: list[bytes], *, client: bool = True, compressed: bool = False
) -> Iterator[tuple[list[FrameEvent], list[FrameEvent]]]:
    """What each piece brings with the fast lane, and what without it."""
    fast = framing(client=client, compressed=compressed)
    slow = SlowLane(client=client, max_message_size=MAX, deflate=agreed(compressed=compressed))
    for piece in pieces:
        alone = [] if slow.ended else list(slow.receive_data(piece))
        yield list(fast.receive_data(piece)), alone


def expect_no_difference(pieces: list[bytes], **options: bool) -> None:
    for fast, slow in both(pieces, **options):
        assert fast == slow


def expect_no_difference_in_any(streams: Iterator[bytes], **options: bool) -> None:
    """Whole and byte by byte, in either role."""
    for stream in streams:
        for pieces in ([stream], [stream[i : i + 1] for i in range(len(stream))]):
            expect_no_difference(pieces, client=True, **options)
            expect_no_difference(pieces, client=False, **options)


# Whatever the peer sends.

NOT_UTF8 = [b"\xff", b"ab\xc3(", b"\xe2\x82", b"x" * 130 + b"\xed\xa0\x80"]
LENGTHS = [0, 1, 125, 126, 127, MAX, MAX + 1]
PAYLOADS = [b"x" * length for length in LENGTHS] + ["é".encode() * 62, HELLO, b"\x03\xe8bye"]
BROKEN = [
    b"\x81\x7e\x00\x02hi",
    b"\x81\x7e\x00\x7d" + b"x" * 125,
    b"\x81\x7f" + pack("!Q", 2) + b"hi",
    b"\x81\x7f" + pack("!Q", 1 << 16),
    b"\x81\x7f" + pack("!Q", (1 << 63) - 1),
    b"\x81\x7f" + pack("!Q", 1 << 63),
    b"\x83\x7e",
    b"\x81\xfe\x00\x02",
]


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 9 + list(others))


FRAMES = st.fixed_dictionaries(
    {
        "opcode": mostly(TEXT, TEXT, CONTINUATION, CONTINUATION, BINARY, PING, PONG, CLOSE, 3, 11),
        "payload": st.sampled_from(PAYLOADS * 3 + NOT_UTF8) | st.text(max_size=9).map(str.encode),
        "fin": mostly(True, False, False),
        "rsv": mostly(0, 1, 2, 4, 4),
    }
)


@settings(max_examples=300)
@given(
    parts=st.lists(FRAMES | FRAMES | st.sampled_from(BROKEN) | st.binary(max_size=4), max_size=6),
    wrong_mask=mostly(False, True),
    cuts=st.lists(st.integers(0, 1000), max_size=6) | st.just(list(range(2000))),
    client=st.booleans(),
    compressed=st.booleans(),
)
def test_any_stream_however_it_is_cut(
    *,
    parts: list[bytes | dict[str, Any]],
    wrong_mask: bool,
    cuts: list[int],
    client: bool,
    compressed: bool,
    frame: MakeFrame,
) -> None:
    masked = client is wrong_mask
    stream = b"".join(
        part if isinstance(part, bytes) else frame(**part, masked=masked) for part in parts
    )
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(stream)}), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(edges)]
    expect_no_difference(pieces, client=client, compressed=compressed)


# What the fast lane has to leave, each behind what it takes.


def difficult(frame: MakeFrame) -> Iterator[bytes]:
    fine = frame(TEXT, b"fine")
    yield fine * 3
    for payload in [*PAYLOADS, *NOT_UTF8]:
        yield fine + frame(TEXT, payload) + fine
    for rsv in (1, 2, 4):
        yield fine + frame(TEXT, HELLO, rsv=rsv) + fine
    for text in (b"hello", b"hello" * 26):  # a length in the head, and one of 16 bits behind it
        for rsv in (1, 2, 4):
            yield fine + frame(TEXT, text, rsv=rsv) + fine
        for opcode in (BINARY, CONTINUATION, 3, 9):
            yield fine + frame(opcode, text) + fine
        yield fine + frame(TEXT, text, masked=True) + fine
        yield fine + frame(TEXT, text, fin=False) + fine
        yield fine + frame(TEXT, text)[:-1]
    for opcode in (CONTINUATION, BINARY, PING, PONG, CLOSE, 3, 11):
        yield fine + frame(opcode, b"\x03\x20bye") + fine
    for opcode in (PING, PONG):
        for length in (0, 1, 125, 126, 127):
            yield fine + frame(opcode, b"x" * length) + fine * 40
        for rsv in (1, 2, 4):
            yield fine + frame(opcode, b"hello", rsv=rsv) + fine
        yield fine + frame(opcode, b"hello", fin=False) + fine
        yield fine + frame(opcode, b"hello", masked=True) + fine
    for broken in BROKEN:
        yield fine + broken + b"x" * 127 + fine
    yield frame(TEXT, b"a", fin=False) + frame(PING) + frame(CONTINUATION, b"b") + fine


@pytest.mark.parametrize("compressed", [False, True])
def test_each_thing_that_the_fast_lane_has_to_leave(compressed: bool, frame: MakeFrame) -> None:
    expect_no_difference_in_any(difficult(frame), compressed=compressed)


def test_large_messages_in_many_pieces_and_what_follows_them(frame: MakeFrame) -> None:
    data = frame(TEXT, b"x" * 70_000) + frame(TEXT, b"y" * 65_535) + frame(TEXT)
    receiver = Framing(client=True, entropy=bytes, max_message_size=1 << 40)
    events = [
        event for at in range(0, len(data), 999) for event in receiver.receive_data(data[at:][:999])
    ]
    assert events == [Message(b"x" * 70_000), Message(b"y" * 65_535), Message(b"")]


# That it is taken.


def test_behind_any_other_frame_the_fast_lane_is_open_again(
    frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[bytes] = []
    decode = SlowLane.receive_data

    def watched(self: SlowLane, data: bytes) -> Iterator[FrameEvent]:
        decoded.append(data)
        return decode(self, data)

    monkeypatch.setattr(SlowLane, "receive_data", watched)
    fine, other = frame(TEXT, b"fine" * 50), frame(BINARY, b"other" * 50)
    pinged = frame(TEXT, b"o", fin=False) + frame(PING) + frame(CONTINUATION, b"t")
    behind = [[fine + between + fine * 2] for between in (other, frame(PING, b"o"), pinged)]
    cut_off = [[fine + other[:at], other[at:] + fine * 2] for at in range(1, len(other))]
    receiver = framing()
    for pieces in behind + cut_off:
        events = [event for piece in pieces for event in receiver.receive_data(piece)]
        assert events.count(Message(b"fine" * 50)) == 3
    assert decoded
    assert not any(b"fine" in data for data in decoded)


def test_it_is_open_beside_compression(frame: MakeFrame) -> None:
    """RFC 7692 section 6: where it was agreed on, a message may still come as it is."""
    packed = frame(TEXT, HELLO, rsv=4)
    data = packed + frame(TEXT, b"as it is") + frame(PING) + packed
    assert list(framing(compressed=True).receive_data(data)) == [
        Message(b"Hello"),
        Message(b"as it is"),
        PingFrame(b""),
        Message(b"Hello"),
    ]


# Going out.


@given(payload=st.binary(max_size=300), key=st.binary(min_size=4, max_size=4))
def test_every_way_to_mask_gives_the_same(payload: bytes, key: bytes) -> None:
    assert fast_lane.quickest_mask()(payload, key) == fast_lane.masked(payload, key)
    assert fast_lane.masked(payload, key) == bytes(
        byte ^ key[at % 4] for at, byte in enumerate(payload)
    )


def test_without_the_routine_in_c_a_mask_is_made_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "websockets.speedups", None)
    assert fast_lane.quickest_mask.__wrapped__() is fast_lane.masked


def test_masks_drawn_ahead_are_used_once_each_and_in_order() -> None:
    drawn: list[bytes] = []

    def entropy(size: int) -> bytes:
        drawn.append(b"".join(pack("!HH", len(drawn), i) for i in range(size // 4)))
        return drawn[-1]

    client = Framing(client=True, entropy=entropy, max_message_size=MAX)
    assert not drawn  # what never sends asks for nothing
    masks = [client.ping(b"")[2:] for _ in range(200)]
    assert b"".join(drawn).startswith(b"".join(masks))
    assert len(set(masks)) == len(masks)
    assert 1 < len(drawn) < len(masks) // 10


# The comparison is able to fail.


def changed(function: Callable[..., Any], before: str, after: str) -> Any:
    """`function` with `before` in its source replaced."""
    source = dedent(inspect.getsource(function))
    assert source.count(before) == 1
    names = dict(function.__globals__)
    exec(source.replace(before, after), names)  # noqa: S102 - the library's own source
    return names[function.__name__]


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ((fast_lane, "cut"), "if head ==", "if (head & 0x8FFF) =="),
        ((fast_lane, "cut"), "if head ==", "if (head | 0x8000) =="),
        ((fast_lane, "cut"), "if head ==", "if (head & 0xF0FF | 0x0100) =="),
        ((fast_lane, "cut"), "if head ==", "if (head & ~0x80) =="),
        ((fast_lane, "cut"), "size > 125", "size >= 0"),
        ((fast_lane, "cut"), "<= _EMPTY_TEXT + 125", ""),
        ((fast_lane, "cut"), "_EMPTY_TEXT + 125", "_EMPTY_TEXT + 127"),
        ((fast_lane, "cut"), "_EMPTY_TEXT <= head", "(head := head & 0x00FF | 0x8100)"),
        ((fast_lane, "cut"), "size > longest or ", ""),
        ((fast_lane, "cut"), "stop > end", "stop > end + 1"),
        ((fast_lane, "cut"), "text.isascii() or _is_utf8(text)", "True"),
        ((fast_lane, "control"), "< 126", "< 128"),
        ((fast_lane, "control"), "data[at] not in _PING_PONG", "data[at] & 0x8F not in _PING_PONG"),
        ((fast_lane, "control"), " if len(payload) == size else None", ""),
        ((Framing, "receive_data"), "is_ping else", "payload else"),
        ((Framing, "receive_data"), "2 + len(payload)", "2"),
        ((Framing, "receive_data"), " and self._slow is None", ""),
        ((Framing, "receive_data"), "self._client and ", ""),
        ((Framing, "receive_data"), "self._begun + data", "data"),
        ((Framing, "receive_data"), " and not self._ended", ""),
    ],
)
def test_a_fault_in_the_fast_lane_makes_a_difference(
    where: tuple[Any, str],
    before: str,
    after: str,
    frame: MakeFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(*where, changed(getattr(*where), before, after))
    with pytest.raises(AssertionError, match="assert"):
        expect_no_difference_in_any(difficult(frame))
