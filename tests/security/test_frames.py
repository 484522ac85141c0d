"""An open connection whose gateway turns hostile, frame by frame."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat
from struct import pack
from sys import getallocatedblocks
from time import process_time
from typing import Any

import pytest
from tests.proto.wired import KEY
from tests.security.attacked import READ, Attacked, repeated
from tests.security.measure import KIB, MIB, Cost, measured

from dojo_proto import deflate, outbound
from dojo_proto.deflate import Deflate
from dojo_proto.events import Cause, Closed
from dojo_proto.framing import Framing, PongFrame
from dojo_proto.slow_lane import SlowLane

MakeFrame = Callable[..., bytes]
TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10
LIMIT = 256 * KIB
TRACED = 20_000
"""Frames of a flood whose memory is traced: enough to see what each of them keeps."""


def ended(attacked: Attacked) -> tuple[Closed, int]:
    """How it ended, and with which code, for a peer that never answers the Close."""
    code = attacked.close_code()
    attacked.pass_time(60)
    closed = attacked.over()
    assert KEY not in closed.reason
    return closed, code


# Frames that RFC 6455 forbids.


@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, CLOSE])
def test_a_masked_frame_from_the_gateway(opcode: int, frame: MakeFrame) -> None:
    attacked = Attacked().upgraded()
    attacked.hear(frame(opcode, b"\x03\xe8", masked=True))
    closed, code = ended(attacked)
    assert code == 1002  # section 5.1
    assert "mask" in closed.reason


@pytest.mark.parametrize(
    ("length", "code"), [(2**63, 1002), (2**64 - 1, 1002), (2**63 - 1, 1009), (LIMIT + 1, 1009)]
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_length_beyond_all_bounds_reserves_nothing(length: int, code: int, opcode: int) -> None:
    attacked = Attacked(max_message_size=LIMIT).upgraded()
    with measured() as cost:
        attacked.hear(bytes([0x80 | opcode, 127]) + pack("!Q", length))
        attacked.suffer(repeated(b"x", 2 * LIMIT))
        assert attacked.close_code() == code  # section 5.2
    assert cost.peak < 3 * LIMIT
    assert cost.seconds < 2


def test_what_comes_behind_a_violation_is_thrown_away_until_the_close_timeout(
    frame: MakeFrame,
) -> None:
    attacked = Attacked(close_timeout=5).upgraded()
    attacked.hear(frame(TEXT, b"x", masked=True))
    with measured() as cost:
        attacked.suffer(repeated(frame(TEXT, b"{}"), 4 * MIB), seconds_each=0.05)
    assert cost.peak < 512 * KIB
    assert cost.seconds < 2
    attacked.pass_time(5)
    assert attacked.over().code == 1002


# Fragments.


def fragments(frame: MakeFrame, opcode: int, payload: bytes, number: int) -> Iterator[bytes]:
    first = frame(opcode, payload, fin=False)
    return chain((first,), repeated(frame(CONTINUATION, payload, fin=False), number * len(first)))


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_tiny_fragments_take_little_more_than_their_bytes(opcode: int, frame: MakeFrame) -> None:
    attacked = Attacked().upgraded()
    with measured() as cost:
        attacked.suffer(fragments(frame, opcode, b"x", TRACED))
    assert attacked.closed is None
    assert cost.kept < 2 * TRACED
    assert cost.peak < 512 * KIB


def test_a_million_tiny_fragments_make_one_buffer_and_then_one_close(frame: MakeFrame) -> None:
    attacked = Attacked().upgraded()
    before = getallocatedblocks()  # tracing so many would take a minute
    began = process_time()
    attacked.suffer(fragments(frame, TEXT, b"x", 100_000))
    tenth = process_time() - began
    attacked.suffer(fragments(frame, CONTINUATION, b"x", 900_000))
    assert process_time() - began < 40 * tenth  # so it is linear: else it were 100 times as much
    assert getallocatedblocks() - before < 1000
    assert attacked.closed is None
    attacked.suffer(fragments(frame, CONTINUATION, b"x", 2 * READ))
    assert ended(attacked)[1] == 1009


def empty_fragments(frame: MakeFrame) -> Cost:
    """What it costs that a message never ends, and never grows."""
    attacked = Attacked(max_message_size=LIMIT).upgraded()
    with measured() as cost:
        attacked.suffer(fragments(frame, TEXT, b"", TRACED))
    assert attacked.closed is None
    assert cost.peak < 512 * KIB
    assert cost.kept < 64 * KIB
    return cost


def test_fragments_of_nothing_keep_nothing(frame: MakeFrame) -> None:
    empty_fragments(frame)


def test_it_is_red_where_fragments_are_kept_one_by_one(
    frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytearray] = []

    assemble = SlowLane._assemble

    def hoarding(self: SlowLane, frame: Any, payload: bytes) -> Any:
        kept.append(bytearray(payload))
        return assemble(self, frame, payload)

    monkeypatch.setattr(SlowLane, "_assemble", hoarding)
    with pytest.raises(AssertionError):
        empty_fragments(frame)


# Floods of control frames.


def ping_flood(frame: MakeFrame) -> Attacked:
    """Many pings to a client whose socket takes nothing."""
    payload = b"p" * 100
    attacked = Attacked().upgraded()
    with measured() as cost:
        attacked.suffer(repeated(frame(PING, payload), TRACED * (len(payload) + 2)))
        attacked.hear(frame(PING, b"the last"))
    assert attacked.closed is None
    assert cost.peak < MIB
    assert cost.kept < 64 * KIB
    return attacked


def test_of_a_flood_of_pings_the_newest_are_answered(frame: MakeFrame) -> None:
    server = Framing(client=False, entropy=bytes, max_message_size=1024)
    pongs = list(server.receive_data(ping_flood(frame).read()))
    assert 1 <= len(pongs) <= outbound.MAX_PONGS  # RFC 6455 section 5.5.3: one would be enough
    assert pongs[-1] == PongFrame(b"the last")


def test_it_is_red_where_every_ping_is_remembered(
    frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "MAX_PONGS", 1 << 30)
    with pytest.raises(AssertionError):
        ping_flood(frame)


def test_pongs_that_nobody_asked_for_are_forgotten(frame: MakeFrame) -> None:
    attacked = Attacked().upgraded()
    with measured() as cost:
        attacked.suffer(repeated(frame(PONG, b"p" * 100), 2 * MIB))
    assert attacked.closed is None
    assert cost.peak < MIB
    assert cost.kept < 64 * KIB


# Compression.


def deflated(blocks: Iterable[bytes]) -> bytes:
    """A message as RFC 7692 section 7.2.1 makes it."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(deflater.compress(block) for block in blocks)
    return (data + deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """64 MiB in 64 KiB."""
    return deflated(repeat(bytes(MIB), 64))


def explode(bomb: Iterable[bytes]) -> tuple[Attacked, int]:
    attacked = Attacked(compression=True, max_message_size=LIMIT)
    attacked.upgraded("permessage-deflate; server_no_context_takeover")
    with measured() as cost:
        attacked.suffer(bomb)
        _, code = ended(attacked)
    assert cost.peak < 8 * LIMIT
    assert cost.seconds < 2
    return attacked, code


def pieces(bomb: bytes, frame: MakeFrame, size: int) -> Iterator[bytes]:
    """The bomb in fragments of `size` bytes."""
    yield frame(TEXT, bomb[:size], fin=False, rsv=4)
    for at in range(size, len(bomb), size):
        yield frame(CONTINUATION, bomb[at : at + size], fin=False)


@pytest.mark.parametrize("size", [100, 4096, 1 << 20])
def test_a_decompression_bomb_stops_at_the_limit(size: int, bomb: bytes, frame: MakeFrame) -> None:
    assert len(bomb) < MIB
    attacked, code = explode(pieces(bomb, frame, size))
    assert code == 1009
    assert "max_message_size" in attacked.over().reason
    assert attacked.runs == 0


def test_it_is_red_where_inflating_has_no_limit(
    bomb: bytes, frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Boundless(Deflate):
        def __init__(self, *, max_size: int) -> None:
            super().__init__(max_size=max_size << 10)

    monkeypatch.setattr(deflate, "Deflate", Boundless)
    with pytest.raises(AssertionError):
        explode(pieces(bomb, frame, 1 << 20))


def test_blocks_that_inflate_to_nothing_keep_nothing(frame: MakeFrame) -> None:
    attacked = Attacked(compression=True).upgraded("permessage-deflate")
    attacked.hear(frame(TEXT, b"", fin=False, rsv=4))
    nothing = frame(CONTINUATION, b"\x00\x00\x00\xff\xff" * 1000, fin=False)
    with measured() as cost:
        attacked.suffer(repeated(nothing, 4 * MIB))
    assert attacked.closed is None
    assert cost.peak < MIB
    assert cost.kept < 128 * KIB


def test_a_compressed_message_without_an_offer_is_refused(frame: MakeFrame) -> None:
    attacked = Attacked().upgraded()
    attacked.hear(frame(TEXT, deflated([b"{}"]), rsv=4))
    assert ended(attacked)[1] == 1002


# A peer that keeps the connection busy and says nothing.


def test_half_a_frame_that_drips_is_no_request() -> None:
    attacked = Attacked().upgraded()
    attacked.suffer((b"\x81\x7e\x7f\xff", *(b"x" for _ in range(1000))), seconds_each=5)
    assert attacked.closed is None  # any byte is life
    attacked.pass_time(20)  # and without one a ping leaves
    attacked.read()
    attacked.pass_time(10)
    assert attacked.over().cause is Cause.PONG_TIMEOUT
    assert attacked.runs == 0
