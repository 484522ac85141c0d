"""Stopping: politely, in time, and at once, from every state."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import Served
from tests.adapters.life_stories.tills import HELD, Till, order, payment
from tests.adapters.life_stories.transports import over_every_transport
from tests.adapters.pieces import eventually, join_all

from dojo_proto import Context, Epos
from dojo_proto.events import Cause, Closed, RetryScheduled
from dojo_simulator import ConnectionEnded, LocalGateway

NEVER = 300.0
"""Seconds for what is not to be waited for: a story that waits gives up long before (DEADLINE)."""


def drains(service: Served, gateway: LocalGateway) -> None:
    """Wait until a new request is answered that the EPOS is stopping."""
    connection = gateway.wait_for_epos()
    while (error := connection.call("GetOrderByIdV1", {"orderId": "o-9"}).error) is None:
        pass
    assert error["message"] == "the EPOS is stopping, and nothing was done"
    assert service.status().state == "draining"


@over_every_transport
def test_what_runs_is_answered_before_the_connection_is_closed_with_1000(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos)
    connection = gateway.wait_for_epos()
    paying = connection.start_call("RecordOrderPaymentByIdV1", payment(HELD, "pi-1"))
    till.wait_for_visitor()
    service.request_stop()
    drains(service, gateway)
    till.door.set()
    assert paying.wait().result == order(HELD, "pi-1")
    service.wait()
    assert connection.wait_closed().code == 1000
    closed = service.wait_for_event(Closed)
    assert (closed.cause, closed.code) == (Cause.STOPPED, 1000)
    assert gateway.connections == (connection,)


def test_the_end_of_the_block_waits_until_what_runs_is_answered(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    inside = Future[None]()
    service = serve(epos, inside=inside)
    connection = gateway.wait_for_epos()
    paying = connection.start_call("RecordOrderPaymentByIdV1", payment(HELD, "pi-1"))
    till.wait_for_visitor()
    inside.set_result(None)
    drains(service, gateway)
    till.door.set()
    assert paying.wait().result == order(HELD, "pi-1")
    service.wait()
    assert connection.wait_closed().code == 1000


def test_a_stuck_handler_holds_a_stop_no_longer_than_it_may(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos, drain_timeout=NEVER)
    connection = gateway.wait_for_epos()
    stuck = connection.start_call("RecordOrderPaymentByIdV1", payment(HELD, "pi-1"))
    till.wait_for_visitor()
    service.stop(timeout=0.05)
    assert connection.wait_closed().code == 1000
    with pytest.raises(ConnectionEnded):
        stuck.wait()


def test_a_second_stop_can_only_shorten_the_time(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos, drain_timeout=NEVER)
    gateway.wait_for_epos().start_call("GetOrderByIdV1", {"orderId": HELD})
    till.wait_for_visitor()
    service.request_stop()
    drains(service, gateway)
    service.request_stop(timeout=NEVER)
    service.stop(timeout=0.01)


@over_every_transport
@pytest.mark.parametrize("hard_stop", [Served.abort, Served.cancel])
def test_after_a_hard_stop_nothing_more_is_answered_though_a_handler_goes_on(
    hard_stop: Callable[[Served], None],
    serve: Serve,
    epos: Epos,
    till: Till,
    gateway: LocalGateway,
) -> None:
    service = serve(epos, drain_timeout=NEVER)
    connection = gateway.wait_for_epos()
    stuck = connection.start_call("RecordOrderPaymentByIdV1", payment(HELD, "pi-1"))
    till.wait_for_visitor()
    connection.start_call("ListAreasV1")
    till.wait_for_visitor()
    hard_stop(service)
    ended = connection.wait_closed()
    assert (ended.cause, ended.code) == (Cause.LOST, 1006)
    with pytest.raises(ConnectionEnded):
        stuck.wait()
    assert service.status().state == "stopped"
    assert service.wait_for_event(Closed).cause is Cause.ABORTED
    assert till.cancelled.is_set() == service.runtime.allows_async


@pytest.mark.parametrize("hard_stop", [Served.abort, Served.cancel])
def test_after_a_hard_stop_no_handler_begins(
    hard_stop: Callable[[Served], None],
    serve: Serve,
    epos: Epos,
    till: Till,
    gateway: LocalGateway,
) -> None:
    service = serve(epos, workers=2)
    connection = gateway.wait_for_epos()
    for number in range(2):
        connection.start_call("RecordOrderPaymentByIdV1", payment(HELD, f"pi-{number}"))
        till.wait_for_visitor()
    for number in range(2, 9):
        connection.start_call("RecordOrderPaymentByIdV1", payment("o-1", f"pi-{number}"))
    eventually(lambda: service.status().queued == 7, "all others wait")
    hard_stop(service)
    till.door.set()
    join_all("dojo-handler")
    assert sorted(till.booked) == ["pi-0", "pi-1"]


def test_behind_a_handler_that_stops_the_service_none_begins(
    serve: Serve, played: PlayedGateway
) -> None:
    begun: list[str] = []
    epos = Epos("acme-epos")

    @epos.on("GetOrderById")
    def stop(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        begun.append(params["orderId"])
        service.request_stop()
        return order(params["orderId"])

    service = serve(epos, url=played.url, workers=1)
    peer = played.accept_epos()
    peer.send(*(peer.request(n, "GetOrderByIdV1", {"orderId": f"o-{n}"}) for n in range(9)))
    answers = {answer["id"]: answer for answer in (peer.next_answer() for _ in range(9))}
    assert answers.pop(0)["result"] == order("o-0")
    for answer in answers.values():
        assert answer["error"]["message"] == "the EPOS is stopping, and nothing was done"
    assert begun == ["o-0"]


@contextmanager
def blackhole() -> Iterator[str]:
    """The URL of a socket that nobody can connect to, and that refuses nobody: it is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/epos"


@pytest.mark.parametrize("stop", [Served.stop, Served.abort, Served.cancel])
def test_it_stops_while_it_dials(stop: Callable[[Served], None], serve: Serve, epos: Epos) -> None:
    with blackhole() as url:
        service = serve(epos, url=url, open_timeout=NEVER, drain_timeout=NEVER)
        eventually(lambda: service.status().state == "dialing", "it dials")
        stop(service)
    assert service.status().state == "stopped"
    expected = Cause.STOPPED if stop is Served.stop else Cause.ABORTED
    assert service.wait_for_event(Closed).cause is expected


@pytest.mark.parametrize("stop", [Served.stop, Served.abort, Served.cancel])
def test_it_stops_while_it_waits_for_the_next_try(
    stop: Callable[[Served], None], serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    gateway.refuse_next(503, retry_after=NEVER)
    service = serve(epos)
    service.wait_for_event(RetryScheduled)
    stop(service)
    assert service.error is None
    assert gateway.connections == ()


@pytest.mark.parametrize("stop", [Served.stop, Served.abort, Served.cancel])
def test_it_stops_while_it_opens(
    stop: Callable[[Served], None], serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    service = serve(epos, url=played.url, open_timeout=NEVER, drain_timeout=NEVER)
    peer = played.accept()
    assert peer.read_upgrade().target == "/epos"
    assert service.status().state == "opening"
    stop(service)
    assert not peer.socket.recv(1)


def test_who_waits_to_be_ready_learns_that_it_was_stopped_instead(serve: Serve, epos: Epos) -> None:
    with blackhole() as url:
        service = serve(epos, url=url, open_timeout=NEVER, drain_timeout=NEVER)
        service.stop()
        assert not service.ready()


def test_stopping_what_has_stopped_does_no_harm(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos)
    gateway.wait_for_epos()
    for _ in range(2):
        service.stop()
        service.abort()


def test_an_exception_in_the_block_stops_at_once_and_comes_out_as_it_is(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    inside: Future[None] = Future()
    service = serve(epos, inside=inside, drain_timeout=NEVER)
    gateway.wait_for_epos().start_call("GetOrderByIdV1", {"orderId": HELD})
    till.wait_for_visitor()
    inside.set_exception(ZeroDivisionError("the application failed"))
    with pytest.raises(ZeroDivisionError, match="the application failed"):
        service.wait()
    (connection,) = gateway.connections
    assert connection.wait_closed().code == 1006
    assert service.status().state == "stopped"
