"""Calls of an EPOS without a socket: what a till's author sees of each outcome."""

import asyncio
from typing import Any

import pytest
import trio
from tests.simulator.callees import (
    PAID,
    PAYMENT,
    Till,
    fails,
    pays,
    reads,
)

from dojo_proto import (
    ConfigurationError,
    Conflict,
    Context,
    DomainError,
    Epos,
    InvalidRequest,
    NotFound,
    RequestHeaders,
    UnexpectedError,
)
from dojo_proto.contract import (
    BY_NAME,
    CollectionDetails,
    GetOrderByIdParams,
    Order,
    OrderDetails,
    OrderStatus,
    OrderType,
)
from dojo_simulator.errors import SimulatorError
from dojo_simulator.testing import Caller, ResultMisfit, Unanswered, call, call_async


@pytest.fixture
def till() -> Till:
    return Till()


# One call.


def test_a_call_gives_the_result_as_dojo_reads_it() -> None:
    def get(_ctx: Context, params: GetOrderByIdParams) -> Order:
        details = OrderDetails(order_type=OrderType.COLLECTION, collection=CollectionDetails())
        return Order(id=params.order_id, status=OrderStatus.NEW, details=details)

    assert call(reads(get), "GetOrderById", {"orderId": "7"}) == {
        "id": "7",
        "status": "New",
        "details": {"orderType": "Collection", "collection": {}},
    }


@pytest.mark.parametrize("name", ["GetOrderById", "GetOrderByIdV1", BY_NAME["GetOrderById"]])
def test_a_method_goes_by_any_of_its_names(name: Any) -> None:
    assert call(reads(lambda _ctx, _params: PAID), name, {"orderId": "7"}) == PAID


def test_params_may_be_a_struct_and_may_be_missing() -> None:
    def get(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        return {**PAID, "id": params["orderId"], "note": params["printer"]}

    params = GetOrderByIdParams(order_id="8", unknown={"printer": "bar"})
    order = call(reads(get), "GetOrderById", params)
    assert (order["id"], order["note"]) == ("8", "bar")
    areas = Epos("acme-epos")
    areas.on("ListAreas")(lambda _ctx, _params: [])
    assert call(areas, "ListAreas") == []


def test_the_handler_gets_state_and_headers(till: Till) -> None:
    def get(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        assert "headers" in params
        ctx.state.contexts.append(ctx)
        return PAID

    epos = reads(get)
    call(epos, "GetOrderById", {"orderId": "7"}, state=till, headers={"waiterId": "3"})
    call(epos, "GetOrderById", {"orderId": "7", "headers": {"waiterId": "4"}}, state=till)
    call(epos, "GetOrderById", {"orderId": "7"}, state=till)
    assert [ctx.headers.waiter_id for ctx in till.contexts] == ["3", "4", None]
    assert till.contexts[0].state is till


def test_headers_may_be_typed(till: Till) -> None:
    epos = pays()
    call(epos, "RecordOrderPaymentById", PAYMENT, state=till, headers=RequestHeaders(waiter_id="3"))
    assert till.contexts[0].headers.waiter_id == "3"


@pytest.mark.parametrize("error", [NotFound, Conflict, InvalidRequest, UnexpectedError])
def test_a_refusal_is_raised_as_what_it_is(error: type[DomainError]) -> None:
    raised = error("there is no order 7")

    def get(_ctx: Context, _params: dict[str, Any]) -> None:
        raise raised

    with pytest.raises(error, match="there is no order 7") as caught:
        call(reads(get), "GetOrderById", {"orderId": "7"})
    assert type(caught.value) is error
    assert caught.value.__cause__ is raised  # so that its traceback is shown


def test_a_refusal_of_ones_own_type_is_raised_as_dojo_sees_it() -> None:
    class Closed(Conflict):
        """The order is closed."""

    def get(_ctx: Context, _params: dict[str, Any]) -> None:
        raise Closed("order 7 is closed")

    with pytest.raises(Conflict, match="order 7 is closed") as caught:
        call(reads(get), "GetOrderById", {"orderId": "7"})
    assert type(caught.value) is Conflict


def test_params_that_do_not_fit_are_refused_before_the_handler() -> None:
    def get(_ctx: Context, _params: GetOrderByIdParams) -> None:
        raise AssertionError("it must not run")

    with pytest.raises(InvalidRequest, match=r"Expected `str`, got `int` - at `\$\.orderId`"):
        call(reads(get), "GetOrderById", {"orderId": 7})


def test_middleware_takes_part() -> None:
    entered = []
    epos = reads(lambda _ctx, _params: PAID)

    @epos.middleware
    def session(ctx: Context, params: Any, proceed: Any) -> Any:
        entered.append(params.order_id)
        return proceed(ctx, params)

    assert call(epos, "GetOrderById", {"orderId": "7"}) == PAID
    assert entered == ["7"]


def test_an_event_goes_to_the_handler_of_its_type() -> None:
    told = []
    epos = Epos("acme-epos")
    epos.on("HandleEvent:payment_intent.created")(lambda _ctx, params: told.append(params.id))
    data = {"paymentIntentId": "pi-1", "paymentStatus": "Created", "captureMode": "Auto"}
    for event in ("payment_intent.created", "payment_intent.cancelled"):
        params = {
            "id": event,
            "accountId": "acme",
            "event": event,
            "data": data,
            "createdAt": "2026-03-01T12:00:00Z",
        }
        assert call(epos, "HandleEvent", params) == {}
    assert told == ["payment_intent.created"]


def told_of(event: str) -> tuple[Epos, list[str]]:
    """An EPOS that handles this type of event alone, and the ids that it was told of."""
    told: list[str] = []
    epos = Epos("acme-epos")
    epos.on(event)(lambda _ctx, params: told.append(params.id))
    return epos, told


CREATED = {
    "id": "e-1",
    "accountId": "acme",
    "data": {"paymentIntentId": "pi-1", "paymentStatus": "Created", "captureMode": "Auto"},
    "createdAt": "2026-03-01T12:00:00Z",
}


@pytest.mark.parametrize("handled", ["HandleEvent:payment_intent.created", "HandleEvent"])
@pytest.mark.parametrize("named", [{}, {"event": "payment_intent.created"}])
def test_an_event_may_be_called_by_its_type(handled: str, named: dict[str, str]) -> None:
    epos, told = told_of(handled)
    assert call(epos, "HandleEvent:payment_intent.created", {**CREATED, **named}) == {}
    assert told == ["e-1"]


def test_an_event_that_nothing_handles_or_that_is_another_one_is_a_mistake_of_the_test() -> None:
    epos, told = told_of("HandleEvent:payment_intent.created")
    said = r"status_updated: .* no handler .* \(it handles HandleEvent:payment_intent.created\)"
    with pytest.raises(ConfigurationError, match=said):
        call(epos, "HandleEvent:payment_intent.status_updated", CREATED)
    with pytest.raises(ConfigurationError, match=r"expected the event '.*created'.* got 'other'"):
        call(epos, "HandleEvent:payment_intent.created", {**CREATED, "event": "other"})
    with pytest.raises(ConfigurationError, match=r"ListAreas.*no handler"):
        call(reads(fails), "HandleEvent:ListAreas", CREATED)
    assert told == []


@pytest.mark.parametrize("params", ["text", ["7"], 7])
def test_params_that_are_no_object_are_a_mistake_of_the_test(params: Any) -> None:
    said = f"params: expected a dict or a type of .*, got {type(params).__name__}"
    with pytest.raises(ConfigurationError, match=said):
        call(reads(fails), "GetOrderById", params)


@pytest.mark.parametrize("till", ["till:epos", None, Epos])
def test_only_an_epos_can_be_called(till: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a dojo_proto\.Epos, got"):
        call(till, "GetOrderById")


class Later:
    """What an `async def` behind a wrapper returns."""

    def __await__(self) -> Any:
        yield


def test_a_read_that_hides_an_async_def_is_told_how_to_register_it() -> None:
    with pytest.raises(UnexpectedError) as caught:
        call(reads(lambda _ctx, _params: Later()), "GetOrderById", {"orderId": "7"})
    assert "has to be registered as an `async def`" in str(caught.value.__cause__)


def test_what_a_handler_raises_otherwise_is_the_cause_of_what_dojo_is_told() -> None:
    with pytest.raises(UnexpectedError) as caught:
        call(reads(fails), "GetOrderById", {"orderId": "7"})
    assert "locked" not in str(caught.value)
    assert str(caught.value.__cause__) == "the database is locked"


def test_what_ends_a_test_goes_through_the_handler(till: Till) -> None:
    caller = Caller(pays(), state=till)
    till.broken = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        caller.call("RecordOrderPaymentById", PAYMENT)
    till.broken = None
    assert caller.call("RecordOrderPaymentById", PAYMENT) == PAID


def test_a_result_that_does_not_fit_fails_the_test() -> None:
    epos = reads(lambda _ctx, _params: {**PAID, "totalAmount": {"value": 24.5}})
    with pytest.raises(ResultMisfit, match=r"GetOrderByIdV1: .* at `\$\.totalAmount"):
        call(epos, "GetOrderById", {"orderId": "7"})


def test_a_result_that_does_not_fit_fails_the_test_also_where_it_would_be_sent() -> None:
    epos = Epos("acme-epos")
    epos.on("CancelOrderById")(lambda _ctx, _params: {**PAID, "status": "Lost"})
    caller = Caller(epos)
    with pytest.raises(AssertionError, match=r"CancelOrderByIdV1: .* at `\$\.status`"):
        caller.call("CancelOrderById", {"orderId": "7"})


def test_a_payment_of_unknown_outcome_is_unanswered(till: Till) -> None:
    till.broken = OSError("the disk is full")
    with pytest.raises(Unanswered, match="its handler raised, and there is no lookup") as caught:
        call(pays(lookup=False), "RecordOrderPaymentById", PAYMENT, state=till)
    assert caught.value.__cause__ is till.broken


def test_a_method_that_nothing_handles_is_a_mistake_of_the_test() -> None:
    with pytest.raises(
        ConfigurationError, match=r"GetOrder: .* no handler .* handles GetOrderById"
    ):
        call(reads(fails), "GetOrder")
    with pytest.raises(ConfigurationError, match="ListAreas: this EPOS has no handler"):
        call(reads(fails), BY_NAME["ListAreas"])


def test_an_epos_that_cannot_be_served_cannot_be_called() -> None:
    with pytest.raises(ConfigurationError, match="handles nothing"):
        call(Epos("acme-epos"), "GetOrderById")


# Handlers that are async def.


async def wait_and_get(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {**PAID, "id": params["orderId"]}


def test_an_async_handler_runs_in_a_loop_of_its_own() -> None:
    assert call(reads(wait_and_get), "GetOrderById", {"orderId": "8"})["id"] == "8"


def test_in_a_loop_it_is_awaited_there() -> None:
    loops = []

    async def get(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        loops.append(asyncio.get_running_loop())
        return PAID

    async def test() -> None:
        loops.append(asyncio.get_running_loop())
        assert await call_async(reads(get), "GetOrderById", {"orderId": "7"}) == PAID

    asyncio.run(test())
    assert loops[0] is loops[1]


def test_in_trio_too() -> None:
    async def get(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        await trio.lowlevel.checkpoint()
        return PAID

    async def test() -> None:
        for epos in (reads(get), reads(lambda _ctx, _params: PAID)):
            assert await call_async(epos, "GetOrderById", {"orderId": "7"}) == PAID

    trio.run(test)


def test_in_a_loop_call_says_what_to_write_instead() -> None:
    async def test() -> None:
        with pytest.raises(SimulatorError, match="await call_async"):
            call(reads(wait_and_get), "GetOrderById", {"orderId": "7"})

    asyncio.run(test())


def test_what_an_async_handler_raises_is_the_cause() -> None:
    async def get(_ctx: Context, _params: dict[str, Any]) -> None:
        raise ValueError("the database is locked")

    with pytest.raises(UnexpectedError) as caught:
        call(reads(get), "GetOrderById", {"orderId": "7"})
    cause = caught.value.__cause__
    assert isinstance(cause, ValueError)
    assert cause.__context__ is None
