"""The local gateway: whom it calls, under which names, and how it goes on without an answer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dojo_proto.contract import GetOrderByIdParams, RequestHeaders
from dojo_simulator import (
    ONCE,
    Account,
    CallTimedOut,
    ConnectionEnded,
    Fault,
    LocalGateway,
    NoRoute,
    RetryPolicy,
    SimulatorError,
)

Serve = Callable[..., Any]
OURS = Account("acme-epos", "sk_sandbox_c4nary")
SOON = RetryPolicy(delay=0)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as threads:
        yield threads


# What is sent.


@pytest.mark.parametrize("name", ["GetOrderBill", "GetOrderBillById", "GetOrderBillByIdV1"])
def test_any_name_of_a_method_will_do(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor, name: str
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    called = threads.submit(gateway.call, name, {"orderId": "7"})
    request = epos.read_request()
    assert request["method"] == "GetOrderBillByIdV1"
    assert request["params"] == {"headers": {}, "orderId": "7"}
    epos.answer(request, {"header": {}})
    reply = called.result(5)
    assert (reply.id, reply.result, reply.attempts) == (request["id"], {"header": {}}, 1)


def test_an_unknown_method_is_sent_as_it_is_and_given_headers_stay(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    called = threads.submit(gateway.call, "MakeTeaV9", {"headers": {"waiterId": "anna"}})
    request = epos.read_request()
    assert (request["method"], request["params"]) == (
        "MakeTeaV9",
        {"headers": {"waiterId": "anna"}},
    )
    epos.send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601}})
    assert called.result(5).error == {"code": -32601}


def test_params_may_be_of_the_contract(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    params = GetOrderByIdParams(
        order_id="7", headers=RequestHeaders(waiter_id="anna"), unknown={"new": 1}
    )
    called = threads.submit(gateway.call, "GetOrderById", params, request_id="one")
    request = epos.read_request()
    assert request["params"] == {"headers": {"waiterId": "anna"}, "orderId": "7", "new": 1}
    epos.answer(request, {})
    assert called.result(5).id == "one"


# Whom it calls.


def test_without_an_epos_there_is_nobody_to_call(gateway: LocalGateway) -> None:
    with pytest.raises(NoRoute, match=f"no EPOS is connected to {gateway.url}$"):
        gateway.call("ListAreas")


def test_nobody_is_called_for_another_account(gateway: LocalGateway, serve: Serve) -> None:
    serve(gateway.url)
    gateway.wait_for_epos()
    other = Account("other-epos", "sk_prod_c4nary")
    with pytest.raises(NoRoute, match=r"as other-epos with sk_prod_…$") as refused:
        gateway.call("ListAreas", account=other)
    assert "c4nary" not in str(refused.value)
    assert "c4nary" not in repr(other)


def test_of_several_with_one_account_only_the_newest_is_called(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    old = serve(gateway.url)
    first = gateway.wait_for_epos()
    new = serve(gateway.url)
    gateway.wait_for_epos(after=first)
    stranger = serve(gateway.url, key="sk_sandbox_0ther")
    gateway.wait_for_epos(after=gateway.epos_of(OURS))
    called = threads.submit(gateway.call, "ListAreas", account=OURS)
    new.answer(new.read_request(), ["new"])
    assert called.result(5).result == ["new"]
    called = threads.submit(gateway.call, "ListAreas")  # without an account: who came last
    stranger.answer(stranger.read_request(), ["stranger"])
    assert called.result(5).result == ["stranger"]
    new.close()
    gateway.connections[1].wait_closed()
    called = threads.submit(gateway.call, "ListAreas", account=OURS)
    old.answer(old.read_request(), ["old"])
    assert called.result(5).result == ["old"]


def test_what_is_not_called_says_how_it_will_be(serve: Serve) -> None:
    with LocalGateway(route="registered", close_timeout=0.01) as gateway:
        serve(gateway.url)
        gateway.wait_for_epos()
        with pytest.raises(NoRoute) as refused:
            gateway.call("GetOrderById")
    assert str(refused.value) == (
        f"GetOrderById is not registered, so it is not called: {OURS} has registered nothing. "
        "Have it registered, as `dojo-epos run --register` does, "
        "or everything called: `dojo-epos simulate --route all`"
    )


def test_only_what_was_registered_is_called(serve: Serve, threads: ThreadPoolExecutor) -> None:
    with LocalGateway(route="registered", close_timeout=0.01) as gateway:
        epos = serve(gateway.url)
        connection = gateway.wait_for_epos()
        assert connection.account == OURS
        with pytest.raises(NoRoute, match=r"^SearchOrders is not registered.* registered nothing"):
            gateway.call("SearchOrdersV1")
        # The older names mean the same; another key's registration does not count.
        gateway.registry.register(OURS, {"GetOrderBill": "v1", "HandleEvent:order.new": "v1"})
        gateway.registry.register(Account("acme-epos", "sk_prod_x"), {"SearchOrders": "v1"})
        with pytest.raises(
            NoRoute, match=r"has registered GetOrderBillById, HandleEvent:order\.new"
        ):
            gateway.call("SearchOrders")
        with pytest.raises(NoRoute, match=r"HandleEvent:order\.old is not registered"):
            gateway.call("HandleEvent", {"event": "order.old"})
        for method, params in (("GetOrderBillById", {}), ("HandleEvent", {"event": "order.new"})):
            called = threads.submit(gateway.call, method, params)
            epos.answer(epos.read_request(), {})
            assert called.result(5).result == {}
        # What is sent on a connection by hand is nobody's decision but the caller's.
        call = connection.start_call("SearchOrdersV1")
        epos.answer(epos.read_request(), [])
        assert call.wait().result == []


# Without an answer.


@pytest.mark.parametrize("same_id", [True, False])
def test_a_call_whose_connection_ends_is_sent_again_on_the_next_one(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor, *, same_id: bool
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    policy = RetryPolicy(delay=0, same_id=same_id)
    called = threads.submit(gateway.call, "CancelOrderById", {"orderId": "7"}, retry=policy)
    first = epos.read_request()
    epos.close()
    again = serve(gateway.url)
    second = again.read_request()
    assert second["params"] == first["params"]
    assert (second["id"] == first["id"]) is same_id
    again.answer(second, {"id": "7"})
    reply = called.result(5)
    assert (reply.result, reply.attempts, reply.id) == ({"id": "7"}, 2, second["id"])


def test_a_call_that_times_out_is_sent_again_and_late_answers_answer_nothing(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    policy = RetryPolicy(delay=0, same_id=False)
    called = threads.submit(gateway.call, "ListAreas", timeout=1.0, retry=policy)
    first, second = epos.read_request(), epos.read_request()
    epos.answer(first, ["late"])
    epos.answer(second, ["in time"])
    assert called.result(5).result == ["in time"]
    assert b"late" in gateway.connections[0].wait_message()


def test_the_last_attempt_without_an_answer_is_the_callers_to_know(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    with pytest.raises(CallTimedOut, match=r"ListAreasV1 .* no answer within 0\.01 s"):
        gateway.call("ListAreas", timeout=0.01, retry=RetryPolicy(attempts=2, delay=0))
    assert epos.read_request()["id"] == epos.read_request()["id"]
    with pytest.raises(CallTimedOut):
        gateway.call("ListAreas", timeout=0.01, retry=ONCE)


def test_a_gateway_that_has_fallen_silent_sends_it_again_all_the_same(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    quiet = serve(gateway.url)
    first = gateway.wait_for_epos()
    called = threads.submit(
        gateway.call, "ListAreas", timeout=1.0, retry=SOON, fault=Fault("silent")
    )
    request = quiet.read_request()
    back = serve(gateway.url)  # it has noticed that no ping is answered
    gateway.wait_for_epos(after=first)
    assert back.read_request() == request
    back.answer(request, ["found"])
    assert called.result(5).result == ["found"]


def test_a_retry_does_not_wait_for_ever_for_the_next_connection(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    policy = RetryPolicy(delay=0, reconnect=0.01)
    called = threads.submit(gateway.call, "ListAreas", retry=policy)
    epos.read_request()
    epos.close()
    with pytest.raises(ConnectionEnded, match="the connection ended before the answer"):
        called.result(5)


def test_the_retry_of_one_account_never_goes_to_another(
    gateway: LocalGateway, serve: Serve, threads: ThreadPoolExecutor
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    called = threads.submit(gateway.call, "ListAreas", retry=SOON)
    epos.read_request()
    epos.close()
    gateway.connections[0].wait_closed()
    stranger = serve(gateway.url, key="sk_sandbox_0ther")
    back = serve(gateway.url)
    back.answer(back.read_request(), ["ours"])
    assert called.result(5).result == ["ours"]
    stranger.socket.settimeout(0.01)
    with pytest.raises(TimeoutError):
        stranger.read_request()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"attempts": 0}, "attempts: expected 1 or more, got 0"),
        ({"delay": -1}, "delay: expected 0 seconds or more, got -1"),
        ({"reconnect": -0.5}, "reconnect: expected 0 seconds or more, got -0.5"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SimulatorError, match=said):
        RetryPolicy(**wrong)
