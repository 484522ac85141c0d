"""The upgrade: what is sent, and what is taken for an answer."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.address import parse_url
from dojo_proto.deflate import Deflate
from dojo_proto.errors import ConfigurationError
from dojo_proto.events import Cause
from dojo_proto.handshake import Handshake, accept_token
from dojo_proto.stage import Passed, Refused, StageOutcome
from dojo_proto.version import __version__

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]

KEY = "sk_sandbox_c4nary"
NONCE = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
GOOD = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {ACCEPT}")


def handshake(
    url: str = "wss://eu.ws.dojo.tech/epos",
    *,
    api_key: str = KEY,
    software_house_id: str = "acme-epos",
    reseller_id: str | None = None,
    deflate: Deflate | None = None,
) -> Handshake:
    return Handshake(
        address=parse_url("url", url, "wss", "ws"),
        api_key=api_key,
        software_house_id=software_house_id,
        reseller_id=reseller_id,
        deflate=deflate,
        max_header_size=2048,
        entropy=lambda size: b"the sample nonce and more than that"[:size],
    )


def play(pieces: list[bytes], deflate: Deflate | None = None) -> StageOutcome | None:
    """The first outcome, with what comes behind it."""
    stage = handshake(deflate=deflate)
    for i, piece in enumerate(pieces):
        outcome = stage.receive_data(piece)
        if isinstance(outcome, Passed):
            return Passed(trailing=outcome.trailing + b"".join(pieces[i + 1 :]))
        if outcome is not None:
            return outcome
    return None


def answer(*headers: str, status: str = "HTTP/1.1 101 Switching Protocols") -> bytes:
    return "\r\n".join((status, *headers, "", "")).encode("latin-1")


def refusal(pieces: list[bytes], deflate: Deflate | None = None) -> Refused:
    outcome = play(pieces, deflate)
    assert isinstance(outcome, Refused)
    return outcome


def test_the_accept_token_is_the_one_of_the_rfc() -> None:
    assert accept_token(NONCE) == ACCEPT


def test_the_request_is_what_vendor_and_rfc_ask_for() -> None:
    assert handshake().data_to_send.decode() == (
        "GET /epos HTTP/1.1\r\n"
        "Host: eu.ws.dojo.tech\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {NONCE}\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        f"Authorization: Basic {KEY}\r\n"
        "software-house-id: acme-epos\r\n"
        f"User-Agent: dojo-proto/{__version__}\r\n"
        "\r\n"
    )


def test_reseller_and_compression_are_sent_when_set() -> None:
    sent = handshake(reseller_id="r-1", deflate=Deflate(max_size=1)).data_to_send
    assert b"\r\nreseller-id: r-1\r\n" in sent
    assert b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" in sent


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("wss://h:443", b"h"),
        ("ws://h:80", b"h"),
        ("wss://h:80", b"h:80"),
        ("wss://h:8443", b"h:8443"),
        ("ws://[::1]:8765", b"[::1]:8765"),
    ],
)
def test_the_host_names_a_port_that_is_not_the_default(url: str, host: bytes) -> None:
    assert b"\r\nHost: " + host + b"\r\n" in handshake(url).data_to_send


@pytest.mark.parametrize("bad", ["a\r\nX: y", "a\nb", "a\x00b", "schlüssel", "a\u2028b", ""])
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("api_key", "the API key"),
        ("software_house_id", "software_house_id"),
        ("reseller_id", "reseller_id"),
    ],
)
def test_values_that_would_break_the_head_are_refused_unshown(
    field: str, name: str, bad: str
) -> None:
    values: dict[str, Any] = {field: bad}
    with pytest.raises(ConfigurationError, match=f"^{name} ") as caught:
        handshake(**values)
    assert not bad or bad not in str(caught.value)


def test_a_right_101_passes_with_what_came_behind_it(however_cut: HoweverCut) -> None:
    assert however_cut(answer(*GOOD) + b"\x81\x02hi", play) == Passed(trailing=b"\x81\x02hi")


def test_early_hints_may_come_first(however_cut: HoweverCut) -> None:
    hints = answer("Link: </style.css>", status="HTTP/1.1 103 Early Hints")
    assert however_cut(hints + answer(*GOOD), play) == Passed()


@pytest.mark.parametrize(
    "headers",
    [
        ("UPGRADE: WebSocket", "CONNECTION: keep-alive, UPGRADE", GOOD[2]),
        ("Upgrade: h2c, websocket", "Connection: keep-alive", "Connection: upgrade", GOOD[2]),
        (*GOOD, "Sec-WebSocket-Extensions:"),
        (*GOOD, "Sec-WebSocket-Extensions: ,", "Sec-WebSocket-Extensions:"),
        (*GOOD, "Server: x", "Content-Length: 5"),
    ],
)
def test_case_lists_and_other_headers_do_not_matter(headers: tuple[str, ...]) -> None:
    assert play([answer(*headers)]) == Passed()


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        (GOOD[1:], "expected `Upgrade: websocket`"),
        (("Upgrade: websockets", *GOOD[1:]), "expected `Upgrade: websocket`"),
        ((GOOD[0], GOOD[2]), "expected `Connection: Upgrade`"),
        ((GOOD[0], "Connection: close", GOOD[2]), "expected `Connection: Upgrade`"),
        (GOOD[:2], "expected one Sec-WebSocket-Accept, got 0"),
        ((*GOOD, GOOD[2]), "expected one Sec-WebSocket-Accept, got 2"),
        ((*GOOD[:2], "Sec-WebSocket-Accept: AAAA"), "does not answer the key"),
        ((*GOOD[:2], GOOD[2].lower()), "does not answer the key"),
        ((*GOOD[:2], GOOD[2] + "\xa0"), "does not answer the key"),
        ((*GOOD, "Sec-WebSocket-Extensions: permessage-deflate"), "extension, and none was"),
        ((*GOOD, "Sec-WebSocket-Protocol: mqtt"), "subprotocol, and none was offered"),
    ],
)
def test_a_wrong_101_is_refused_with_its_fault(
    headers: tuple[str, ...], fault: str, however_cut: HoweverCut
) -> None:
    outcome = however_cut(answer(*headers), refusal)
    assert (outcome.cause, outcome.status) == (Cause.BAD_HANDSHAKE, 101)
    assert fault in outcome.reason


def test_http_1_0_cannot_upgrade(however_cut: HoweverCut) -> None:
    outcome = however_cut(answer(*GOOD, status="HTTP/1.0 101 Go"), refusal)
    assert outcome.cause is Cause.BAD_HANDSHAKE
    assert "expected HTTP/1.1, got HTTP/1.0" in outcome.reason


# RFC 9110 section 5.6.1.2: what lies between two commas may be empty.
@pytest.mark.parametrize("said", ["permessage-deflate", " ,permessage-deflate , ,"])
def test_an_accepted_offer_enables_compression(said: str) -> None:
    deflate = Deflate(max_size=1)
    headers = (*GOOD, f"Sec-WebSocket-Extensions: {said}")
    assert play([answer(*headers)], deflate) == Passed()
    assert deflate.enabled()


def test_an_offer_may_be_passed_over() -> None:
    deflate = Deflate(max_size=1)
    assert play([answer(*GOOD)], deflate) == Passed()
    assert not deflate.enabled()


@pytest.mark.parametrize(
    "lines",
    [
        ("Sec-WebSocket-Extensions: x-other",),
        ("Sec-WebSocket-Extensions: permessage-deflate; mystery",),
        ("Sec-WebSocket-Extensions: permessage-deflate",) * 2,
    ],
)
def test_an_answer_beyond_the_offer_is_refused(lines: tuple[str, ...]) -> None:
    outcome = refusal([answer(*GOOD, *lines)], Deflate(max_size=1))
    assert outcome.cause is Cause.BAD_HANDSHAKE
    assert "permessage-deflate" in outcome.reason


def test_a_subprotocol_is_refused_beside_compression_too() -> None:
    extensions = "Sec-WebSocket-Extensions: permessage-deflate"
    outcome = refusal(
        [answer(*GOOD, extensions, "Sec-WebSocket-Protocol: mqtt")], Deflate(max_size=1)
    )
    assert "subprotocol, and none was offered" in outcome.reason


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, Cause.AUTHENTICATION),
        (403, Cause.AUTHENTICATION),
        (408, Cause.UNAVAILABLE),
        (425, Cause.UNAVAILABLE),
        (429, Cause.UNAVAILABLE),
        (500, Cause.UNAVAILABLE),
        (503, Cause.UNAVAILABLE),
        (599, Cause.UNAVAILABLE),
        (600, Cause.REJECTED),
        (200, Cause.REJECTED),
        (301, Cause.REJECTED),
        (400, Cause.REJECTED),
        (404, Cause.REJECTED),
        (426, Cause.REJECTED),
    ],
)
def test_the_status_says_what_kind_of_refusal_it_is(status: int, cause: Cause) -> None:
    outcome = refusal([answer("Content-Length: 0", status=f"HTTP/1.1 {status} X")])
    assert (outcome.cause, outcome.status) == (cause, status)
    assert f"status {status}" in outcome.reason


def test_a_refused_key_comes_with_what_to_check_and_is_not_repeated(
    however_cut: HoweverCut,
) -> None:
    body = f'{{"error": "no such key: {KEY}", "sent": "Basic {KEY}"}}'
    head = answer(f"Content-Length: {len(body)}", status="HTTP/1.1 401 Unauthorized")
    outcome = however_cut(head + body.encode(), refusal)
    assert "sk_sandbox_…" in outcome.reason
    assert outcome.reason.endswith(': "{"error": "no such key: ***", "sent": "Basic ***"}"')
    assert KEY not in repr(outcome)


@pytest.mark.parametrize("status", [300, 307, 399])
def test_a_redirect_is_not_followed(status: int) -> None:
    headers = ("Location: wss://elsewhere.example/", "Content-Length: 0")
    outcome = refusal([answer(*headers, status=f"HTTP/1.1 {status} Moved")])
    assert outcome.cause is Cause.REJECTED
    assert outcome.reason.endswith(f"status {status}; redirects are not followed")


@pytest.mark.parametrize("status", [299, 400, 410, 429, 500, 503])
def test_where_nothing_is_known_to_help_nothing_is_advised(status: int) -> None:
    outcome = refusal([answer("Content-Length: 0", status=f"HTTP/1.1 {status} No")])
    assert outcome.reason == f"the gateway refused the upgrade with status {status}"


@pytest.mark.parametrize("status", [404, 405, 426])
def test_what_answers_so_may_be_no_gateway_at_all(status: int) -> None:
    outcome = refusal([answer("Content-Length: 0", status=f"HTTP/1.1 {status} No")])
    assert outcome.reason.endswith(f"status {status}; check that `url` is the gateway's")


def test_a_chunked_refusal_is_quoted(however_cut: HoweverCut) -> None:
    head = answer("Transfer-Encoding: chunked", status="HTTP/1.1 410 Gone")
    outcome = however_cut(head + b"3\r\nno \r\n5\r\nroute\r\n0\r\n\r\n", refusal)
    assert outcome.reason.endswith('status 410: "no route"')


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (("Retry-After: 17",), 17),
        (
            ("Retry-After: Sun, 06 Nov 1994 08:50:07 GMT", "Date: Sun, 06 Nov 1994 08:49:37 GMT"),
            30,
        ),
        ((), None),
    ],
)
def test_retry_after_is_passed_on(headers: tuple[str, ...], seconds: float | None) -> None:
    outcome = refusal([answer("Content-Length: 0", *headers, status="HTTP/1.1 503 Busy")])
    assert outcome.retry_after == seconds


@pytest.mark.parametrize("size", [2048, 100_000])
def test_a_head_beyond_the_limit_is_refused_whole_and_in_pieces(size: int) -> None:
    data = answer(*GOOD, f"X: {'x' * size}")
    whole = refusal([data])
    pieces = [data[i : i + 999] for i in range(0, len(data), 999)]
    assert whole == refusal(pieces)
    assert whole.cause is Cause.BAD_HANDSHAKE
    assert "larger than 2048 bytes" in whole.reason


def test_an_answer_that_is_not_http_is_refused(however_cut: HoweverCut) -> None:
    outcome = however_cut(b"<html>\r\n\r\n", refusal)
    assert outcome.cause is Cause.BAD_HANDSHAKE
    assert "the gateway: the answer is not HTTP/1.1" in outcome.reason


def test_the_end_of_the_stream_is_a_refusal() -> None:
    outcome = handshake().receive_eof()
    assert outcome.cause is Cause.BAD_HANDSHAKE
    assert "the connection ended before" in outcome.reason


def test_the_end_of_the_stream_ends_a_body_without_a_length() -> None:
    stage = handshake()
    assert stage.receive_data(answer(status="HTTP/1.1 403 No") + b"blocked") is None
    outcome = stage.receive_eof()
    assert outcome.cause is Cause.AUTHENTICATION
    assert outcome.reason.endswith(': "blocked"')


def test_a_silent_gateway_times_out() -> None:
    assert handshake().timed_out() == Refused(
        cause=Cause.OPEN_TIMEOUT, reason="the gateway did not answer the upgrade in time"
    )


def test_a_refusal_whose_body_stalls_is_told_at_the_time_out() -> None:
    stage = handshake()
    head = answer("Content-Length: 99", status="HTTP/1.1 401 Unauthorized")
    assert stage.receive_data(head + f"bad key {KEY[:-3]}".encode()) is None
    outcome = stage.timed_out()
    assert (outcome.cause, outcome.status) == (Cause.AUTHENTICATION, 401)
    assert outcome.reason.endswith(': "bad key ***"')


@given(
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=40),
            st.sampled_from(
                [f"{line}\r\n".encode() for line in (*GOOD, "Sec-WebSocket-Extensions: x")]
            ),
            st.sampled_from([b"HTTP/1.1 101 Go\r\n", b"HTTP/1.1 401 No\r\n", b"\r\n"]),
        ),
        max_size=10,
    )
)
def test_no_bytes_raise_and_no_cut_makes_a_difference(pieces: list[bytes]) -> None:
    assert play(pieces) == play([b"".join(pieces)])
