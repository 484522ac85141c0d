"""Frames, without and with compression.

Input: a byte of options (1 reads as the gateway does; the others choose what was agreed on), one
that says where to cut, and the stream.
"""

from tests.fuzz.reader import Reader, however_cut, is_utf8

from dojo_proto.deflate import Deflate
from dojo_proto.framing import (
    MAX_CONTROL_PAYLOAD,
    NO_STATUS_RECEIVED,
    CloseFrame,
    FrameEvent,
    Framing,
    Message,
    PingFrame,
    PongFrame,
    Violation,
    is_sendable_close_code,
)
from dojo_proto.slow_lane import SlowLane

MAX = 300
"""Bytes of a message: so many that its length takes two bytes, so few that inputs exceed it."""
LONGEST_HEADER = 14
AGREED = (
    "",
    "; server_no_context_takeover; client_no_context_takeover",
    "; server_max_window_bits=9; client_max_window_bits=9",
    "; client_max_window_bits=8",
)


class Measured(Deflate):
    """Watches what is inflated: beyond the limit one byte, by which it is seen."""

    def _inflate(self, data: bytes) -> bytes:
        inflated = super()._inflate(data)
        assert len(inflated) <= MAX + 1, f"{len(inflated)} bytes were inflated at once"
        return inflated


def plain(data: bytes) -> None:
    """Frames as they are."""
    _frames(data, compressed=False)


def deflated(data: bytes) -> None:
    """Frames with permessage-deflate."""
    _frames(data, compressed=True)


def _frames(data: bytes, *, compressed: bool) -> None:
    script = Reader(data)
    options, at, stream = script.byte(), script.byte(), script.rest()
    is_client = not options & 1
    agreed = AGREED[options // 2 % len(AGREED)] if compressed else None
    events = however_cut(lambda pieces: _read(agreed, is_client, pieces), stream, at)
    for event in events[:-1]:
        assert not isinstance(event, CloseFrame | Violation), f"{event} was not the end"
    for event in events:
        _check(event)
    messages = [event for event in events if isinstance(event, Message) and not event.binary]
    _check_round_trip(messages, agreed, is_client, size=1 + at)


def _deflate(agreed: str | None, is_client: bool) -> Measured | None:
    if agreed is None:
        return None
    deflate = Measured(max_size=MAX)
    fault = deflate.agree(f"permessage-deflate{agreed}")
    assert not fault, fault
    if not is_client:
        deflate = Measured(max_size=MAX)
        assert deflate.answer(f"permessage-deflate{agreed}") is not None
    return deflate


def _framing(agreed: str | None, is_client: bool) -> Framing:
    return Framing(
        client=is_client,
        entropy=lambda size: (b"\x01\x80\xff\x00" * size)[:size],
        max_message_size=MAX,
        deflate=_deflate(agreed, is_client),
    )


def _read(agreed: str | None, is_client: bool, pieces: list[bytes]) -> list[FrameEvent]:
    """What comes of `pieces`, and after each of them the same with the fast lane as without it."""
    framing, events = _framing(agreed, is_client), list[FrameEvent]()
    alone = SlowLane(client=is_client, max_message_size=MAX, deflate=_deflate(agreed, is_client))
    for piece in pieces:
        came = list(framing.receive_data(piece))
        assert came == ([] if alone.ended else list(alone.receive_data(piece))), "the lanes differ"
        events += came
        assert len(framing._begun) <= 1, f"{len(framing._begun)} bytes wait for the rest of a frame"
        _check_memory(framing)
    return events


def _check_memory(framing: Framing) -> None:
    slow = framing._slow
    if slow is not None and not slow.ended:
        assert len(slow._partial) <= MAX, f"{len(slow._partial)} bytes of a message are kept"
        waiting = len(slow._decoder.buffer)
        longest = LONGEST_HEADER + MAX_CONTROL_PAYLOAD
        assert waiting < longest, f"{waiting} bytes wait to be a frame"


def _check(event: FrameEvent) -> None:
    match event:
        case Message(data=payload, binary=binary):
            assert len(payload) <= MAX, f"a message of {len(payload)} bytes"
            assert binary or is_utf8(payload), "a text is not UTF-8"
        case PingFrame(payload=payload) | PongFrame(payload=payload):
            assert len(payload) <= MAX_CONTROL_PAYLOAD, f"a control frame of {len(payload)} bytes"
        case CloseFrame(code=code, reason=reason):
            assert code == NO_STATUS_RECEIVED or is_sendable_close_code(code), f"close code {code}"
            assert len(reason.encode()) <= MAX_CONTROL_PAYLOAD - 2
        case Violation(code=code, reason=reason):
            assert code in {1002, 1007, 1009}, f"a violation with {code}"
            assert reason.isprintable()


def _check_round_trip(
    messages: list[Message], agreed: str | None, is_client: bool, size: int
) -> None:
    """What one side can read, the other can send, in one frame or in many."""
    peer, whole, again = (
        _framing(agreed, not is_client),
        _framing(agreed, is_client),
        _framing(agreed, is_client),
    )
    sent = b"".join(peer.text(message.data) for message in messages)
    assert list(whole.receive_data(sent)) == messages, "a message does not come back"
    peer = _framing(agreed, not is_client)
    pieces = [frame for message in messages for frame in peer.fragments(message.data, size)]
    assert list(again.receive_data(b"".join(pieces))) == messages, "fragments do not come back"
