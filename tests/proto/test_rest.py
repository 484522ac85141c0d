"""One call of the REST API: the bytes that leave, and what is made of those that come."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto import ConfigurationError, Settings, __version__
from dojo_proto.events import Cause
from dojo_proto.rest import MAX_ANSWER, Answer, Failure, RestCall, RestOutcome, RestRequest

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]

KEY = "sk_sandbox_c4nary"
GET = RestRequest(method="GET", path="/epos/integrations")
PUT = RestRequest(method="PUT", path="/epos/integrations/ws", body=b'{"capabilities":[]}')
URL = "https://api.dojo.tech/epos/integrations"


def make(request: RestRequest = GET, **fields: Any) -> RestCall:
    settings = Settings(api_key=KEY, **fields)
    return RestCall(request, settings=settings, software_house_id="acme-epos", api_key=KEY)


def sent(call: RestCall, limit: int = 1 << 16) -> bytes:
    return call.data_to_send(call.link, 0.0, limit)


def receive(call: RestCall, *pieces: bytes) -> RestOutcome | None:
    for piece in pieces:
        call.receive_data(call.link, piece, 0.0)
    return call.outcome


def play(pieces: list[bytes]) -> RestOutcome | None:
    return receive(make(), *pieces)


def play_to_the_end(pieces: list[bytes]) -> RestOutcome | None:
    call = make()
    receive(call, *pieces)
    call.receive_eof(call.link, 0.0)
    return call.outcome


def failure(outcome: RestOutcome | None) -> Failure:
    assert isinstance(outcome, Failure)
    assert KEY not in outcome.reason
    return outcome


def refusal(status: int, body: str = "", *headers: str) -> Failure:
    lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", *headers, "", body]
    return failure(play(["\r\n".join(lines).encode()]))


# The request.


def test_a_request_without_a_body() -> None:
    assert sent(make()).decode().split("\r\n") == [
        "GET /epos/integrations HTTP/1.1",
        "Host: api.dojo.tech",
        f"Authorization: Basic {KEY}",
        "software-house-id: acme-epos",
        "version: 2026-02-27",
        "Accept: application/json",
        f"User-Agent: dojo-proto/{__version__}",
        "Connection: close",
        "",
        "",
    ]


def test_a_request_with_a_body() -> None:
    head, _, body = sent(make(PUT)).decode().partition("\r\n\r\n")
    assert head.startswith("PUT /epos/integrations/ws HTTP/1.1\r\n")
    assert head.endswith("\r\nContent-Type: application/json\r\nContent-Length: 19")
    assert body == '{"capabilities":[]}'


def test_it_leaves_once_and_in_pieces_as_small_as_is_asked() -> None:
    call = make()
    pieces = [sent(call, 7) for _ in range(100)]
    assert b"".join(pieces) == sent(make())
    assert max(map(len, pieces)) == 7


def test_the_api_may_be_somewhere_else() -> None:
    call = make(api_url="http://127.0.0.1:8766/base/")
    assert (call.host, call.port) == ("127.0.0.1", 8766)
    assert not call.speaks_tls(call.link)
    assert sent(call).startswith(
        b"GET /base/epos/integrations HTTP/1.1\r\nHost: 127.0.0.1:8766\r\n"
    )


def test_it_goes_over_tls_to_a_host_that_is_verified() -> None:
    call = make()
    assert (call.host, call.port) == ("api.dojo.tech", 443)
    assert call.link.server_hostname == "api.dojo.tech"
    assert call.speaks_tls(call.link)


def test_a_key_that_no_header_may_carry_is_refused_unseen() -> None:
    with pytest.raises(ConfigurationError, match="the API key has a character") as caught:
        RestCall(GET, settings=Settings(api_key=KEY), software_house_id="a", api_key="sk_\nc4nary")
    assert "c4nary" not in str(caught.value)


# Answers.


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_whole_answer_is_an_answer(however_cut: HoweverCut, status: int) -> None:
    data = f"HTTP/1.1 {status} Fine\r\nContent-Length: 2\r\n\r\n[]".encode()
    assert however_cut(data, play) == Answer(url=URL, body=b"[]")


def test_so_is_one_without_a_body(however_cut: HoweverCut) -> None:
    assert however_cut(b"HTTP/1.1 204 None\r\n\r\n", play) == Answer(url=URL, body=b"")


def test_one_without_a_length_ends_with_the_stream(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[]"
    assert however_cut(data, play) is None
    assert however_cut(data, play_to_the_end) == Answer(url=URL, body=b"[]")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1,",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n5\r\n",
    ],
)
def test_one_that_is_cut_off_is_none(however_cut: HoweverCut, data: bytes) -> None:
    found = failure(however_cut(data, play_to_the_end))
    assert found.reason == (
        f"GET {URL}: the answer was cut off after 3 bytes. It may have been done all the same; it "
        "does no harm to try again"
    )
    assert found.passing
    assert found.status == 200


def test_one_that_is_too_large_is_none() -> None:
    call = make()
    receive(call, b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n")
    assert "is too large after" in failure(receive(call, b" " * MAX_ANSWER)).reason


@pytest.mark.parametrize(
    ("headers", "body"),
    [("Content-Type: Text/HTML; charset=utf-8\r\n", b"hello"), ("", b" \n<!doctype html>")],
)
def test_a_page_is_no_answer_whatever_its_status(headers: str, body: bytes) -> None:
    data = f"HTTP/1.1 200 OK\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
    found = failure(play([data]))
    assert found.reason.startswith(f"GET {URL}: the answer is an HTML page, not JSON. Either")
    assert found.passing


@pytest.mark.parametrize(
    "data",
    [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"],
)
def test_what_is_no_http_is_no_answer(data: bytes) -> None:
    found = failure(play([data]))
    assert found.reason.startswith(f"GET {URL}: the answer is not HTTP/1.1, or its head is larger")
    assert found.reason.endswith("Is api_url the one of Dojo's API?")


def test_a_switch_of_protocols_was_not_asked_for() -> None:
    found = failure(play([b"HTTP/1.1 101 Go\r\nUpgrade: websocket\r\n\r\n"]))
    assert found.reason.startswith(f"GET {URL}: ")
    assert found.passing


def test_a_stream_that_ends_at_once_is_no_answer() -> None:
    assert failure(play_to_the_end([])).reason == (
        f"GET {URL}: the connection ended before the answer was complete. Is api_url the one of "
        "Dojo's API?"
    )


# Refusals: what to do, and whether to try again.


@pytest.mark.parametrize(
    ("status", "advice", "passing"),
    [
        (301, "redirects are not followed, for the key would go along: check api_url", False),
        (400, "the request itself was not accepted", False),
        (401, "check that the key is complete, still active", False),
        (403, "check that software-house-id is the one from Dojo, and ask Dojo whether", False),
        (404, "check api_url (DOJO_API_URL)", False),
        (408, "nothing here is wrong; try again later", True),
        (409, "the request itself was not accepted", False),
        (422, "the request itself was not accepted", False),
        (425, "nothing here is wrong; try again later", True),
        (429, "too many requests came in; try again later", True),
        (500, "nothing here is wrong; try again later", True),
        (501, "check api_url (DOJO_API_URL), and whether a proxy answers in Dojo's place", True),
        (503, "nothing here is wrong; try again later", True),
    ],
)
def test_a_refusal_says_what_to_do(status: int, advice: str, *, passing: bool) -> None:
    found = refusal(status, f'{{"title": "no, {KEY}"}}')
    assert found.reason.startswith(f"GET {URL} was refused with status {status}; ")
    assert advice in found.reason
    assert found.reason.endswith(""": "{"title": "no, ***"}\"""")
    assert found.passing is passing
    assert found.status == status
    assert found.is_authentication is (status in {401, 403})


def test_a_refusal_in_html_is_not_quoted() -> None:
    found = refusal(502, "<html><h1>Bad Gateway</h1></html>", "Content-Type: text/html")
    assert found.reason.endswith(
        "; nothing here is wrong; try again later. It came with an HTML page, so something in "
        "between may have answered in Dojo's place"
    )


def test_a_refusal_may_say_when_to_come_back() -> None:
    asked = refusal(429, "", "Retry-After: 17")
    assert asked.retry_after == 17
    assert asked.reason.endswith("too many requests came in; try again in 17 s")
    assert refusal(503).retry_after is None


def test_a_refusal_that_is_cut_off_is_clear_all_the_same(however_cut: HoweverCut) -> None:
    data = b"HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\nforb"
    found = failure(however_cut(data, play_to_the_end))
    assert found.status == 403
    assert found.reason.endswith(': "forb"')


# The connection.


def test_a_connection_that_fails_is_explained() -> None:
    call = make()
    call.link_failed(call.link, Cause.DIAL_FAILED, "no connection to api.dojo.tech:443: no", 0.0)
    found = failure(call.outcome)
    assert found.reason == (
        f"GET {URL}: no connection to api.dojo.tech:443: no. Check that a firewall lets "
        "api.dojo.tech:443 through, and whether HTTPS_PROXY has to be set"
    )
    assert (found.status, found.passing) == (None, True)


def test_a_timeout_says_what_to_look_at() -> None:
    call = make(api_timeout=2.5)
    call.timed_out()
    assert failure(call.outcome).reason == (
        f"GET {URL}: no answer within 2.5 s. Check that a firewall lets api.dojo.tech:443 "
        "through, and whether HTTPS_PROXY has to be set; `api_timeout` says how long to wait"
    )


def test_on_this_machine_there_is_no_firewall_to_ask() -> None:
    call = make(api_url="http://127.0.0.1:8767")
    call.link_failed(call.link, Cause.DIAL_FAILED, "no connection", 0.0)
    assert failure(call.outcome).reason.endswith("Check that something listens at 127.0.0.1:8767")


def test_a_connection_that_is_lost_was_let_through() -> None:
    call = make()
    call.link_failed(call.link, Cause.LOST, "the connection was lost: reset", 0.0)
    assert failure(call.outcome).reason == f"GET {URL}: the connection was lost: reset"


def test_a_timeout_of_a_request_that_was_taken_is_no_matter_of_a_firewall() -> None:
    call = make(api_timeout=2.5)
    sent(call)
    call.timed_out()
    assert failure(call.outcome).reason == (
        f"GET {URL}: no answer within 2.5 s. It was asked, so try again later; "
        "`api_timeout` says how long to wait"
    )


def test_a_timeout_in_the_midst_of_an_answer_is_an_answer_cut_off() -> None:
    call = make()
    receive(call, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1,")
    call.timed_out()
    assert "was cut off after 3 bytes" in failure(call.outcome).reason


def test_nothing_that_comes_later_changes_the_outcome() -> None:
    call = make()
    first = receive(call, b"HTTP/1.1 204 None\r\n\r\n")
    assert isinstance(first, Answer)
    receive(call, b"HTTP/1.1 500 No\r\n\r\n")
    call.receive_eof(call.link, 0.0)
    call.link_failed(call.link, Cause.LOST, "reset", 0.0)
    assert call.outcome is first


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_nothing_that_a_peer_sends_raises(pieces: list[bytes]) -> None:
    assert play_to_the_end(pieces) is not None
    data = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *pieces]
    assert play_to_the_end(data) is not None


# Through a proxy.

PROXY: dict[str, Any] = {"proxy": "http://till:pr0xy@proxy:3128"}
TUNNEL = b"HTTP/1.1 200 Connected\r\n\r\n"


def test_a_proxy_is_asked_for_a_tunnel_first() -> None:
    call = make(**PROXY)
    assert (call.host, call.port) == ("proxy", 3128)
    assert not call.speaks_tls(call.link)
    assert sent(call).startswith(b"CONNECT api.dojo.tech:443 HTTP/1.1\r\n")
    assert sent(call) == b""
    assert receive(call, TUNNEL[:9], TUNNEL[9:]) is None
    assert call.speaks_tls(call.link)
    assert sent(call) == sent(make())


@pytest.mark.parametrize("ending", ["answer", "eof", "timeout"])
def test_a_proxy_that_opens_no_tunnel_is_named(ending: str) -> None:
    call = make(**PROXY)
    sent(call)
    match ending:
        case "answer":
            receive(call, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
        case "eof":
            call.receive_eof(call.link, 0.0)
        case "timeout":
            call.timed_out()
    found = failure(call.outcome)
    assert found.reason.startswith(f"GET {URL}: the proxy proxy:3128")
    assert "pr0xy" not in found.reason
    assert found.passing
    assert not found.is_authentication


def test_a_proxy_that_is_not_reached_in_time_did_not_refuse() -> None:
    call = make(**PROXY)
    call.timed_out()
    assert "Check that a firewall lets proxy:3128 through" in failure(call.outcome).reason
