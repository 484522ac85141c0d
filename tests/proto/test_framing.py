"""Frames and messages, in both roles."""

import tracemalloc
from collections.abc import Callable
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.deflate import Deflate
from dojo_proto.errors import LocalProtocolError
from dojo_proto.framing import (
    CloseFrame,
    FrameEvent,
    Framing,
    Message,
    PingFrame,
    PongFrame,
    Violation,
    is_sendable_close_code,
)

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]
MakeFrame = Callable[..., bytes]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MAX = 300
MASK = b"\x01\x02\x03\x04"


def framing(*, client: bool = True, deflate: Deflate | None = None, size: int = MAX) -> Framing:
    return Framing(
        client=client, entropy=lambda n: MASK[:n], max_message_size=size, deflate=deflate
    )


def play(pieces: list[bytes], *, client: bool = True) -> list[FrameEvent]:
    receiver = framing(client=client)
    return [event for piece in pieces for event in receiver.receive_data(piece)]


def play_server(pieces: list[bytes]) -> list[FrameEvent]:
    return play(pieces, client=False)


# Coming in.


def test_messages_and_control_frames_come_in_order(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    data = (
        frame(TEXT, "grüße".encode())
        + frame(PING, b"a")
        + frame(BINARY, b"\xff\x00")
        + frame(PONG, b"b")
        + frame(TEXT)
        + frame(PING)
    )
    assert however_cut(data, play) == [
        Message("grüße".encode()),
        PingFrame(b"a"),
        Message(b"\xff\x00", binary=True),
        PongFrame(b"b"),
        Message(b""),
        PingFrame(b""),
    ]


def test_a_server_unmasks(frame: MakeFrame, however_cut: HoweverCut) -> None:
    data = frame(TEXT, b"hello", masked=True) + frame(CLOSE, b"\x03\xe8", masked=True)
    assert however_cut(data, play_server) == [Message(b"hello"), CloseFrame(1000, "")]


@pytest.mark.parametrize("size", [125, 126, MAX])
def test_each_form_of_the_length_is_read(
    size: int, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    assert however_cut(frame(TEXT, b"x" * size), play) == [Message(b"x" * size)]


def test_a_64_bit_length_is_read(frame: MakeFrame) -> None:
    receiver = framing(size=70_000)
    assert list(receiver.receive_data(frame(BINARY, b"x" * 65_536))) == [
        Message(b"x" * 65_536, binary=True)
    ]


def test_fragments_are_assembled_with_control_frames_between(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    data = (
        frame(TEXT, b"", fin=False)
        + frame(CONTINUATION, b"one ", fin=False)
        + frame(PING, b"!")
        + frame(CONTINUATION, b"", fin=False)
        + frame(CONTINUATION, b"two")
        + frame(BINARY, b"\xfe", fin=False)
        + frame(CONTINUATION)
    )
    assert however_cut(data, play) == [
        PingFrame(b"!"),
        Message(b"one two"),
        Message(b"\xfe", binary=True),
    ]


def test_a_character_may_be_split_across_fragments(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    first, second, third = b"\xe2", b"\x82", b"\xac"
    data = (
        frame(TEXT, first, fin=False)
        + frame(CONTINUATION, second, fin=False)
        + frame(CONTINUATION, third)
    )
    assert however_cut(data, play) == [Message("€".encode())]


@pytest.mark.parametrize(
    "bad", [b"\xff", b"ab\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82"]
)
def test_text_that_is_not_utf_8_is_a_1007(
    bad: bytes, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    expected = [Violation(1007, "a text message is not UTF-8")]
    assert however_cut(frame(TEXT, bad), play) == expected
    for i in range(1, len(bad)):
        data = frame(TEXT, bad[:i], fin=False) + frame(CONTINUATION, bad[i:])
        assert however_cut(data, play) == expected


def test_bad_utf_8_is_told_before_the_message_ends(frame: MakeFrame) -> None:
    (event,) = play([frame(TEXT, b"ok \xff" + b"x" * 90)[:20]])
    assert event == Violation(1007, "a text message is not UTF-8")


def test_binary_messages_may_carry_any_bytes(frame: MakeFrame, however_cut: HoweverCut) -> None:
    assert however_cut(frame(BINARY, b"\xff\xfe"), play) == [Message(b"\xff\xfe", binary=True)]


def test_a_message_beyond_the_limit_is_a_1009(frame: MakeFrame, however_cut: HoweverCut) -> None:
    expected = [Violation(1009, "a message is larger than 300 bytes")]
    whole = frame(TEXT, b"x" * (MAX + 1))
    assert however_cut(whole, play) == expected
    fragments = frame(BINARY, b"x" * MAX, fin=False) + frame(PING) + frame(CONTINUATION, b"x")
    assert however_cut(fragments, play) == [PingFrame(b""), *expected]


def test_the_limit_is_for_each_message(frame: MakeFrame) -> None:
    data = frame(TEXT, b"x" * MAX)
    assert play([data * 3]) == [Message(b"x" * MAX)] * 3


def test_the_first_fault_in_the_stream_decides(frame: MakeFrame, however_cut: HoweverCut) -> None:
    early = frame(TEXT, b"x" * (MAX - 1) + b"\xff" * 5)
    assert however_cut(early, play)[0].code == 1007
    late = frame(TEXT, b"x" * (MAX + 1) + b"\xff" * 5)
    assert however_cut(late, play)[0].code == 1009
    cut_by_the_limit = frame(TEXT, b"x" * (MAX - 1) + "é".encode())
    assert however_cut(cut_by_the_limit, play)[0].code == 1009


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x81\x85" + MASK + b"hello", "masked"),
        (b"\x83\x00", "opcode 0x3"),
        (b"\x8b\x00", "opcode 0xb"),
        (b"\xc1\x00", "Reserved bit"),
        (b"\xa1\x00", "Reserved bit"),
        (b"\x91\x00", "Reserved bit"),
        (b"\x09\x00", "fragment control frame"),
        (b"\x89\x7e\x00\x7e" + b"x" * 126, "payload len > 125"),
        (b"\x81\x7e\x00\x7d" + b"x" * 125, "used 2 bytes"),
        (b"\x81\x7f" + pack("!Q", 65_535), "used 8 bytes"),
        (b"\x81\x7f" + pack("!Q", 1 << 63), "MSB"),
        (b"\x80\x01x", "no message was under way"),
        (b"\x00\x00", "no message was under way"),
        (b"\x01\x01a\x81\x01b", "before the one under way was complete"),
        (b"\x01\x00\x02\x01b", "before the one under way was complete"),
        (b"\x88\x01\x03", "a Close frame came with the code 3"),
    ],
)
def test_a_frame_that_breaks_the_rules_is_a_1002(
    data: bytes, what: str, however_cut: HoweverCut
) -> None:
    (event,) = however_cut(data, play)
    assert event.code == 1002
    assert what in event.reason


def test_a_server_refuses_an_unmasked_frame(frame: MakeFrame, however_cut: HoweverCut) -> None:
    (event,) = however_cut(frame(TEXT, b"hello"), play_server)
    assert event.code == 1002
    assert "unmasked" in event.reason


def test_an_enormous_length_reserves_no_memory() -> None:
    receiver = framing()
    assert list(receiver.receive_data(b"\x82\x7f" + pack("!Q", (1 << 63) - 1))) == []
    assert list(receiver.receive_data(b"x" * MAX)) == []
    assert list(receiver.receive_data(b"x")) == [
        Violation(1009, "a message is larger than 300 bytes")
    ]


def test_many_tiny_fragments_take_little_more_memory_than_their_bytes(frame: MakeFrame) -> None:
    count = 10_000
    data = frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * count
    receiver = framing(size=count * 2)
    tracemalloc.start()
    try:
        assert list(receiver.receive_data(data)) == []
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept < 4 * count
    (message,) = receiver.receive_data(frame(CONTINUATION, b"x"))
    assert message == Message(b"x" * (count + 2))


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4999])
def test_a_close_frame_gives_code_and_reason(
    code: int, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    data = frame(CLOSE, pack("!H", code) + "tschüß".encode())
    assert however_cut(data, play) == [CloseFrame(code, "tschüß")]
    assert is_sendable_close_code(code)


def test_a_close_frame_without_a_code_is_a_1005(frame: MakeFrame, however_cut: HoweverCut) -> None:
    assert however_cut(frame(CLOSE), play) == [CloseFrame(1005, "")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
def test_a_close_frame_with_a_code_that_may_not_be_sent_is_a_1002(
    code: int, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    (event,) = however_cut(frame(CLOSE, pack("!H", code)), play)
    assert isinstance(event, Violation)
    assert event.code == 1002
    assert f"the code {code} " in event.reason
    with pytest.raises(LocalProtocolError, match=f"close code {code} may not be sent"):
        framing().close(code)


def test_a_reason_that_is_not_utf_8_is_a_1007(frame: MakeFrame, however_cut: HoweverCut) -> None:
    assert however_cut(frame(CLOSE, b"\x03\xe8\xff"), play) == [
        Violation(1007, "the reason in a Close frame is not UTF-8")
    ]


@pytest.mark.parametrize("end", [b"\x88\x00", b"\x83\x00"])
def test_behind_the_end_nothing_is_read(
    end: bytes, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    events = however_cut(frame(TEXT, b"a") + end + frame(TEXT, b"b") + b"\xff\xff", play)
    assert events[0] == Message(b"a")
    assert len(events) == 2


# Going out.


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125, 126, 65_535, 65_536])
def test_a_client_masks_and_a_server_does_not(size: int, frame: MakeFrame) -> None:
    payload = (b"0123456789abcdef" * 4097)[:size]
    assert framing(client=True).text(payload) == frame(TEXT, payload, masked=True)
    assert framing(client=False).text(payload) == frame(TEXT, payload)


def test_each_kind_of_frame_has_its_opcode(frame: MakeFrame) -> None:
    server = framing(client=False)
    assert server.ping(b"1") == frame(PING, b"1")
    assert server.pong(b"2") == frame(PONG, b"2")
    assert server.close(1001, "bye") == frame(CLOSE, b"\x03\xe9bye")
    assert server.close(None) == frame(CLOSE)


def test_every_frame_has_a_mask_of_its_own() -> None:
    masks = iter([b"aaaa", b"bbbb"])
    client = Framing(client=True, entropy=lambda _: next(masks), max_message_size=MAX)
    assert client.ping(b"")[2:] == b"aaaa"
    assert client.ping(b"")[2:] == b"bbbb"


def test_the_reason_of_a_close_is_cut_at_a_character(frame: MakeFrame) -> None:
    sent = framing(client=False).close(1000, "é" * 100)
    assert sent == frame(CLOSE, b"\x03\xe8" + "é".encode() * 61)


@pytest.mark.parametrize("send", [Framing.ping, Framing.pong])
def test_a_control_frame_carries_at_most_125_bytes(send: Callable[[Framing, bytes], bytes]) -> None:
    assert len(send(framing(client=False), b"x" * 125)) == 127
    with pytest.raises(LocalProtocolError, match="at most 125 bytes, got 126"):
        send(framing(), b"x" * 126)


def test_compression_marks_text_alone(frame: MakeFrame) -> None:
    deflate = Deflate(max_size=MAX)
    assert deflate.answer("permessage-deflate")
    server = framing(client=False, deflate=deflate)
    assert server.text(b"Hello") == frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=4)
    assert server.ping(b"Hello") == frame(PING, b"Hello")


def test_a_window_too_small_for_zlib_sends_plain_text(frame: MakeFrame) -> None:
    deflate = Deflate(max_size=MAX)
    assert deflate.agree("permessage-deflate; client_max_window_bits=8") == ""
    assert framing(deflate=deflate).text(b"hi") == frame(TEXT, b"hi", masked=True)


def test_a_message_can_be_cut_into_fragments(frame: MakeFrame) -> None:
    deflate = Deflate(max_size=MAX)
    assert deflate.answer("permessage-deflate")
    packed = bytes.fromhex("f248cdc9c90700")
    server, packing = framing(client=False), framing(client=False, deflate=deflate)
    assert server.fragments(b"", 2) == [frame(TEXT)]
    assert server.fragments(b"ab", 2) == [frame(TEXT, b"ab")]
    assert server.fragments(b"abcde", 2) == [
        frame(TEXT, b"ab", fin=False),
        frame(CONTINUATION, b"cd", fin=False),
        frame(CONTINUATION, b"e"),
    ]
    assert packing.fragments(b"Hello", 4) == [
        frame(TEXT, packed[:4], fin=False, rsv=4),
        frame(CONTINUATION, packed[4:]),
    ]


# Any bytes.


@given(
    payload=st.binary(max_size=70_000) | st.text().map(str.encode),
    client=st.booleans(),
    compressed=st.booleans(),
    entropy=st.binary(min_size=4, max_size=4),
)
def test_any_message_survives_the_round_trip(
    payload: bytes, client: bool, compressed: bool, entropy: bytes, frame: MakeFrame
) -> None:
    pair: list[Framing] = []
    for role in (client, not client):
        deflate = Deflate(max_size=70_000)
        assert deflate.agree("permessage-deflate") == ""
        pair.append(
            Framing(
                client=role,
                entropy=lambda _: entropy,
                max_message_size=70_000,
                deflate=deflate if compressed else None,
            )
        )
    sender, receiver = pair
    text = payload.decode("latin-1").encode()[:70_000].decode("utf-8", "ignore").encode()
    data = sender.text(text) + frame(BINARY, payload, masked=client) + sender.ping(payload[:125])
    data += sender.pong(payload[-125:]) + sender.close(3000, "x" * (len(payload) % 200))
    assert list(receiver.receive_data(data)) == [
        Message(text),
        Message(payload, binary=True),
        PingFrame(payload[:125]),
        PongFrame(payload[-125:]),
        CloseFrame(3000, "x" * min(123, len(payload) % 200)),
    ]


PIECES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=30),
        st.sampled_from(
            [
                b"\x81",
                b"\x01",
                b"\x80",
                b"\x00",
                b"\x89\x00",
                b"\x02\x01x",
                b"\x7e\x01\x00",
                b"\x04abcd",
            ]
        ),
    ),
    max_size=20,
)


@given(PIECES, st.booleans())
def test_no_bytes_raise_and_no_cut_makes_a_difference(pieces: list[bytes], client: bool) -> None:
    events = play(pieces, client=client)
    assert events == play([b"".join(pieces)], client=client)
    assert not any(isinstance(event, CloseFrame | Violation) for event in events[:-1])
