"""The local gateway: calls, answers and faults, over real sockets."""

import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import pytest
import trustme

from dojo_proto.connection import Ended
from dojo_proto.events import Cause
from dojo_simulator import (
    CallTimedOut,
    ConnectionEnded,
    ConnectProxy,
    Control,
    LocalGateway,
    SimulatorError,
    WaitTimedOut,
)
from dojo_simulator.events import Connected, Disconnected, Listening, ObserverEvent

Serve = Callable[..., Any]


def test_a_call_returns_the_result_with_its_id_and_time(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    call = gateway.wait_for_epos().start_call("GetOrderByIdV1", {"orderId": "7"})
    request = epos.read_request()
    assert request == {
        "jsonrpc": "2.0",
        "id": call.id,
        "method": "GetOrderByIdV1",
        "params": {"orderId": "7"},
    }
    epos.answer(request, {"id": "7"})
    reply = call.wait()
    assert call.done
    assert (reply.id, reply.result, reply.error) == (call.id, {"id": "7"}, None)
    assert 0 < reply.seconds < 5


def test_call_blocks_until_the_answer_is_there(gateway: LocalGateway, serve: Serve) -> None:
    with ThreadPoolExecutor() as threads:
        epos = serve(gateway.url)
        connection = gateway.wait_for_epos()
        asked = threads.submit(connection.call, "ListAreasV1", request_id="one")
        request = epos.read_request()
        assert request == {"jsonrpc": "2.0", "id": "one", "method": "ListAreasV1"}
        epos.answer(request, [])
        assert asked.result(5).result == []


def test_an_error_answer_is_a_reply_and_does_not_raise(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    call = gateway.wait_for_epos().start_call("GetOrderByIdV1", {})
    error = {"code": -32004, "message": "there is no such order", "errorType": "NotFound"}
    epos.send({"jsonrpc": "2.0", "id": epos.read_request()["id"], "error": error})
    reply = call.wait()
    assert reply.result is None
    assert reply.error == error


def test_ids_are_fresh_and_answers_may_overtake_each_other(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    slow = connection.start_call("GetOrderBillByIdV1", {})
    fast = connection.start_call("GetOrderByIdV1", {})
    assert slow.id != fast.id
    first, second = epos.read_request(), epos.read_request()
    epos.answer(second, "fast")
    assert fast.wait().result == "fast"
    assert not slow.done
    epos.answer(first, "slow")
    assert slow.wait().result == "slow"


def test_the_headers_of_the_upgrade_are_kept_as_they_came(
    gateway: LocalGateway, serve: Serve
) -> None:
    serve(gateway.url, key="sk_sandbox_abc")
    connection = gateway.wait_for_epos()
    assert connection.headers["authorization"] == "Basic sk_sandbox_abc"
    assert connection.headers["software-house-id"] == "acme-epos"
    assert connection.target == "/epos"


def test_it_speaks_tls(serve: Serve) -> None:
    server, client = _contexts(trustme.CA())
    with LocalGateway(tls=server, close_timeout=0.01) as gateway:
        assert gateway.url == f"wss://127.0.0.1:{gateway.port}/epos"
        epos = serve(gateway.url, tls=client)
        connection = gateway.wait_for_epos()
        for size in (1, 100_000, 1):
            call = connection.start_call("ListAreasV1", {"padding": "x" * size})
            epos.answer(epos.read_request(), "y" * size)
            assert call.wait().result == "y" * size
        connection.drop()
        assert epos.read_end().cause is Cause.LOST


def test_a_failed_tls_handshake_leaves_nothing_behind() -> None:
    server, _ = _contexts(trustme.CA())
    with (
        LocalGateway(tls=server, close_timeout=0.01) as gateway,
        socket.create_connection((gateway.host, gateway.port)) as visitor,
    ):
        visitor.sendall(b"GET / HTTP/1.1\r\n\r\n")
        _read_all(visitor)  # an alert, then the end
        assert gateway.connections == ()


def _read_all(stream: socket.socket) -> None:
    while stream.recv(4096):
        pass


def _contexts(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


# Who is connected.


def test_the_newest_of_several_connections_gets_the_requests(
    gateway: LocalGateway, serve: Serve
) -> None:
    serve(gateway.url)
    first = gateway.wait_for_epos()
    newest = serve(gateway.url)
    second = gateway.wait_for_epos(after=first)
    assert second is gateway.wait_for_epos() is gateway.epos
    assert gateway.connections == (first, second)
    newest.close()
    second.wait_closed()
    assert gateway.wait_for_epos() is first


def test_waiting_for_an_epos_that_does_not_come_says_what_came_instead(
    gateway: LocalGateway, connect: Serve
) -> None:
    gateway.refuse_next(503)
    connect(gateway.url)
    gateway.wait_for_refusals(1)
    with pytest.raises(WaitTimedOut, match=r"no EPOS connected to ws://.*; 1 were refused"):
        gateway.wait_for_epos(timeout=0.01)
    assert gateway.epos is None


def test_waiting_for_a_later_connection_is_not_satisfied_by_the_same_one(
    gateway: LocalGateway, serve: Serve
) -> None:
    serve(gateway.url)
    first = gateway.wait_for_epos()
    with pytest.raises(WaitTimedOut, match="connection 1, which is open"):
        gateway.wait_for_epos(timeout=0.01, after=first)


# What goes wrong with calls.


def test_a_call_without_an_answer_times_out_and_the_connection_goes_on(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    with pytest.raises(CallTimedOut, match=r"ListAreasV1 \(id 'x'\): no answer within 0\.01 s"):
        connection.call("ListAreasV1", request_id="x", timeout=0.01)
    epos.read_request()
    again = connection.start_call("ListAreasV1")
    epos.answer(epos.read_request(), [])
    assert again.wait().result == []


def test_the_gateway_gives_a_call_up_by_itself(gateway: LocalGateway, serve: Serve) -> None:
    serve(gateway.url)
    call = gateway.wait_for_epos().start_call("ListAreasV1", timeout=0.01)
    with pytest.raises(CallTimedOut, match=r"no answer within 0\.01 s"):
        call.wait(5)
    assert call.done


def test_wait_may_give_up_before_the_call_does(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    call = gateway.wait_for_epos().start_call("ListAreasV1")
    with pytest.raises(CallTimedOut):
        call.wait(0.01)
    epos.answer(epos.read_request(), [])
    assert call.wait().result == []


def test_a_call_ends_with_its_connection(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    call = gateway.wait_for_epos().start_call("ListAreasV1")
    epos.read_request()
    epos.close()
    with pytest.raises(ConnectionEnded, match=r"ListAreasV1 .* ended before the answer: lost"):
        call.wait()


def test_nothing_is_sent_on_a_connection_that_is_over(gateway: LocalGateway, serve: Serve) -> None:
    serve(gateway.url)
    connection = gateway.wait_for_epos()
    connection.drop()
    with pytest.raises(ConnectionEnded, match=r"ListAreasV1 .* not sent on connection 1") as e:
        connection.start_call("ListAreasV1")
    assert isinstance(e.value.ended, Ended)
    with pytest.raises(ConnectionEnded, match="a message was not sent"):
        connection.send_text("{}")


def test_params_that_are_no_json_raise_where_they_were_given(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    with pytest.raises(TypeError):
        connection.start_call("ListAreasV1", {"x": object()})
    call = connection.start_call("ListAreasV1", {})
    epos.answer(epos.read_request(), [])
    assert call.wait().result == []


def test_a_raw_message_and_what_comes_back(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    connection.send_text('{"jsonrpc": "2.0", "id": 1, "method": 1}')
    assert epos.read_request() == {"jsonrpc": "2.0", "id": 1, "method": 1}
    epos.send({"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "no"}})
    assert b"-32600" in connection.wait_message()
    with pytest.raises(WaitTimedOut, match="no message but answers"):
        connection.wait_message(timeout=0.01)


# Its own life.


def test_it_can_be_used_only_inside_its_block() -> None:
    gateway = LocalGateway()
    with pytest.raises(SimulatorError, match="the local gateway is not running"):
        gateway.silence()
    with gateway:
        pass
    with pytest.raises(SimulatorError, match="the local gateway is not running"):
        gateway.stop_accepting()


@pytest.mark.parametrize(
    "listener",
    [LocalGateway, ConnectProxy, lambda port: Control(LocalGateway(), port)],
    ids=["gateway", "proxy", "control"],
)
def test_a_port_that_is_taken_is_an_error_of_the_system(
    gateway: LocalGateway, listener: Callable[[int], Any]
) -> None:
    with pytest.raises(OSError, match=r"(?i)address already in use"):
        listener(gateway.port).__enter__()


def test_an_observer_must_not_call_back(serve: Serve) -> None:
    refused: SimpleQueue[str] = SimpleQueue()

    def on_event(event: ObserverEvent) -> None:
        if isinstance(event, Connected):
            try:
                gateway.silence()
            except SimulatorError as error:
                refused.put(str(error))

    with LocalGateway(on_event=on_event, close_timeout=0.01) as gateway:
        serve(gateway.url)
        assert refused.get(timeout=5).startswith("this is the thread of the local gateway")


def test_a_visitor_that_leaves_before_the_upgrade_is_told_and_opens_nothing() -> None:
    events: SimpleQueue[ObserverEvent] = SimpleQueue()
    with LocalGateway(on_event=events.put) as gateway:
        socket.create_connection((gateway.host, gateway.port)).close()
        assert isinstance(events.get(timeout=5), Listening)
        left = events.get(timeout=5)
        assert isinstance(left, Disconnected)
        assert (left.connection, left.cause) == (None, Cause.LOST)
        assert (gateway.connections, gateway.refused) == ((), 0)


def test_what_is_told_while_the_gateway_does_not_run_is_told_nobody() -> None:
    told: SimpleQueue[ObserverEvent] = SimpleQueue()
    event = Connected(connection=1, target="/", headers=())
    gateway = LocalGateway(on_event=told.put)
    gateway.tell(event)
    with gateway:
        assert isinstance(told.get(timeout=5), Listening)
        gateway.tell(event)
        assert told.get(timeout=5) == event
    gateway.tell(event)
    assert told.empty()
