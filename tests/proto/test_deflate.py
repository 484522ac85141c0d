"""permessage-deflate: what is agreed, and messages through it."""

import tracemalloc
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.deflate import Deflate
from dojo_proto.framing import FrameEvent, Framing, Message, PingFrame, Violation

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]
MakeFrame = Callable[..., bytes]

MAX = 1000
TEXT, CONTINUATION, PING = 1, 0, 9
RSV1, RSV2, RSV3 = 4, 2, 1


def offered() -> Deflate:
    return Deflate(max_size=MAX)


def agreed(parameters: str = "", *, max_size: int = MAX) -> Deflate:
    deflate = Deflate(max_size=max_size)
    assert deflate.agree(f"permessage-deflate{parameters}") == ""
    return deflate


def framing(deflate: Deflate, *, client: bool = True, max_size: int = MAX) -> Framing:
    return Framing(
        client=client,
        entropy=lambda size: b"\x01\x02\x03\x04"[:size],
        max_message_size=max_size,
        deflate=deflate,
    )


def play(pieces: list[bytes]) -> list[FrameEvent]:
    receiver = framing(agreed())
    return [event for piece in pieces for event in receiver.receive_data(piece)]


def deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def final(data: bytes) -> bytes:
    """Compressed with a final block, and the empty one behind it (RFC 7692 section 7.2.3.4)."""
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush(zlib.Z_FINISH) + b"\x00"


@pytest.mark.parametrize(
    "accepted",
    [
        "permessage-deflate",
        "Permessage-Deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate;client_no_context_takeover;server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=8",
        'permessage-deflate; client_max_window_bits = "15" ; server_max_window_bits=10',
    ],
)
def test_the_client_takes_what_the_rfc_allows(accepted: str) -> None:
    deflate = offered()
    assert not deflate.enabled()
    assert deflate.agree(accepted) == ""
    assert deflate.enabled()


@pytest.mark.parametrize(
    "accepted",
    [
        "x-webkit-deflate-frame",
        "permessage-deflate; mystery",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover=",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_max_window_bits=",
        "permessage-deflate;",
        "permessage-deflate, permessage-deflate",
    ],
)
def test_the_client_refuses_everything_else(accepted: str) -> None:
    deflate = offered()
    assert "permessage-deflate" in deflate.agree(accepted)
    assert not deflate.enabled()


@pytest.mark.parametrize(
    ("offers", "answer"),
    [
        ("permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits", "permessage-deflate"),
        ("permessage-deflate; client_max_window_bits=10", "permessage-deflate"),
        (
            "permessage-deflate; server_max_window_bits=12; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover; server_max_window_bits=12",
        ),
        (
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        ("x-other, permessage-deflate", "permessage-deflate"),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", "permessage-deflate"),
    ],
)
def test_the_server_answers_the_first_offer_it_can_keep(offers: str, answer: str) -> None:
    deflate = offered()
    assert deflate.answer(offers) == answer
    assert deflate.enabled()


@pytest.mark.parametrize(
    "offers",
    [
        "",
        "x-other",
        "permessage-deflate; mystery",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits",
    ],
)
def test_the_server_goes_on_without_an_offer_it_can_keep(offers: str) -> None:
    deflate = offered()
    assert deflate.answer(offers) is None
    assert not deflate.enabled()


def test_what_the_client_offers_the_server_takes() -> None:
    client, server = offered(), offered()
    answer = server.answer(client.offer())
    assert answer is not None
    assert client.agree(answer) == ""


def test_until_it_is_agreed_framing_does_not_use_it() -> None:
    sent = framing(offered(), client=False).text(b"hello")
    assert sent == b"\x81\x05hello"


def test_the_example_of_the_rfc_comes_out(however_cut: HoweverCut) -> None:
    """RFC 7692 section 7.2.3.1 and, with the window of the first message, 7.2.3.2."""
    data = bytes.fromhex("c107f248cdc9c90700 c105f200110000")
    assert however_cut(data, play) == [Message(b"Hello"), Message(b"Hello")]


def test_a_fragmented_message_is_one_stream_with_control_frames_between(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    body = deflated(b"hello, hello, hello")
    data = (
        frame(TEXT, body[:3], fin=False, rsv=RSV1)
        + frame(PING, b"raw")
        + frame(CONTINUATION, body[3:5], fin=False)
        + frame(PING, b"")
        + frame(CONTINUATION, body[5:])
        + frame(TEXT, b"plain")
    )
    assert however_cut(data, play) == [
        PingFrame(b"raw"),
        PingFrame(b""),
        Message(b"hello, hello, hello"),
        Message(b"plain"),
    ]


def test_messages_are_inflated_from_a_client_as_well(however_cut: HoweverCut) -> None:
    client = framing(agreed())
    data = client.text(b"hello") + client.text(b"hello")

    def play_server(pieces: list[bytes]) -> list[FrameEvent]:
        deflate = offered()
        assert deflate.answer("permessage-deflate")
        receiver = framing(deflate, client=False)
        return [event for piece in pieces for event in receiver.receive_data(piece)]

    assert however_cut(data, play_server) == [Message(b"hello"), Message(b"hello")]


def test_a_final_block_ends_a_message_and_not_the_connection(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    data = (
        frame(TEXT, bytes.fromhex("f348cdc9c9070000"), rsv=RSV1)  # RFC 7692 section 7.2.3.4
        + frame(TEXT, final(b"again")[:-1], rsv=RSV1)
        + frame(TEXT, final(b"in two")[:4], fin=False, rsv=RSV1)
        + frame(CONTINUATION, final(b"in two")[4:], fin=False)
        + frame(CONTINUATION)
        + frame(TEXT, deflated(b"and on"), rsv=RSV1)
    )
    messages = [Message(b"Hello"), Message(b"again"), Message(b"in two"), Message(b"and on")]
    assert however_cut(data, play) == messages


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xff\xff",
        b"\x07",
        final(b"done") + deflated(b"more"),
        final(b"done") + b"\x01",
    ],
    ids=["a block type that does not exist", "the same", "blocks behind the final one", "a byte"],
)
def test_what_is_not_deflate_data_is_a_1007(
    body: bytes, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    (event,) = however_cut(frame(TEXT, body, rsv=RSV1), play)
    assert event.code == 1007
    assert "DEFLATE" in event.reason


def test_inflated_text_has_to_be_utf_8(frame: MakeFrame, however_cut: HoweverCut) -> None:
    data = frame(TEXT, deflated(b"caf\xe9!"), rsv=RSV1)
    (event,) = however_cut(data, play)
    assert event.code == 1007
    assert "not UTF-8" in event.reason


@pytest.mark.parametrize("rsv", [RSV1, RSV2, RSV3])
def test_a_continuation_carries_no_reserved_bit(
    rsv: int, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    body = deflated(b"hello")
    data = frame(TEXT, body[:2], fin=False, rsv=RSV1) + frame(CONTINUATION, body[2:], rsv=rsv)
    (event,) = however_cut(data, play)
    assert event.code == 1002


@pytest.mark.parametrize("rsv", [RSV1, RSV2, RSV3])
def test_a_control_frame_carries_no_reserved_bit(
    rsv: int, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    (event,) = however_cut(frame(PING, b"x", rsv=rsv), play)
    assert event.code == 1002


@pytest.mark.parametrize("rsv", [RSV2, RSV3, RSV1 | RSV2])
def test_the_other_reserved_bits_stay_reserved(
    rsv: int, frame: MakeFrame, however_cut: HoweverCut
) -> None:
    (event,) = however_cut(frame(TEXT, deflated(b"x"), rsv=rsv), play)
    assert event.code == 1002


def test_a_message_may_inflate_to_the_limit(frame: MakeFrame) -> None:
    data = frame(TEXT, deflated(b"x" * MAX), rsv=RSV1)
    assert play([data, data]) == [Message(b"x" * MAX)] * 2


def test_a_message_beyond_the_limit_is_a_1009(frame: MakeFrame, however_cut: HoweverCut) -> None:
    data = frame(TEXT, deflated(b"x" * (MAX + 1)), rsv=RSV1)
    assert however_cut(data, play) == [Violation(1009, "a message is larger than 1000 bytes")]


def test_the_first_fault_in_the_stream_decides(frame: MakeFrame, however_cut: HoweverCut) -> None:
    noise = Random(7).randbytes(MAX)  # noqa: S311 - data, and no secret
    early = frame(TEXT, deflated(b"\xff" + noise), rsv=RSV1)
    assert however_cut(early, play)[0].code == 1007
    late = frame(TEXT, deflated(b"x" * (MAX + 1) + b"\xff" + noise), rsv=RSV1)
    assert however_cut(late, play)[0].code == 1009
    garbage = frame(TEXT, final(b"x" * (MAX + 1)) + b"\xff", rsv=RSV1)
    assert however_cut(garbage, play)[0].code == 1009


def test_a_bomb_is_stopped_at_the_limit_in_bounded_memory(frame: MakeFrame) -> None:
    limit = 100_000
    bomb = frame(TEXT, deflated(b"\x00" * 50_000_000), rsv=RSV1)
    assert len(bomb) < limit
    receiver = framing(agreed(max_size=limit), max_size=limit)
    tracemalloc.start()
    try:
        events = list(receiver.receive_data(bomb))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert events == [Violation(1009, "a message is larger than 100000 bytes")]
    assert peak < 10 * limit


def test_the_context_is_kept_from_message_to_message_unless_agreed_otherwise() -> None:
    payload = Random(7).randbytes(500)  # noqa: S311 - data, and no secret
    kept, reset = agreed(), agreed("; client_no_context_takeover")
    for deflate in (kept, reset):
        first = deflate.compress(payload)
        assert first is not None
        assert len(first) > len(payload)
    again = kept.compress(payload)
    assert again is not None
    assert len(again) < 100
    assert reset.compress(payload) == offered().compress(payload)


def test_a_window_that_zlib_cannot_keep_to_sends_uncompressed() -> None:
    deflate = agreed("; client_max_window_bits=8")
    assert deflate.compress(b"hello") is None
    (message,) = framing(offered(), client=False).receive_data(framing(deflate).text(b"hello"))
    assert message == Message(b"hello")


@pytest.mark.parametrize("bits", range(9, 16))
def test_the_agreed_window_is_kept_to(bits: int) -> None:
    noise = Random(7).randbytes(300)  # noqa: S311 - data, and no secret
    payload = noise + b"x" * 40_000 + noise
    compressed = agreed(f"; client_max_window_bits={bits}").compress(payload)
    assert compressed is not None
    inflater = zlib.decompressobj(-bits)
    assert inflater.decompress(compressed + b"\x00\x00\xff\xff") == payload


@given(
    payloads=st.lists(st.binary(max_size=300), max_size=6),
    client=st.booleans(),
    parameters=st.sampled_from(
        [
            "",
            "; server_no_context_takeover",
            "; client_no_context_takeover",
            "; server_max_window_bits=9",
        ]
    ),
)
def test_any_messages_survive_the_round_trip(
    payloads: list[bytes], client: bool, parameters: str
) -> None:
    ours, theirs = offered(), offered()
    answer = theirs.answer(f"permessage-deflate{parameters}")
    assert answer is not None
    assert ours.agree(answer) == ""
    ends = framing(ours), framing(theirs, client=False)
    sender, receiver = ends if client else ends[::-1]
    texts = [payload.decode("latin-1").encode() for payload in payloads]
    data = b"".join(map(sender.text, texts))
    assert list(receiver.receive_data(data)) == [Message(text) for text in texts]


def test_frames_out_of_order_are_refused_before_they_are_inflated(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    good, bad = deflated(b"hello"), b"\x12\xff\xff"
    stray = frame(TEXT, good, rsv=RSV1) + frame(CONTINUATION, bad)
    inside = frame(TEXT, good, fin=False, rsv=RSV1) + frame(TEXT, bad, rsv=RSV1)
    assert [event.code for event in however_cut(stray, play)[1:]] == [1002]
    assert [event.code for event in however_cut(inside, play)] == [1002]


@given(
    specs=st.lists(
        st.tuples(
            st.sampled_from([TEXT, CONTINUATION, CONTINUATION, PING]),
            st.binary(max_size=30) | st.sampled_from([deflated(b"hello"), final(b"hello")]),
            st.booleans(),
            st.sampled_from([0, RSV1]),
        ),
        max_size=6,
    ),
    point=st.integers(0, 200),
)
def test_no_compressed_bytes_raise_and_no_cut_makes_a_difference(
    frame: MakeFrame, specs: list[tuple[int, bytes, bool, int]], point: int
) -> None:
    data = b"".join(frame(code, body, fin=fin, rsv=rsv) for code, body, fin, rsv in specs)
    assert play([data[:point], data[point:]]) == play([data])
