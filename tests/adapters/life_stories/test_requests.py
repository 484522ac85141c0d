"""Requests and their answers: the same on every runtime."""

import asyncio
import json
from threading import Event
from time import monotonic
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Network, Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import DEADLINE, Runtime
from tests.adapters.life_stories.tills import HELD, Till, order, payment
from tests.adapters.life_stories.transports import over_every_transport
from tests.adapters.pieces import eventually
from wsproto.events import Ping, Pong, TextMessage

from dojo_proto import Context, Epos, NotFound
from dojo_proto.events import Overloaded
from dojo_simulator import EposConnection, LocalGateway


def call(connection: EposConnection, method: str, **params: Any) -> Any:
    """Call, and return the result."""
    reply = connection.call(method, params)
    assert reply.error is None, reply.error
    return reply.result


def call_until_in_time(connection: EposConnection, method: str, **params: Any) -> Any:
    """As `call`, where a read has so little time that on a busy machine it may take too long."""
    until = monotonic() + DEADLINE
    while (reply := connection.call(method, params)).error is not None:
        assert reply.error["message"] == "the EPOS took too long"
        assert monotonic() < until
    return reply.result


@over_every_transport
def test_reads_and_a_payment_are_answered(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, network: Network
) -> None:
    service = serve(epos)
    assert service.ready()
    connection = gateway.wait_for_epos()
    assert connection.headers["authorization"] == "Basic sk_sandbox_c4nary"
    assert connection.headers["software-house-id"] == "acme-epos"
    assert call(connection, "GetOrderByIdV1", orderId="o-1") == order("o-1")
    assert call(connection, "SearchOrdersV1", payableOnly=True) == {"data": []}
    paid = call(connection, "RecordOrderPaymentByIdV1", **payment("o-1", "pi-1"))
    assert paid == order("o-1", "pi-1")
    assert till.booked == ["pi-1"]
    if network.proxy is not None:
        assert network.proxy.tunnels == (f"127.0.0.1:{gateway.port}",)


@pytest.mark.parametrize("workers", [1, 8])
def test_an_answer_does_not_wait_for_what_its_thread_runs_next(
    serve: Serve, epos: Epos, till: Till, played: PlayedGateway, workers: int
) -> None:
    serve(epos, url=played.url, workers=workers)
    peer = played.accept_epos()
    quick = peer.request(0, "GetOrderByIdV1", {"orderId": "o-1"})
    slow = [peer.request(id, "GetOrderByIdV1", {"orderId": HELD}) for id in range(1, 9)]
    peer.send(quick, *slow)
    assert peer.next_answer() == {"jsonrpc": "2.0", "id": 0, "result": order("o-1")}
    till.door.set()
    assert {peer.next_answer()["id"] for _ in slow} == set(range(1, 9))


def test_time_runs_for_a_read_as_soon_as_a_thread_is_free_for_it(
    serve: Serve, played: PlayedGateway
) -> None:
    doors = [Event(), Event()]
    epos = Epos("acme-epos")

    @epos.on("GetOrderById")
    def get_order(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        assert doors[int(params["orderId"])].wait(DEADLINE)
        return order(params["orderId"])

    # Nothing else is due before the story gives up.
    serve(epos, url=played.url, workers=1, read_timeout=0.05, queue_timeout=60, ping_interval=30)
    peer = played.accept_epos()
    peer.send(*(peer.request(n, "GetOrderByIdV1", {"orderId": str(n)}) for n in range(2)))
    for number, door in enumerate(doors):
        late = peer.next_answer()
        assert (late["id"], late["error"]["message"]) == (number, "the EPOS took too long")
        door.set()


@over_every_transport
def test_fast_requests_overtake_a_slow_one(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    serve(epos)
    connection = gateway.wait_for_epos()
    slow = connection.start_call("GetOrderByIdV1", {"orderId": HELD})
    till.wait_for_visitor()
    assert call(connection, "GetOrderByIdV1", orderId="o-2") == order("o-2")
    assert call(connection, "SearchOrdersV1") == {"data": []}
    assert not slow.done
    till.door.set()
    assert slow.wait().result == order(HELD)


def test_a_slow_def_handler_does_not_delay_pongs(
    serve: Serve, epos: Epos, till: Till, played: PlayedGateway
) -> None:
    serve(epos, url=played.url)
    peer = played.accept_epos()
    peer.send(peer.request(1, "GetOrderByIdV1", {"orderId": HELD}))
    till.wait_for_visitor()
    for payload in (b"one", b"two"):
        peer.send(Ping(payload=payload))
        pong = peer.next_event()
        assert isinstance(pong, Pong)
        assert pong.payload == payload
    till.door.set()
    assert peer.next_answer()["result"] == order(HELD)


def test_what_cannot_be_answered_is_refused_and_the_connection_lives(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    serve(epos)
    connection = gateway.wait_for_epos()

    unknown = connection.call("PourCoffeeV1", {}).error
    assert unknown is not None
    assert (unknown["code"], unknown["errorType"]) == (-32601, "InvalidRequest")

    connection.send_text('{"jsonrpc": "2.0", "id": 1, ')
    bad_json = json.loads(connection.wait_message())
    assert (bad_json["id"], bad_json["error"]["code"]) == (None, -32700)

    wrong = connection.call("RecordOrderPaymentByIdV1", {"orderId": "o-1"}).error
    assert wrong is not None
    assert wrong["code"] == -32602
    assert "$.paymentIntentId" in wrong["message"]

    assert call(connection, "GetOrderByIdV1", orderId="o-1") == order("o-1")
    assert gateway.connections == (connection,)


def test_what_a_handler_raises_is_answered_and_undeclared_text_stays_here(
    serve: Serve, gateway: LocalGateway
) -> None:
    epos = Epos("acme-epos")

    @epos.on("GetOrderById")
    def get_order(_ctx: Context, params: dict[str, Any]) -> None:
        if params["orderId"] == "unknown":
            raise NotFound("there is no such order")
        raise RuntimeError("the database password is hunter2")

    serve(epos)
    connection = gateway.wait_for_epos()
    unknown = connection.call("GetOrderByIdV1", {"orderId": "unknown"}).error
    assert unknown is not None
    assert (unknown["code"], unknown["message"]) == (-32004, "there is no such order")
    broken = connection.call("GetOrderByIdV1", {"orderId": "o-1"}).error
    assert broken is not None
    assert broken["errorType"] == "UnexpectedError"
    assert "hunter2" not in str(broken)


@over_every_transport
def test_big_messages_go_both_ways(serve: Serve, gateway: LocalGateway) -> None:
    epos = Epos("acme-epos")

    @epos.on("SearchOrders")
    def search(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        size = params.get("size", 0)
        return {"data": [], "after": "x" * size, "came": len(params.get("filter", ""))}

    serve(epos)
    connection = gateway.wait_for_epos()
    answer = call(connection, "SearchOrdersV1", size=1 << 20)
    assert answer["after"] == "x" * (1 << 20)
    assert call(connection, "SearchOrdersV1", filter="ü" * 450_000)["came"] == 450_000


def test_two_thousand_requests_in_one_breath_are_all_answered(
    serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    serve(epos, url=played.url, max_queued=2000)
    peer = played.accept_epos()
    numbers = range(2000)
    peer.send(*(peer.request(n, "GetOrderByIdV1", {"orderId": f"o-{n}"}) for n in numbers))
    answers = {answer["id"]: answer["result"] for answer in (peer.next_answer() for _ in numbers)}
    assert answers == {n: order(f"o-{n}") for n in numbers}


def test_a_message_in_fragments_with_a_ping_between_them(
    serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    serve(epos, url=played.url)
    peer = played.accept_epos()
    text = peer.request(7, "GetOrderByIdV1", {"orderId": "o-7"}).data
    stream = peer.bytes_of(
        TextMessage(data=text[:9], message_finished=False),
        Ping(payload=b"between"),
        TextMessage(data=text[9:30], message_finished=False),
        TextMessage(data=text[30:]),
    )
    for at in range(len(stream)):
        peer.socket.sendall(stream[at : at + 1])
    pong = peer.next_event()
    assert isinstance(pong, Pong)
    assert pong.payload == b"between"
    assert peer.next_answer()["result"] == order("o-7")


def test_a_read_that_takes_too_long_is_answered_and_an_async_def_cancelled(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, runtime: Runtime
) -> None:
    serve(epos, read_timeout=0.05)
    connection = gateway.wait_for_epos()
    late = connection.call("ListAreasV1").error
    assert late is not None
    assert (late["errorType"], late["message"]) == ("UnexpectedError", "the EPOS took too long")
    if runtime.allows_async:
        assert till.cancelled.wait(DEADLINE), "the handler still runs"
    late = connection.call("GetOrderByIdV1", {"orderId": HELD}).error
    assert late is not None
    assert late["message"] == "the EPOS took too long"
    assert call_until_in_time(connection, "GetOrderByIdV1", orderId="o-1") == order("o-1")


def test_a_handler_that_raises_when_it_is_cancelled_ends_nothing_else(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, runtime: Runtime
) -> None:
    if not runtime.allows_async:
        pytest.skip("it has no event loop")

    @epos.on("GetOrderBillById")
    async def get_bill(_ctx: Context, _params: dict[str, Any]) -> None:
        try:
            await runtime.sleep(DEADLINE)
        finally:
            till.arrive()
            raise ValueError("the clean-up failed")

    service = serve(epos, read_timeout=0.05)
    connection = gateway.wait_for_epos()
    late = connection.call("GetOrderBillByIdV1", {"orderId": "o-1"}).error
    assert late is not None
    assert late["message"] == "the EPOS took too long"
    till.wait_for_visitor()
    assert call_until_in_time(connection, "GetOrderByIdV1", orderId="o-1") == order("o-1")
    eventually(lambda: service.status().in_flight == 0, "nothing runs")


def test_more_than_there_is_room_for_is_turned_away(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos, max_in_flight=1, max_queued=0)
    connection = gateway.wait_for_epos()
    slow = connection.start_call("GetOrderByIdV1", {"orderId": HELD})
    till.wait_for_visitor()
    surplus = connection.call("GetOrderByIdV1", {"orderId": "o-2"}).error
    assert surplus is not None
    assert surplus["message"] == "the EPOS is busy, and nothing was done"
    assert service.wait_for_event(Overloaded).method == "GetOrderByIdV1"
    till.door.set()
    assert slow.wait().result == order(HELD)
    assert call(connection, "GetOrderByIdV1", orderId="o-2") == order("o-2")


@pytest.mark.parametrize("method", ["GetOrderByIdV1", "SearchOrdersV1"])
def test_a_handler_knows_who_asks_and_has_the_applications_state(
    method: str, serve: Serve, runtime: Runtime, gateway: LocalGateway
) -> None:
    epos = Epos("acme-epos")
    seen: list[Context] = []

    @epos.on("GetOrderById")
    def get_order(ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        seen.append(ctx)
        return order("o-1")

    if runtime.allows_async:

        @epos.on("SearchOrders")
        async def search(ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
            seen.append(ctx)
            return {"data": []}

    else:
        epos.on("SearchOrders")(get_order)

    state = object()
    serve(epos, state=state, journal=None)
    connection = gateway.wait_for_epos()
    headers = {"waiterId": "w-1", "deviceId": "d-1", "deviceType": "PDQ"}
    connection.call(method, {"orderId": "o-1", "headers": headers}, request_id="r-1")
    (ctx,) = seen
    assert ctx.state is state
    assert (ctx.method, ctx.request_id) == (method, "r-1")
    assert (ctx.headers.waiter_id, ctx.headers.device_type) == ("w-1", "PDQ")


@pytest.mark.parametrize("error", [asyncio.CancelledError, SystemExit, GeneratorExit])
def test_whatever_a_handler_raises_ends_its_own_request_only(
    error: type[BaseException], serve: Serve, runtime: Runtime, gateway: LocalGateway
) -> None:
    epos = Epos("acme-epos")

    def fail(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        raise error

    async def fail_soon(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        await runtime.sleep(0)
        raise error

    epos.on("GetOrderById")(fail)
    epos.on("SearchOrders")(fail_soon if runtime.allows_async else fail)
    serve(epos, journal=None)
    connection = gateway.wait_for_epos()
    for method in ("GetOrderByIdV1", "SearchOrdersV1"):
        reply = connection.call(method, {"orderId": "o-1"})
        assert reply.error is not None
        assert reply.error["errorType"] == "UnexpectedError"
    assert connection.is_open
