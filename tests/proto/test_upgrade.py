"""The gateway's side of the upgrade: what is asked about, and what is refused at once."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.deflate import Deflate
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.stage import Asked, Passed, Refused, StageOutcome
from dojo_proto.upgrade import Upgrade

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]

MAX = 600
NONCE = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
HEADERS = {
    "Host": "eu.ws.dojo.tech",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": NONCE,
    "Sec-WebSocket-Version": "13",
}


def request(line: str = "GET /epos?a=b HTTP/1.1", **changes: str | None) -> bytes:
    """A sound request but for the `changes`: headers with _ for -, None to leave one out."""
    headers: dict[str, str | None] = dict(HEADERS)
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join((line, *lines, "", "")).encode("latin-1")


def upgrade(*, compression: bool = False) -> Upgrade:
    deflate = Deflate(max_size=1000) if compression else None
    return Upgrade(max_header_size=MAX, deflate=deflate)


def play(pieces: list[bytes]) -> tuple[StageOutcome | None, bytes]:
    """The outcome and what is answered; a request that is asked about is accepted."""
    stage = upgrade()
    outcomes: list[StageOutcome] = []
    for piece in pieces:
        if outcomes and isinstance(outcomes[-1], Refused):
            break  # the connection has ended
        came = stage.receive_data(piece)
        if came is not None:
            outcomes.append(came)
    if outcomes and isinstance(outcomes[-1], Asked):
        outcomes.append(stage.accept())
    return outcomes[-1] if outcomes else None, stage.data_to_send


def asked(data: bytes, *, compression: bool = False) -> tuple[Upgrade, Asked]:
    stage = upgrade(compression=compression)
    outcome = stage.receive_data(data)
    assert isinstance(outcome, Asked)
    return stage, outcome


# What is asked about.


def test_a_sound_request_is_asked_about_and_nothing_is_sent_before_the_decision() -> None:
    stage, outcome = asked(request(Authorization="Basic sk_sandbox_c4nary"))
    assert outcome.target == "/epos?a=b"
    assert outcome.values("authorization") == ["Basic sk_sandbox_c4nary"]
    assert outcome.values("host") == ["eu.ws.dojo.tech"]
    assert stage.data_to_send == b""


def test_what_is_shown_of_a_request_hides_the_key() -> None:
    _, outcome = asked(request(Authorization="Basic sk_sandbox_c4nary"))
    assert "c4nary" not in repr(outcome)
    assert "('authorization', '***')" in repr(outcome)
    assert "('host', 'eu.ws.dojo.tech')" in repr(outcome)
    assert "c4nary" not in repr(outcome.__rich_repr__())


def test_accepting_answers_the_key_with_its_token(however_cut: HoweverCut) -> None:
    outcome, sent = however_cut(request(), play)
    assert outcome == Passed()
    assert sent.startswith(b"HTTP/1.1 101 ")
    # RFC 6455 section 1.3 gives the token for this key.
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in sent


@pytest.mark.parametrize(
    "changes",
    [
        {"Upgrade": "WebSocket"},
        {"Upgrade": "h2c, websocket"},
        {"Connection": "keep-alive, upgrade"},
        {"Content_Length": "0"},
    ],
)
def test_requests_that_are_written_otherwise_are_sound(changes: dict[str, str]) -> None:
    asked(request(**changes))


def test_a_body_is_skipped(however_cut: HoweverCut) -> None:
    outcome, sent = however_cut(request(Content_Length="4") + b"body", play)
    assert outcome == Passed()
    assert sent.startswith(b"HTTP/1.1 101 ")


def test_nothing_is_asked_before_the_body_has_ended() -> None:
    stage = upgrade()
    assert stage.receive_data(request(Content_Length="4") + b"bod") is None
    assert isinstance(stage.receive_data(b"y"), Asked)


def test_frames_that_come_before_the_answer_are_kept(however_cut: HoweverCut) -> None:
    outcome, _ = however_cut(request() + b"\x81\x80\x00\x00\x00\x00", play)
    assert outcome == Passed(trailing=b"\x81\x80\x00\x00\x00\x00")


def test_but_not_without_end() -> None:
    stage, _ = asked(request())
    assert stage.receive_data(b"x" * MAX) is None
    outcome = stage.receive_data(b"x")
    assert outcome == Refused(
        cause=Cause.REJECTED,
        status=400,
        reason=f"over {MAX} bytes came before the upgrade was answered",
    )


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate; client_max_window_bits", b"permessage-deflate"),
        ("x-a\r\nSec-WebSocket-Extensions: permessage-deflate", b"permessage-deflate"),
        (None, b""),
        ("x-unknown", b""),
    ],
)
def test_compression_is_agreed_if_it_is_offered(offer: str | None, agreed: bytes) -> None:
    stage, _ = asked(request(Sec_WebSocket_Extensions=offer), compression=True)
    stage.accept()
    extensions = [
        line.partition(b": ")[2]
        for line in stage.data_to_send.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-extensions")
    ]
    assert b"".join(extensions) == agreed


def test_compression_that_is_offered_to_one_without_it_is_left_out() -> None:
    stage, _ = asked(request(Sec_WebSocket_Extensions="permessage-deflate"))
    stage.accept()
    assert b"xtensions" not in stage.data_to_send


# What is refused at once.


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (request("POST /epos HTTP/1.1"), "expected GET over HTTP/1.1"),
        (request("GET /epos HTTP/1.0"), "expected GET over HTTP/1.1"),
        (
            request(Upgrade=None),
            "expected `Upgrade: websocket` and `Connection: Upgrade`",
        ),
        (
            request(Connection="close"),
            "expected `Upgrade: websocket` and `Connection: Upgrade`",
        ),
        (request(Sec_WebSocket_Version="8"), "expected `Sec-WebSocket-Version: 13`"),
        (request(Sec_WebSocket_Version=None), "expected `Sec-WebSocket-Version: 13`"),
        (
            request(Host=None),
            "expected an HTTP/1.1 request with the header Host (RFC 9112 section 3)",
        ),
        (
            b"\x16\x03\x01\x02\x00\r\n\r\n",
            "expected an HTTP/1.1 request with the header Host (RFC 9112 section 3)",
        ),
    ],
)
def test_what_is_no_handshake_is_refused_with_what_was_expected(
    data: bytes, reason: str, however_cut: HoweverCut
) -> None:
    outcome, sent = however_cut(data, play)
    assert outcome == Refused(cause=Cause.REJECTED, status=400, reason=reason)
    assert sent.startswith(b"HTTP/1.1 400 ")
    assert sent.endswith(b"\r\n\r\n" + reason.encode())


@pytest.mark.parametrize(
    "key",
    [
        *(None, "", "c2hvcnQ=", "not base64", "\xe9" * 24, f"{NONCE[:8]}*{NONCE[8:]}"),
        f"{NONCE}\r\nSec-WebSocket-Key: {NONCE}",
    ],
)
def test_a_key_is_16_bytes_in_base64(key: str | None) -> None:
    outcome, _ = play([request(Sec_WebSocket_Key=key)])
    assert outcome == Refused(
        cause=Cause.REJECTED,
        status=400,
        reason="expected one Sec-WebSocket-Key of 16 bytes in base64",
    )


def test_who_asks_for_another_version_hears_which_one_is_understood() -> None:
    _, sent = play([request(Sec_WebSocket_Version="8")])
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in sent


def test_the_answer_to_head_has_no_body() -> None:
    outcome, sent = play([request("HEAD /epos HTTP/1.1")])
    assert isinstance(outcome, Refused)
    assert sent.startswith(b"HTTP/1.1 400 ")
    assert sent.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("size", [MAX - 1, MAX, MAX + 1, 10 * MAX])
def test_a_head_has_a_size_limit_however_it_is_cut(size: int) -> None:
    padding = "x" * (size - len(request(Padding="")))
    data = request(Padding=padding)
    assert len(data) == size
    for pieces in ([data], [data[:-1], data[-1:]], [data[i : i + 1] for i in range(size)]):
        outcome, sent = play(pieces)
        if size <= MAX:
            assert outcome == Passed()
        else:
            reason = f"the head of the request is larger than {MAX} bytes"
            assert outcome == Refused(cause=Cause.REJECTED, status=431, reason=reason)
            assert sent.startswith(b"HTTP/1.1 431 ")


def test_a_head_without_an_end_is_refused_at_the_limit() -> None:
    stage = upgrade()
    assert stage.receive_data(request()[:-2].ljust(MAX, b"x")) is None
    outcome = stage.receive_data(b"x")
    assert isinstance(outcome, Refused)
    assert outcome.status == 431


def test_what_comes_behind_a_head_does_not_count_as_part_of_it() -> None:
    early = b"x" * MAX
    assert play([request() + early])[0] == Passed(trailing=early)


def test_a_refusal_never_quotes_the_key() -> None:
    outcome, sent = play([b"GET / HTTP/1.1\r\nAuthorization : Basic sk_prod_c4nary\r\n\r\n"])
    assert isinstance(outcome, Refused)
    assert "c4nary" not in outcome.reason
    assert b"c4nary" not in sent


def test_a_stream_that_ends_too_early_is_lost() -> None:
    assert upgrade().receive_eof() == Refused(
        cause=Cause.LOST, reason="the client ended the stream before the upgrade"
    )


def test_a_request_that_takes_too_long_is_a_408() -> None:
    stage = upgrade()
    stage.receive_data(request()[:50])
    assert stage.timed_out() == Refused(
        cause=Cause.REJECTED, status=408, reason="the request for the upgrade took too long"
    )
    assert stage.data_to_send.startswith(b"HTTP/1.1 408 ")


def test_a_decision_that_takes_too_long_is_a_503() -> None:
    stage, _ = asked(request())
    assert stage.timed_out() == Refused(
        cause=Cause.REJECTED, status=503, reason="nobody decided about the upgrade in time"
    )
    assert stage.data_to_send.startswith(b"HTTP/1.1 503 ")


# The decision.


def test_refusing_sends_what_it_is_told_to() -> None:
    stage, _ = asked(request())
    outcome = stage.refuse(503, "later", headers=[("Retry-After", "7")], body=b'{"why": "busy"}')
    assert outcome == Refused(cause=Cause.REJECTED, status=503, reason="later")
    head, _, body = stage.data_to_send.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert {b"Retry-After: 7", b"Connection: close", b"Content-Length: 15"} <= set(
        head.split(b"\r\n")
    )
    assert body == b'{"why": "busy"}'


def test_without_a_body_the_reason_is_sent() -> None:
    stage, _ = asked(request())
    stage.refuse(401, "unknown key")
    assert stage.data_to_send.endswith(b"\r\n\r\nunknown key")


def test_a_304_has_no_body() -> None:
    stage, _ = asked(request())
    stage.refuse(304, "as before")
    assert stage.data_to_send.endswith(b"\r\n\r\n")


def test_it_may_refuse_before_the_request_has_come() -> None:
    stage = upgrade()
    stage.refuse(503, "full")
    assert stage.data_to_send.startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize("status", [300, 599])
def test_a_refusal_is_a_redirect_or_an_error(status: int) -> None:
    stage, _ = asked(request())
    assert stage.refuse(status, "no").status == status
    assert stage.data_to_send.startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.parametrize("status", [101, 200, 299, 600])
def test_a_refusal_has_the_status_of_one(status: int) -> None:
    stage, _ = asked(request())
    with pytest.raises(LocalProtocolError, match=f"a status from 300 to 599 .* {status}"):
        stage.refuse(status, "no")


def test_a_header_that_http_cannot_carry_is_an_error_of_the_caller() -> None:
    stage, _ = asked(request())
    with pytest.raises(LocalProtocolError, match="the refusal cannot be sent"):
        stage.refuse(503, "no", headers=[("Retry-After", "7\r\nX: y")])


def test_nothing_is_accepted_that_was_not_asked_for() -> None:
    with pytest.raises(LocalProtocolError, match="there is no request to accept"):
        upgrade().accept()


def test_a_request_is_decided_about_once() -> None:
    stage, _ = asked(request())
    stage.accept()
    with pytest.raises(LocalProtocolError, match="there is no request to accept"):
        stage.accept()


def test_what_was_refused_cannot_be_accepted() -> None:
    stage, _ = asked(request())
    stage.refuse(401, "unknown key")
    with pytest.raises(LocalProtocolError, match="there is no request to accept"):
        stage.accept()


# Whatever comes.

LINES = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"HEAD / HTTP/1.1\r\n",
        b"CONNECT x:1 HTTP/1.1\r\n",
        b"GET / HTTP/1.0\r\n",
        b"Host: x\r\n",
        b"Upgrade: websocket\r\n",
        b"Connection: upgrade\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 3\r\n",
        b"Expect: 100-continue\r\n",
        b"Sec-WebSocket-Version: 13\r\n",
        b"Sec-WebSocket-Key: \xff\r\n",
        f"Sec-WebSocket-Key: {NONCE}\r\n".encode(),
        b"\r\n",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"\x00",
    ]
)


@given(st.lists(LINES | st.binary(max_size=20), max_size=12).map(b"".join), st.data())
def test_nothing_that_comes_raises_and_cuts_make_no_difference(
    data: bytes, draw: st.DataObject
) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(data)), max_size=5).map(sorted))
    edges = [0, *cuts, len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges) if a < b]
    assert play(pieces) == play([data] if data else [])
