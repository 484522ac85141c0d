"""The local gateway: how connections end, and the faults it can play."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dojo_proto.connection import Ended
from dojo_proto.errors import ConfigurationError
from dojo_proto.events import Cause
from dojo_simulator import (
    CallTimedOut,
    ConnectionEnded,
    LocalGateway,
    SimulatorError,
    WaitTimedOut,
)

Serve = Callable[..., Any]


def _read_all(stream: socket.socket) -> None:
    while stream.recv(4096):
        pass


# How connections end.


def test_drop_resets_the_connection_without_a_close_frame(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    connection.drop()
    with pytest.raises(ConnectionResetError):
        epos.socket.recv(1)
    ended = connection.wait_closed()
    assert (ended.cause, ended.code) == (Cause.ABORTED, 1006)
    assert not connection.is_open


def test_close_says_why_and_waits_for_the_answer(serve: Serve) -> None:
    with LocalGateway(close_timeout=5) as gateway:
        epos = serve(gateway.url)
        connection = gateway.wait_for_epos()
        connection.close(4000, "moved")
        assert not connection.is_open
        epos.next_event()
        ended = connection.wait_closed()
        assert (ended.cause, ended.code, ended.reason) == (Cause.STOPPED, 4000, "moved")
        assert connection.ended is ended


def test_the_end_of_a_connection_that_stays_is_awaited_in_vain(
    gateway: LocalGateway, serve: Serve
) -> None:
    serve(gateway.url)
    connection = gateway.wait_for_epos()
    with pytest.raises(WaitTimedOut, match="connection 1, which is open did not end"):
        connection.wait_closed(timeout=0.01)
    assert connection.ended is None


def test_leaving_the_block_says_going_away(serve: Serve) -> None:
    with ThreadPoolExecutor() as threads:
        with LocalGateway(close_timeout=5) as gateway:
            epos = serve(gateway.url)
            connection = gateway.wait_for_epos()
            end = threads.submit(epos.read_end)
        assert (end.result(5).cause, end.result(5).code) == (Cause.PEER_CLOSED, 1001)
    assert connection.wait_closed().code == 1001


def test_an_epos_that_does_not_answer_the_close_holds_nobody_up(serve: Serve) -> None:
    with LocalGateway(close_timeout=0.01) as gateway:
        serve(gateway.url)
        connection = gateway.wait_for_epos()
    assert connection.wait_closed().cause is Cause.CLOSE_TIMEOUT


def test_an_answer_that_arrives_is_lost_with_drop_before_answer(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    call = connection.start_call("RecordOrderPaymentByIdV1", {}, drop_before_answer=True)
    other = connection.start_call("GetOrderByIdV1", {})
    request = epos.read_request()
    assert connection.is_open
    epos.answer(request, {"id": "7"})
    with pytest.raises(ConnectionEnded, match="aborted"):
        call.wait()
    with pytest.raises(ConnectionEnded, match="aborted"):
        other.wait()
    assert not connection.is_open


# Faults.


def test_the_next_upgrades_are_refused_as_told_and_then_served(
    gateway: LocalGateway, connect: Serve
) -> None:
    gateway.refuse_next(429, n=2, retry_after=7)
    gateway.refuse_next(401, headers=[("WWW-Authenticate", "Basic")], body=b"wrong key")
    opening = [connect(gateway.url).opening for _ in range(4)]
    refused = [each for each in opening if isinstance(each, Ended)]
    assert [(each.status, each.retry_after) for each in refused] == [
        (429, 7),
        (429, 7),
        (401, None),
    ]
    assert "Too Many Requests" in refused[0].reason
    assert "wrong key" in refused[2].reason
    assert gateway.refused == 3
    assert len(gateway.connections) == 1


def test_a_refusal_that_cannot_be_sent_is_refused_itself(gateway: LocalGateway) -> None:
    with pytest.raises(SimulatorError, match="expected 300 to 599, got 101"):
        gateway.refuse_next(101)
    with pytest.raises(ConfigurationError, match="X-Reason has a character"):
        gateway.refuse_next(503, headers=[("X-Reason", "two\r\nlines")])


def test_what_is_no_websocket_counts_as_refused(gateway: LocalGateway) -> None:
    with socket.create_connection((gateway.host, gateway.port)) as browser:
        browser.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert browser.recv(4096).startswith(b"HTTP/1.1 400 ")
        gateway.wait_for_refusals(1)
        with pytest.raises(WaitTimedOut, match="1 upgrades were refused, not 2"):
            gateway.wait_for_refusals(2, timeout=0.01)


def test_a_silent_gateway_answers_no_ping_and_keeps_the_socket(serve: Serve) -> None:
    with LocalGateway(ping_interval=0.01, pong_timeout=60, close_timeout=0.01) as gateway:
        before = serve(gateway.url)
        first = gateway.wait_for_epos()
        gateway.silence()
        after = serve(gateway.url)  # is opened, and then nothing
        second = gateway.wait_for_epos(after=first)
        for epos in (before, after):
            epos.socket.settimeout(0.05)
            epos.send({"jsonrpc": "2.0", "method": "x"})
            with pytest.raises(TimeoutError):
                _read_all(epos.socket)  # what was sent before it fell silent, then nothing
        with pytest.raises(CallTimedOut):
            second.call("ListAreasV1", timeout=0.01)
        assert first.is_open
        assert second.is_open
        before.close()
        assert first.wait_closed().cause is Cause.LOST
        gateway.resume()
        again = serve(gateway.url)
        call = gateway.wait_for_epos(after=second).start_call("ListAreasV1")
        again.answer(again.read_request(), [])
        assert call.wait().result == []


def test_one_connection_can_fall_silent_alone(gateway: LocalGateway, serve: Serve) -> None:
    serve(gateway.url)
    quiet = gateway.wait_for_epos()
    epos = serve(gateway.url)
    quiet.silence()
    call = gateway.wait_for_epos(after=quiet).start_call("ListAreasV1")
    epos.answer(epos.read_request(), [])
    assert call.wait().result == []


def test_a_gateway_that_stops_accepting_refuses_the_dial_until_it_resumes(
    gateway: LocalGateway, serve: Serve
) -> None:
    serve(gateway.url)
    first = gateway.wait_for_epos()
    gateway.stop_accepting()
    with pytest.raises(ConnectionRefusedError):
        serve(gateway.url)
    assert first.is_open
    gateway.resume()
    serve(gateway.url)
    assert gateway.wait_for_epos(after=first).number == 2
