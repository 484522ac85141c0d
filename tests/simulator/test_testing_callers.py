"""A `Caller`: several calls that know of one another, and crashes between them."""

import asyncio
from typing import Any

import pytest
from tests.simulator.callees import (
    PAID,
    PAYMENT,
    Till,
    pays,
    reads,
)

from dojo_proto import (
    Conflict,
    Context,
    Epos,
)
from dojo_proto.events import ContentDiffers, RequestFinished, RequestOutcome
from dojo_simulator.errors import SimulatorError
from dojo_simulator.testing import Caller


@pytest.fixture
def till() -> Till:
    return Till()


def outcomes(caller: Caller) -> list[RequestOutcome]:
    return [event.outcome for event in caller.events if isinstance(event, RequestFinished)]


def test_the_second_call_of_one_payment_books_nothing(till: Till) -> None:
    caller = Caller(pays(), state=till)
    for _ in range(2):
        assert caller.call("RecordOrderPaymentById", PAYMENT) == PAID
    assert len(till.contexts) == 1
    assert outcomes(caller) == [RequestOutcome.SUCCESS, RequestOutcome.REPEAT]


def test_what_has_no_natural_key_is_repeated_by_its_id() -> None:
    cancelled = []

    def cancel(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        cancelled.append(params["orderId"])
        return PAID

    epos = Epos("acme-epos")
    epos.on("CancelOrderById")(cancel)
    caller = Caller(epos)
    for request_id in ("one", "one", "", ""):
        assert caller.call("CancelOrderById", {"orderId": "7"}, request_id=request_id) == PAID
    assert cancelled == ["7"] * 3


def test_a_refusal_is_repeated_without_a_cause(till: Till) -> None:
    caller = Caller(pays(), state=till)
    till.broken = Conflict("order 7 is closed")
    for cause in (till.broken, None):
        with pytest.raises(Conflict, match="order 7 is closed") as caught:
            caller.call("RecordOrderPaymentById", PAYMENT, request_id="one")
        assert caught.value.__cause__ is cause
    assert len(till.contexts) == 1


def test_alarms_are_among_the_events(till: Till) -> None:
    caller = Caller(pays(), state=till)
    caller.call("RecordOrderPaymentById", PAYMENT)
    other = {**PAYMENT, "paidAmount": {"value": 1, "currencyCode": "GBP"}}
    assert caller.call("RecordOrderPaymentById", other) == PAID
    assert len([event for event in caller.events if isinstance(event, ContentDiffers)]) == 1


def test_after_a_crash_the_lookup_tells_what_was_booked(till: Till) -> None:
    caller = Caller(pays(), state=till)
    assert caller.call("RecordOrderPaymentById", PAYMENT, crash=True) is None
    assert caller.call("RecordOrderPaymentById", PAYMENT) == PAID
    assert len(till.contexts) == 1


def test_after_a_crash_a_handler_without_a_lookup_runs_again_and_is_told(till: Till) -> None:
    caller = Caller(pays(lookup=False), state=till)
    caller.call("RecordOrderPaymentById", PAYMENT, crash=True)
    assert caller.call("RecordOrderPaymentById", PAYMENT) == PAID
    assert [ctx.redelivered for ctx in till.contexts] == [False, True]
    first, second = till.contexts
    assert first.idempotency_key == second.idempotency_key


def test_an_async_epos_can_crash_too() -> None:
    runs = []

    async def cancel(ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        runs.append(ctx.redelivered)
        return PAID

    epos = Epos("acme-epos")
    epos.on("CancelOrderById")(cancel)

    async def test() -> None:
        caller = Caller(epos)
        order = {"orderId": "7"}
        assert await caller.call_async("CancelOrderById", order, request_id="1", crash=True) is None
        assert await caller.call_async("CancelOrderById", order, request_id="1") == PAID

    asyncio.run(test())
    assert runs == [False, True]


def test_a_crash_needs_a_handler_that_runs(till: Till) -> None:
    caller = Caller(pays(), state=till)
    caller.call("RecordOrderPaymentById", PAYMENT)
    with pytest.raises(SimulatorError, match="no crash, since its handler did not run"):
        caller.call("RecordOrderPaymentById", PAYMENT, crash=True)
    assert caller.call("RecordOrderPaymentById", PAYMENT) == PAID


def test_a_crash_that_a_handler_raises_in_is_told(till: Till) -> None:
    caller = Caller(pays(), state=till)
    till.broken = OSError("the disk is full")
    with pytest.raises(OSError, match="the disk is full"):
        caller.call("RecordOrderPaymentById", PAYMENT, crash=True)


def test_a_caller_makes_one_call_at_a_time() -> None:
    async def get(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        with pytest.raises(SimulatorError, match="one call at a time"):
            await caller.call_async("GetOrderById", {"orderId": "7"})
        return PAID

    caller = Caller(reads(get))
    for _ in range(2):
        assert caller.call("GetOrderById", {"orderId": "7"}) == PAID
