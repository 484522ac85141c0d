"""The way through a proxy."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.address import parse_url
from dojo_proto.events import Cause
from dojo_proto.stage import Passed, Refused, StageOutcome
from dojo_proto.tunnel import Tunnel

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]


def tunnel(proxy: str = "http://proxy:3128", url: str = "wss://eu.ws.dojo.tech/epos") -> Tunnel:
    return Tunnel(
        proxy=parse_url("proxy", proxy, "http"),
        address=parse_url("url", url, "wss", "ws"),
        max_header_size=1024,
    )


def fed(stage: Tunnel, pieces: list[bytes]) -> StageOutcome | None:
    """The outcome, which only the last byte may bring."""
    for piece in pieces[:-1]:
        assert stage.receive_data(piece) is None
    return stage.receive_data(pieces[-1])


def play(pieces: list[bytes]) -> StageOutcome | None:
    return fed(tunnel(), pieces)


def first_outcome(pieces: list[bytes]) -> StageOutcome | None:
    """The first outcome, wherever in the stream it falls."""
    stage = tunnel()
    for piece in pieces:
        if (outcome := stage.receive_data(piece)) is not None:
            return outcome
    return None


def test_connect_names_the_gateway() -> None:
    assert tunnel().data_to_send == (
        b"CONNECT eu.ws.dojo.tech:443 HTTP/1.1\r\nHost: eu.ws.dojo.tech:443\r\n\r\n"
    )


def test_connect_puts_ipv6_into_brackets() -> None:
    sent = tunnel(url="ws://[2001:db8::1]:81/").data_to_send
    assert sent.startswith(b"CONNECT [2001:db8::1]:81 HTTP/1.1\r\n")


def test_credentials_of_the_proxy_travel_as_basic_authorization() -> None:
    sent = tunnel("http://ann:p%C3%A4ss%0D%0A@proxy:3128").data_to_send
    token = b64encode("ann:päss\r\n".encode())
    assert b"\r\nProxy-Authorization: Basic " + token + b"\r\n" in sent


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 Connection established\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nVia: x\r\n\r\n",
        b"HTTP/1.1 201 Made\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_any_2xx_opens_the_tunnel(data: bytes, however_cut: HoweverCut) -> None:
    assert however_cut(data, play) == Passed()


def test_bytes_that_nobody_asked_for_are_refused() -> None:
    outcome = play([b"HTTP/1.1 200 OK\r\n\r\nhello"])
    assert isinstance(outcome, Refused)
    assert outcome.cause is Cause.PROXY_REFUSED
    assert "the proxy proxy:3128 sent 5 bytes" in outcome.reason


def test_a_refusal_names_proxy_and_status_and_quotes_the_body(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nbusy"
    assert however_cut(data, play) == Refused(
        cause=Cause.PROXY_REFUSED,
        status=503,
        reason='the proxy proxy:3128 refused CONNECT with status 503: "busy"',
        retry_after=7,
    )


def test_407_says_where_credentials_go() -> None:
    outcome = play([b"HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n"])
    assert isinstance(outcome, Refused)
    assert outcome.status == 407
    assert "http://user:password@host:port" in outcome.reason


def test_407_says_when_the_credentials_were_refused() -> None:
    refusal = b"HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n"
    outcome = fed(tunnel("http://ann:s3cret@proxy:1"), [refusal])
    assert isinstance(outcome, Refused)
    assert "does not take the credentials" in outcome.reason


def test_a_refusal_does_not_repeat_the_credentials(however_cut: HoweverCut) -> None:
    token = b64encode(b"ann:s3cret").decode()
    body = f"Basic {token}? ann:s3cret? s3cret? s3cre".encode()
    data = b"HTTP/1.1 407 Auth\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    outcome = however_cut(data, lambda pieces: fed(tunnel("http://ann:s3cret@proxy:1"), pieces))
    assert outcome.reason.endswith(': "Basic ***? ***? ***? ***"')


def test_an_answer_that_is_not_http_is_refused(however_cut: HoweverCut) -> None:
    outcome = however_cut(b"\x05\x00 is SOCKS\r\n\r\n", first_outcome)
    assert outcome.cause is Cause.PROXY_REFUSED
    assert outcome.status is None
    assert "the proxy proxy:3128: the answer is not HTTP/1.1" in outcome.reason


def test_101_opens_no_tunnel(however_cut: HoweverCut) -> None:
    outcome = however_cut(b"HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n", play)
    assert "the answer is not HTTP/1.1" in outcome.reason


def test_the_end_of_the_stream_is_a_refusal() -> None:
    outcome = tunnel().receive_eof()
    assert outcome.cause is Cause.PROXY_REFUSED
    assert "the proxy proxy:3128: the connection ended before" in outcome.reason


def test_the_end_of_the_stream_ends_a_body_without_a_length() -> None:
    stage = tunnel()
    assert stage.receive_data(b"HTTP/1.1 403 No\r\n\r\npolicy") is None
    assert stage.receive_eof().reason.endswith('with status 403: "policy"')


def test_a_silent_proxy_times_out_by_name() -> None:
    assert tunnel().timed_out() == Refused(
        cause=Cause.OPEN_TIMEOUT, reason="the proxy proxy:3128 did not answer CONNECT in time"
    )


def test_a_refusal_whose_body_stalls_is_told_at_the_time_out() -> None:
    stage = tunnel()
    assert stage.receive_data(b"HTTP/1.1 502 Bad\r\nContent-Length: 9\r\n\r\nno ro") is None
    outcome = stage.timed_out()
    assert outcome.status == 502
    assert outcome.reason.endswith('with status 502: "no ro"')


@given(st.lists(st.binary(min_size=1), min_size=1))
def test_no_bytes_raise_and_no_cut_makes_a_difference(pieces: list[bytes]) -> None:
    assert first_outcome(pieces) == first_outcome([b"".join(pieces)])
