"""Connections that end, and the next ones."""

import select
import socket
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import DEADLINE, Runtime
from tests.adapters.life_stories.tills import HELD, Till, make_epos, order
from tests.adapters.life_stories.transports import over_every_transport
from wsproto.events import AcceptConnection

from dojo_adapters import dialing, engine
from dojo_adapters.dial_threads import DialThreads
from dojo_adapters.engine import Engine
from dojo_proto import Epos
from dojo_proto.events import Cause, Closed, Opened, PingRoundTrip, RequestFinished
from dojo_simulator import LocalGateway


@over_every_transport
def test_a_silent_peer_is_pinged_then_given_up_and_dialed_again(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos, ping_interval=0.02, pong_timeout=0.2)
    service.wait_for_event(PingRoundTrip)
    first = gateway.wait_for_epos()
    first.silence()
    given_up = service.wait_for_event(Closed, lambda event: event.cause is Cause.PONG_TIMEOUT)
    assert given_up.code == 1006
    gateway.wait_for_epos(after=first)
    # By the gateway, which asks again: a peer that is only slow is given up as well.
    assert gateway.call("GetOrderById", {"orderId": "o-1"}).result == order("o-1")


def test_a_peer_that_does_not_read_big_answers_is_given_up_too(
    serve: Serve, played: PlayedGateway
) -> None:
    epos = Epos("acme-epos")
    epos.on("SearchOrders")(lambda _ctx, _params: {"data": [], "after": "x" * (16 << 20)})
    service = serve(
        epos, url=played.url, ping_interval=0.02, pong_timeout=0.1, max_outbound=64 << 20
    )
    peer = played.accept()
    peer.read_upgrade()
    peer.send(AcceptConnection(), peer.request(1, "SearchOrdersV1"))
    service.wait_for_event(Closed, lambda event: event.cause is Cause.PONG_TIMEOUT)
    service.wait_for_event(RequestFinished)
    played.accept_epos()


@over_every_transport
def test_a_close_by_the_gateway_is_answered_and_dialed_again(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos)
    first = gateway.wait_for_epos()
    first.close(1001, "we are moving")
    assert first.wait_closed().code == 1001
    closed = service.wait_for_event(Closed)
    assert (closed.cause, closed.code) == (Cause.PEER_CLOSED, 1001)
    assert "we are moving" in closed.reason
    second = gateway.wait_for_epos(after=first)
    assert second.call("GetOrderByIdV1", {"orderId": "o-1"}).result == order("o-1")


def test_the_end_of_the_stream_without_a_close_is_noticed_at_once_and_dialed_again(
    serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    service = serve(epos, url=played.url, ping_interval=30.0)  # longer than DEADLINE
    played.accept_epos().socket.close()
    closed = service.wait_for_event(Closed)
    assert (closed.cause, closed.code) == (Cause.LOST, 1006)
    played.accept_epos()


def test_a_request_that_is_abandoned_in_one_breath_leaves_its_place(
    serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    serve(epos, url=played.url, max_in_flight=1, queue_timeout=1)
    hasty = played.accept_epos()
    hasty.close(hasty.request(1, "SearchOrdersV1"))
    patient = played.accept_epos()
    patient.send(patient.request(2, "SearchOrdersV1"))
    assert patient.next_answer()["result"] == {"data": []}


def test_the_gateway_comes_back_after_several_dials_in_vain(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos)
    first = gateway.wait_for_epos()
    gateway.stop_accepting()
    first.drop()
    refused = service.wait_for_event(Closed, lambda e: e.cause is Cause.DIAL_FAILED, count=3)
    assert refused.reason == f"no connection to 127.0.0.1:{gateway.port}: Connection refused"
    gateway.resume()
    assert gateway.wait_for_epos(after=first).is_open
    service.wait_for_event(Opened, count=2)
    assert service.status().state == "up"


@pytest.mark.parametrize("host", ["255.255.255.255", "[::1]", "localhost"])
def test_an_address_that_is_none_of_a_gateway_is_dialed_again(
    host: str, serve: Serve, epos: Epos
) -> None:
    service = serve(epos, url=f"ws://{host}:1/epos", allow_plaintext=True)
    closed = service.wait_for_event(Closed, count=2)
    assert closed.cause is Cause.DIAL_FAILED
    assert closed.reason.startswith(f"no connection to {host.strip('[]')}:1: ")


def test_where_the_system_gives_no_thread_to_dial_in_that_is_told_and_it_is_tried_again(
    serve: Serve, epos: Epos, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(thread: Thread) -> None:
        if thread.name == "dojo-dial" and len(asked) < 2:
            asked.append("once")
            raise RuntimeError("can't start new thread")
        start(thread)

    asked: list[str] = []
    start, threads = Thread.start, DialThreads()
    monkeypatch.setattr(engine, "dial_threads", lambda: threads)
    monkeypatch.setattr(Thread, "start", no_thread)
    service = serve(epos, url=gateway.url.replace("127.0.0.1", "localhost"))
    service.wait_for_event(Opened)
    causes = [event for event in service.events if isinstance(event, Closed)]
    assert [(each.cause, each.reason) for each in causes] == [
        (Cause.DIAL_FAILED, "the system gives no thread to dial in")
    ] * 2


@pytest.fixture
def reset_at_first(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first two sockets are reset by their peer before they are looked at."""
    succeeded = Engine.dial_succeeded

    def reset(engine: Engine, number: int, api_key: str, sock: socket.socket, now: float) -> None:
        if left:
            left.pop()
            sock.close()
            sock = dialing.connect("127.0.0.1", rude.port, monotonic() + DEADLINE, lambda: True)
            rude.accept().reset()
            select.select([sock], [], [], DEADLINE)
        succeeded(engine, number, api_key, sock, now)

    left = deque(range(2))
    monkeypatch.setattr(Engine, "dial_succeeded", reset)
    with PlayedGateway() as rude:
        yield


@pytest.mark.usefixtures("reset_at_first")
def test_a_connection_that_is_reset_before_it_is_looked_at_is_dialed_again(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos)
    connection = gateway.wait_for_epos()
    assert service.wait_for_event(Closed, count=2).cause is Cause.BAD_HANDSHAKE
    assert connection.call("GetOrderByIdV1", {"orderId": "o-1"}).result == order("o-1")


def test_the_api_key_is_asked_for_before_each_dial(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    keys = iter(["sk_sandbox_one", "sk_sandbox_two"])
    serve(epos, api_key=lambda: next(keys))
    first = gateway.wait_for_epos()
    assert first.headers["authorization"] == "Basic sk_sandbox_one"
    first.drop()
    second = gateway.wait_for_epos(after=first)
    assert second.headers["authorization"] == "Basic sk_sandbox_two"


@pytest.mark.parametrize("fault", [RuntimeError("sk_sandbox_s3cret"), OSError("sk_sandbox_s3cret")])
def test_a_key_that_cannot_be_read_is_a_failed_dial_and_asked_for_again(
    fault: Exception, serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    faults = [fault]

    def api_key() -> str:
        if faults:
            raise faults.pop()
        return "sk_sandbox_c4nary"

    service = serve(epos, api_key=api_key)
    assert gateway.wait_for_epos().headers["authorization"] == "Basic sk_sandbox_c4nary"
    failed = service.wait_for_event(Closed)
    assert failed.cause is Cause.DIAL_FAILED
    assert failed.reason == f"Settings.api_key() raised {type(fault).__name__}"


def test_two_services_in_one_process_do_not_disturb_each_other(
    serve: Serve, till: Till, runtime: Runtime, gateway: LocalGateway
) -> None:
    other_till = Till()
    with LocalGateway() as other_gateway:
        one = serve(make_epos(till, runtime), workers=2)
        other = serve(make_epos(other_till, runtime), workers=2, url=other_gateway.url, proxy="")
        connection, other_connection = gateway.wait_for_epos(), other_gateway.wait_for_epos()
        held = connection.start_call("GetOrderByIdV1", {"orderId": HELD})
        till.wait_for_visitor()
        for _ in range(3):  # more than the workers of one service
            assert other_connection.call("GetOrderByIdV1", {"orderId": "o-1"}).error is None
        connection.drop()
        assert gateway.wait_for_epos(after=connection).is_open
        assert held.future.exception(DEADLINE) is not None
        one.stop(timeout=0)
        assert other.status().healthy
        assert other_connection.call("SearchOrdersV1").result == {"data": []}
        other.stop()


def test_the_status_tells_what_goes_on(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos)
    connection = gateway.wait_for_epos()
    service.wait_for_event(Opened)
    assert (service.status().state, service.status().in_flight) == ("up", 0)
    held = connection.start_call("GetOrderByIdV1", {"orderId": HELD})
    till.wait_for_visitor()
    status = service.status()
    assert status.healthy
    assert (status.in_flight, status.last_error) == (1, "")
    assert status.last_request is not None
    till.door.set()
    assert held.wait().error is None


def test_the_status_can_be_asked_for_while_requests_come_and_go(
    serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    service = serve(epos, url=played.url, max_queued=500)
    peer = played.accept_epos()
    service.wait_for_event(Opened)
    peer.send(*(peer.request(n, "GetOrderByIdV1", {"orderId": f"o-{n}"}) for n in range(500)))
    seen: set[str] = set()
    with switching_threads_often():
        for _ in range(500):
            peer.next_answer()
            seen.add(service.status().state)
    assert seen == {"up"}


@contextmanager
def switching_threads_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
