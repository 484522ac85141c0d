"""What an adapter is asked to do, from the first dial on, and what becomes of what it reports."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.proto.till import Till
from tests.proto.wired import KEY, counting, plain

from dojo_proto import Carry, Client, ConfigurationError, Dial, Epos, Link, LocalProtocolError, Wait
from dojo_proto.events import (
    Cause,
    Closed,
    Event,
    MessageDropped,
    Opened,
    PingRoundTrip,
    RetryScheduled,
)
from dojo_proto.handshake import accept_token
from dojo_proto.pending import MAX_EVENTS
from dojo_proto.work import Begin

MakeFrame = Callable[..., bytes]

TEXT, CLOSE, PONG = 1, 8, 10


def client(**settings: Any) -> Client:
    return Client(Till().epos, plain(**settings), entropy=counting(), uniform=lambda: 0.0)


def dialing(**settings: Any) -> Client:
    machine = client(**settings)
    machine.start(0)
    return machine


def opening(**settings: Any) -> tuple[Client, Link]:
    machine = dialing(**settings)
    link = machine.dial_succeeded(1, KEY, 1)
    assert link is not None
    return machine, link


def up(**settings: Any) -> tuple[Client, Link]:
    machine, link = opening(**settings)
    machine.receive_data(link, accept(machine.data_to_send(link, 1)), 2)
    assert machine.status().state == "up"
    return machine, link


def pinged(machine: Client, link: Link, now: float) -> bytes:
    """The payload of the ping that leaves."""
    machine.handle_timer(now)
    ping = machine.data_to_send(link, now)
    mask, payload = ping[2:6], ping[6:]
    return bytes(a ^ b for a, b in zip(payload, mask, strict=True))


def accept(request: bytes) -> bytes:
    """The gateway's 101."""
    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_token(key)}\r\n\r\n"
    ).encode()


def events(machine: Client) -> list[Event]:
    return list(iter(machine.next_event, None))


def closed(machine: Client) -> Closed:
    """The one dial that has ended."""
    [event] = [event for event in events(machine) if isinstance(event, Closed)]
    return event


# Dialling.


def test_an_epos_without_handlers_is_not_served() -> None:
    with pytest.raises(ConfigurationError, match="this EPOS handles nothing"):
        Client(Epos("acme-epos"), plain(), entropy=counting(), uniform=lambda: 0.0)


def test_before_the_start_nothing_is_asked_for() -> None:
    machine = client()
    assert machine.next_action() == Wait()
    assert machine.next_timer() is None
    machine.handle_timer(1e9)
    assert machine.next_action() == Wait()
    assert events(machine) == []


def test_started_it_asks_for_a_dial_with_a_deadline() -> None:
    machine = dialing(open_timeout=7.0)
    dial = Dial(number=1, host="eu.ws.dojo.tech", port=443, deadline=7.0)
    assert machine.next_action() == dial
    assert machine.next_action() == dial
    assert machine.next_timer() == 7.0


def test_it_is_started_once() -> None:
    machine = dialing()
    with pytest.raises(LocalProtocolError, match="started once, and it is dialing"):
        machine.start(1)


def test_with_a_proxy_it_is_the_proxy_that_is_dialled() -> None:
    action = dialing(proxy="http://proxy:3128").next_action()
    assert isinstance(action, Dial)
    assert (action.host, action.port) == ("proxy", 3128)


def test_a_dial_that_succeeds_is_a_link_to_carry() -> None:
    machine, link = opening()
    assert link == Link(number=1, server_hostname="eu.ws.dojo.tech")
    assert machine.next_action() == Carry(link=link)
    assert machine.speaks_tls(link)
    assert machine.data_to_send(link, 1).startswith(b"GET /epos HTTP/1.1\r\n")
    assert machine.data_to_send(link, 1) == b""


def test_a_plain_url_gives_a_plain_link() -> None:
    machine, link = opening(url="ws://localhost:8765/epos")
    assert link.server_hostname is None
    assert not machine.speaks_tls(link)


def test_an_open_connection_is_told_with_the_seconds_from_the_dial() -> None:
    machine, link = up()
    assert events(machine) == [Opened(link=1, url="wss://eu.ws.dojo.tech/epos", seconds=2.0)]
    assert machine.next_action() == Carry(link=link)


def test_a_dial_that_fails_is_told_and_waited_for() -> None:
    machine = dialing()
    machine.dial_failed(1, "no such host", 3)
    assert events(machine) == [
        Closed(link=1, cause=Cause.DIAL_FAILED, reason="no such host"),
        RetryScheduled(attempt=1, seconds=1.0, reason="no such host"),
    ]
    assert machine.next_action() == Wait()
    machine.handle_timer(3.9)
    assert machine.next_action() == Wait()
    machine.handle_timer(4.0)
    action = machine.next_action()
    assert isinstance(action, Dial)
    assert (action.number, action.deadline) == (2, 14.0)


def test_a_dial_that_says_nothing_times_out() -> None:
    machine = dialing()
    machine.handle_timer(10)
    event = closed(machine)
    assert (event.cause, event.reason) == (
        Cause.OPEN_TIMEOUT,
        "there was no TCP connection within 10 s",
    )
    assert machine.next_action() == Wait()


def test_an_upgrade_that_says_nothing_times_out_at_the_same_deadline() -> None:
    machine, _ = opening()
    assert machine.next_timer() == 10
    machine.handle_timer(10)
    event = closed(machine)
    assert (event.cause, event.reason) == (
        Cause.OPEN_TIMEOUT,
        "the gateway did not answer the upgrade in time",
    )


def test_a_key_that_cannot_be_sent_fails_the_dial_without_being_shown() -> None:
    machine = dialing(api_key=lambda: "asked by the adapter")
    assert machine.dial_succeeded(1, "sk_sandbox_c4nary ", 1) is None
    event = closed(machine)
    assert event.cause is Cause.DIAL_FAILED
    assert "white space" in event.reason
    assert "c4nary" not in event.reason
    assert machine.next_action() == Wait()


def test_each_key_has_its_own_scope_in_the_journal(frame: MakeFrame) -> None:
    keys = set()
    for key in ("sk_sandbox_1", "sk_sandbox_2", "sk_prod_1"):
        machine = dialing(api_key=lambda: "asked by the adapter", instance="till-1")
        link = machine.dial_succeeded(1, key, 1)
        assert link is not None
        machine.receive_data(link, accept(machine.data_to_send(link, 1)), 1)
        call = (
            b'{"jsonrpc":"2.0","id":"a","method":"RecordOrderPaymentByIdV1","params":'
            b'{"orderId":"table-7","paymentIntentId":"pi-1","paidAmount":{"value":500,"currencyCode":"GBP"}}}'
        )
        machine.receive_data(link, frame(TEXT, call), 1)
        work = machine.next_work()
        assert isinstance(work, Begin)
        keys.add(work.entry.identity.key)
    assert len(keys) == 2  # two sandbox keys share what one has booked, production does not


# Late news.


def test_news_of_another_dial_than_the_one_under_way_are_ignored() -> None:
    machine = dialing()
    machine.handle_timer(10)
    machine.handle_timer(11)
    events(machine)
    machine.dial_failed(1, "late", 11)
    assert machine.dial_succeeded(1, KEY, 11) is None
    assert events(machine) == []
    action = machine.next_action()
    assert isinstance(action, Dial)
    assert action.number == 2
    assert machine.dial_succeeded(2, KEY, 12) is not None


def test_a_dial_is_reported_once() -> None:
    machine, link = opening()
    assert machine.dial_succeeded(1, KEY, 1) is None
    machine.dial_failed(1, "late", 1)
    assert machine.next_action() == Carry(link=link)
    assert events(machine) == []


def test_news_of_a_link_that_has_ended_are_ignored(frame: MakeFrame) -> None:
    machine, old = up()
    machine.receive_eof(old, 3)
    machine.handle_timer(4)
    new = machine.dial_succeeded(2, KEY, 5)
    assert new is not None
    machine.receive_data(new, accept(machine.data_to_send(new, 5)), 6)
    events(machine)
    before = machine.status()
    machine.receive_data(old, frame(TEXT, b"no JSON"), 7)
    machine.receive_eof(old, 7)
    machine.link_failed(old, Cause.LOST, "reset", 7)
    assert machine.data_to_send(old, 7) == b""
    assert not machine.speaks_tls(old)
    assert machine.status() == before
    assert machine.data_to_send(new, 7) == b""
    assert events(machine) == []


def test_no_bytes_are_no_news() -> None:
    machine, link = up()
    before = machine.status(), machine.next_timer()
    machine.receive_data(link, b"", 9)
    assert (machine.status(), machine.next_timer()) == before


# The end of a connection.


def test_a_stream_that_ends_is_lost() -> None:
    machine, link = up()
    machine.receive_eof(link, 5)
    assert closed(machine) == Closed(
        link=1,
        cause=Cause.LOST,
        reason="the stream ended without a Close frame",
        code=1006,
        up_for=3,
    )
    assert machine.next_action() == Wait()


def test_a_certificate_that_does_not_fit_is_told_as_it_is() -> None:
    machine, link = opening()
    machine.link_failed(link, Cause.TLS_FAILED, "certificate has expired", 2)
    event = closed(machine)
    assert (event.cause, event.reason) == (Cause.TLS_FAILED, "certificate has expired")


def test_a_close_of_the_gateway_is_told_in_words_everywhere(frame: MakeFrame) -> None:
    machine, link = up()
    machine.receive_data(link, frame(CLOSE, b"\x03\xe9restart"), 5)
    machine.receive_eof(link, 6)
    reason = 'the gateway closed the connection with code 1001: "restart"'
    [_, event, retry] = events(machine)
    assert event == Closed(link=1, cause=Cause.PEER_CLOSED, reason=reason, code=1001, up_for=4)
    assert isinstance(retry, RetryScheduled)
    assert retry.reason == reason
    assert machine.status().last_error == reason


def test_a_refusal_is_told_with_its_status_and_without_the_key() -> None:
    machine, link = opening()
    body = f"key {KEY} is unknown".encode()
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: %d\r\n\r\n" % len(body)
    machine.receive_data(link, answer + body, 2)
    event = closed(machine)
    assert (event.cause, event.status, event.retry_after) == (Cause.UNAVAILABLE, 503, 9.0)
    assert "status 503" in event.reason
    assert "c4nary" not in event.reason
    assert machine.next_timer() == 11.0


def test_round_trips_of_pings_are_told(frame: MakeFrame) -> None:
    machine, link = up()
    pong = frame(PONG, pinged(machine, link, 22))
    events(machine)
    machine.receive_data(link, pong, 22.5)
    assert events(machine) == [PingRoundTrip(link=1, seconds=0.5)]


# A tunnel.


def test_behind_a_proxy_tls_begins_when_the_tunnel_is_there() -> None:
    machine, link = opening(proxy="http://me:s3cret@proxy:3128")
    assert not machine.speaks_tls(link)
    assert link.server_hostname == "eu.ws.dojo.tech"
    assert machine.data_to_send(link, 1).startswith(b"CONNECT eu.ws.dojo.tech:443 HTTP/1.1\r\n")
    assert machine.status().state == "opening"
    machine.receive_data(link, b"HTTP/1.1 200 Connection established\r\n\r\n", 2)
    assert machine.speaks_tls(link)
    machine.receive_data(link, accept(machine.data_to_send(link, 2)), 3)
    assert machine.status().state == "up"
    assert machine.speaks_tls(link)


def test_a_proxy_that_refuses_is_named_and_its_password_is_not() -> None:
    machine, link = opening(proxy="http://me:s3cret@proxy:3128")
    machine.receive_data(link, b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", 2)
    event = closed(machine)
    assert (event.cause, event.status) == (Cause.PROXY_REFUSED, 407)
    assert "the proxy proxy:3128 refused CONNECT with status 407" in event.reason
    assert "s3cret" not in event.reason
    assert machine.next_action() == Wait()


# What observers leave unread.


def test_events_that_nobody_asks_for_do_not_pile_up(frame: MakeFrame) -> None:
    machine, link = up()
    answer = frame(TEXT, b'{"jsonrpc":"2.0","id":1,"result":1}')
    for _ in range(MAX_EVENTS // 1000 + 1):
        machine.receive_data(link, answer * 1000, 3)
    left = events(machine)
    assert len(left) == MAX_EVENTS
    assert {type(event) for event in left} == {MessageDropped}


def test_what_came_in_behind_what_made_this_side_give_up_is_not_read(frame: MakeFrame) -> None:
    epos = Till().epos
    machine = Client(
        epos, plain(max_outbound=1024), entropy=counting(), uniform=lambda: 0.0, observe=True
    )
    machine.start(0)
    link = machine.dial_succeeded(1, KEY, 1)
    assert link is not None
    machine.receive_data(link, accept(machine.data_to_send(link, 1)), 1)
    unknown = frame(TEXT, b'{"jsonrpc":"2.0","id":1,"method":"Nonsense"}')
    pong = frame(PONG, pinged(machine, link, 22))
    machine.receive_data(link, unknown * 50 + pong, 22)
    answered = [event for event in events(machine) if not isinstance(event, Opened)]
    assert len(answered) < 20
    assert not any(isinstance(event, PingRoundTrip) for event in answered)
    assert isinstance(answered[-2], Closed)
    assert answered[-2].cause is Cause.UNREAD
    assert answered[-2].reason.endswith("bytes wait for the peer to read them; 1024 are allowed")
