"""Gateways that never get to an open connection: bounded time, bounded memory, and a reason."""

from collections.abc import Callable, Iterable
from itertools import chain, repeat
from math import inf

import pytest
from tests.proto.wired import KEY, bytewise
from tests.security.attacked import Attacked, repeated
from tests.security.measure import KIB, MIB, Cost, measured

from dojo_proto import exchange
from dojo_proto.events import Cause, Closed

OPEN_TIMEOUT = 10.0
"""Seconds, as in the default settings; only the clock of the test moves."""

HEAD = b"HTTP/1.1 101 Go\r\n"
REFUSAL = b"HTTP/1.1 403 No\r\n"

MakeFrame = Callable[..., bytes]
Stream = Callable[[], Iterable[bytes]]


def endless(first: bytes, piece: bytes) -> Stream:
    """`first`, and then 4 MiB of what is repeated."""
    return lambda: chain((first,), repeated(piece, 4 * MIB))


ENDLESS: dict[str, tuple[Stream, Cause, str]] = {
    "interim answers": (
        endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        Cause.BAD_HANDSHAKE,
        "more than 100 interim answers",
    ),
    "header lines": (endless(HEAD, b"X-Filler: 0123456789\r\n"), Cause.BAD_HANDSHAKE, "larger"),
    "one header line": (endless(HEAD + b"X-Filler: ", b"0"), Cause.BAD_HANDSHAKE, "larger"),
    "a status line": (endless(b"HTTP/1.1 101 ", b"Go"), Cause.BAD_HANDSHAKE, "larger"),
    "noise without a line end": (endless(b"", b"\xff"), Cause.BAD_HANDSHAKE, "not HTTP/1.1"),
    "folded lines": (endless(HEAD + b"X-Filler: 0\r\n", b" 0\r\n"), Cause.BAD_HANDSHAKE, "larger"),
    "a chunked refusal": (
        endless(REFUSAL + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        Cause.AUTHENTICATION,
        "status 403",
    ),
    "a chunk's extension": (
        endless(REFUSAL + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
        Cause.AUTHENTICATION,
        "status 403",
    ),
    "the trailers of a refusal": (
        endless(REFUSAL + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Filler: 0\r\n"),
        Cause.AUTHENTICATION,
        "status 403",
    ),
    "a refusal that is kept alive": (
        endless(REFUSAL + b"Connection: keep-alive\r\nContent-Length: %d\r\n\r\n" % 2**63, b"x"),
        Cause.AUTHENTICATION,
        "status 403",
    ),
    "a refusal without a length": (
        endless(REFUSAL + b"\r\n", b"x"),
        Cause.AUTHENTICATION,
        "status 403",
    ),
}


def suffered(stream: Stream) -> tuple[Closed, Attacked, Cost]:
    """How the client ends this by itself, before it has read what comes within one second."""
    attacked = Attacked(open_timeout=OPEN_TIMEOUT)
    with measured() as cost:
        attacked.suffer(stream())
    closed = attacked.over()
    assert KEY not in closed.reason
    assert attacked.fed <= 256 * KIB
    assert cost.peak < MIB
    assert cost.seconds < 1
    return closed, attacked, cost


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_an_end_is_cut_short(name: str) -> None:
    stream, cause, reason = ENDLESS[name]
    closed, _, cost = suffered(stream)
    assert closed.cause is cause
    assert reason in closed.reason
    assert len(closed.reason) < 1000
    assert cost.kept < 64 * KIB


def test_it_is_red_where_a_head_may_be_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    class Boundless(exchange.Exchange):
        def __init__(self, **options: object) -> None:
            super().__init__(**{**options, "max_header_size": 1 << 40})  # type: ignore[arg-type] # as they came

    monkeypatch.setattr("dojo_proto.handshake.Exchange", Boundless)
    with pytest.raises(AssertionError):
        suffered(ENDLESS["one header line"][0])


@pytest.mark.parametrize(
    ("stream", "cause"),
    [
        (lambda: repeat(b"H", 1), Cause.OPEN_TIMEOUT),
        (lambda: bytewise(HEAD + b"X-Filler: 0\r\n" * 100), Cause.OPEN_TIMEOUT),
        (
            lambda: bytewise(REFUSAL + b"Content-Length: 900\r\n\r\n" + b"x" * 900),
            Cause.AUTHENTICATION,
        ),
        (lambda: bytewise(b"HTTP/1.1 103 Hints\r\n\r\n" * 99), Cause.OPEN_TIMEOUT),
    ],
    ids=["hardly begun", "a head", "a body", "interim answers"],
)
def test_an_answer_that_drips_in_has_one_deadline(
    stream: Callable[[], Iterable[bytes]], cause: Cause
) -> None:
    attacked = Attacked(open_timeout=OPEN_TIMEOUT)
    attacked.suffer(stream(), seconds_each=0.09)
    attacked.pass_time(OPEN_TIMEOUT)
    assert attacked.over().cause is cause
    assert attacked.fed <= OPEN_TIMEOUT / 0.09 + 1


ACCEPTED = "Sec-WebSocket-Accept: "
SURPRISES: dict[str, tuple[Callable[[Attacked], bytes], str]] = {
    "a wrong accept": (
        lambda attacked: attacked.answer(accept="AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        "does not answer the key",
    ),
    "a doubled accept": (
        lambda attacked: attacked.answer(ACCEPTED + attacked.accept),
        "expected one Sec-WebSocket-Accept, got 2",
    ),
    "a second accept that is wrong": (
        lambda attacked: attacked.answer(ACCEPTED + "AAAA"),
        "expected one Sec-WebSocket-Accept, got 2",
    ),
    "an unasked extension": (
        lambda attacked: attacked.answer("Sec-WebSocket-Extensions: permessage-deflate"),
        "extension",
    ),
    "an unasked subprotocol": (
        lambda attacked: attacked.answer("Sec-WebSocket-Protocol: mqtt"),
        "subprotocol",
    ),
}


REQUEST = b'{"jsonrpc":"2.0","id":1,"method":"SearchOrdersV1","params":{}}'


@pytest.mark.parametrize("name", SURPRISES)
def test_what_comes_behind_a_wrong_101_is_not_read(name: str, frame: MakeFrame) -> None:
    make, fault = SURPRISES[name]
    attacked = Attacked()
    attacked.hear(make(attacked) + frame(1, REQUEST))
    closed = attacked.over()
    assert (closed.cause, closed.status) == (Cause.BAD_HANDSHAKE, 101)
    assert fault in closed.reason
    assert attacked.runs == 0
    assert attacked.read() == b""


def test_the_same_request_behind_a_right_101_is_run(frame: MakeFrame) -> None:
    attacked = Attacked()
    attacked.hear(attacked.answer() + frame(1, REQUEST))
    assert attacked.closed is None
    assert attacked.runs == 1


@pytest.mark.parametrize("seconds", ["9" * 5000, "-1", "1e9", "inf", "nan"])
def test_a_retry_after_that_makes_no_sense_does_not_keep_it_away(seconds: str) -> None:
    attacked = Attacked()
    attacked.hear(
        f"HTTP/1.1 503 No\r\nRetry-After: {seconds}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    assert attacked.over().cause is Cause.UNAVAILABLE
    timer = attacked.client.next_timer()
    assert timer is not None
    assert 0 < timer <= 300 < inf
