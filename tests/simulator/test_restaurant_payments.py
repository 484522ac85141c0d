"""The sample restaurant's payments: none is lost, and none is booked twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from tests.simulator.shop import Clock, Json, asked, ids, payment, pounds

from dojo_proto import Conflict, InvalidRequest, UnexpectedError
from dojo_simulator.restaurant import Restaurant, Staff, epos
from dojo_simulator.testing import Caller

Call = Callable[..., Any]

PAY = "RecordOrderPaymentById"


def event(number: int, intent: str, status: str, **more: Any) -> Json:
    return {
        "id": f"event-{number}",
        "accountId": "account-1",
        "event": "payment_intent.status_updated",
        "createdAt": "2026-03-01T12:00:00Z",
        "data": {"paymentIntentId": intent, "paymentStatus": status, "captureMode": "Auto"},
        **more,
    }


# What is booked.


def test_a_full_payment_closes_the_order(call: Call) -> None:
    order = call(PAY, **payment("p1", 6750))
    assert order["paidAmount"] == order["totalAmount"] == pounds(6750)
    assert (order["payable"], order["status"]) == (False, "Finalized")


def test_parts_add_up_until_the_last_one_closes_the_order(call: Call, clock: Clock) -> None:
    clock.pass_minutes(1)
    first = call(PAY, **payment("p1", 3375))
    assert (first["paidAmount"], first["payable"]) == (pounds(3375), True)
    assert (first["status"], first["updatedAt"]) == ("Confirmed", "2026-03-01T12:01:00Z")
    second = call(PAY, **payment("p2", 375))
    assert (second["paidAmount"], second["payable"]) == (pounds(3750), True)
    last = call(PAY, **payment("p3", 3000))
    assert (last["paidAmount"], last["payable"]) == (pounds(6750), False)
    assert [each["paymentIntentId"] for each in last["payments"]] == ["p1", "p2", "p3"]


def test_a_tip_is_kept_apart(call: Call) -> None:
    call(PAY, **payment("p1", 6000, tipsAmount=pounds(500)))
    order = call(PAY, **payment("p2", 750, tipsAmount=pounds(1)))
    assert (order["paidAmount"], order["tipsAmount"]) == (pounds(6750), pounds(501))
    assert order["totalAmount"] == pounds(6750)
    assert order["payments"] == [
        {"paymentIntentId": "p1", "paidAmount": pounds(6000), "tipsAmount": pounds(500)},
        {"paymentIntentId": "p2", "paidAmount": pounds(750), "tipsAmount": pounds(1)},
    ]


def test_an_order_that_is_open_at_the_till_still_takes_what_was_paid_for_it(
    call: Call, till: Restaurant
) -> None:
    with till.edit("order-1"):
        assert call(PAY, **payment("p1", 1000))["paidAmount"] == pounds(1000)


# What is booked once.


def test_the_same_intent_again_is_success_and_books_nothing(call: Call) -> None:
    call(PAY, **payment("p1", 3000))
    call(PAY, **payment("p2", 3750))
    for again in (payment("p1", 3000), payment("p1", 9999), payment("p1", -1, lockId="b")):
        order = call(PAY, **again)  # even now that the order is closed
        assert order == call("GetOrderById", orderId="order-1")
        assert order["paidAmount"] == pounds(6750)


def test_the_same_intent_may_pay_for_another_order(call: Call) -> None:
    call(PAY, **payment("p1", 1000))
    assert call(PAY, **payment("p1", 400, order="order-2"))["paidAmount"] == pounds(400)


def test_of_many_payments_for_the_rest_at_once_one_is_booked(call: Call) -> None:
    start = Barrier(8)

    def pay(intent: str) -> str:
        start.wait(5)
        try:
            call(PAY, **payment(intent, 6750))
        except Conflict:
            return "refused"
        return "booked"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(pay, [f"p{number}" for number in range(8)]))
    assert sorted(outcomes) == ["booked"] + ["refused"] * 7
    assert call("GetOrderById", orderId="order-1")["paidAmount"] == pounds(6750)


def test_one_payment_that_comes_many_times_at_once_is_booked_once(call: Call) -> None:
    start = Barrier(8)

    def pay(_: int) -> Any:
        start.wait(5)
        return call(PAY, **payment("p1", 1000))["paidAmount"]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(pay, range(8))) == [pounds(1000)] * 8


# What is refused.


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (payment("p", 6751), Conflict, "more than what is still owed"),
        (payment("p", 0), InvalidRequest, "paidAmount"),
        (payment("p", -1), InvalidRequest, "paidAmount"),
        ({**payment("p", 1), "paidAmount": pounds(1, "EUR")}, InvalidRequest, "GBP only"),
        (payment("p", 1, tipsAmount=pounds(1, "EUR")), InvalidRequest, "GBP only"),
        (payment("p", 1, tipsAmount=pounds(-1)), InvalidRequest, "tipsAmount"),
        (payment("p", 1, tipsAmount=pounds(2**53)), InvalidRequest, "tipsAmount"),
        ({**payment("p", 1), "paidAmount": pounds(2**63)}, InvalidRequest, "paidAmount"),
        (
            {**payment("p", 1), "paidAmount": {"value": 1.5, "currencyCode": "GBP"}},
            InvalidRequest,
            "paidAmount",
        ),
        ({"orderId": "order-1", "paymentIntentId": "p"}, InvalidRequest, "paidAmount"),
        ({"orderId": "order-1", "paidAmount": pounds(1)}, InvalidRequest, "paymentIntentId"),
    ],
)
def test_what_cannot_be_booked_is_refused_and_leaves_no_trace(
    call: Call, wrong: Json, error: type[Exception], says: str
) -> None:
    before = call("GetOrderById", orderId="order-1")
    with pytest.raises(error, match=says):
        call(PAY, **wrong)
    assert call("GetOrderById", orderId="order-1") == before


def test_a_closed_order_takes_no_more(call: Call, till: Restaurant) -> None:
    call(PAY, **payment("p1", 6750))
    till.close("order-2")
    call("CancelOrderById", orderId="order-3")
    for order_id in ("order-1", "order-2", "order-3"):
        with pytest.raises(Conflict, match="closed"):
            call(PAY, **payment("p2", 1, order=order_id))


# When something breaks.


def test_if_nothing_can_be_stored_the_payment_is_refused_and_not_booked(
    call: Call, till: Restaurant
) -> None:
    with Staff(till).failing_storage(), pytest.raises(UnexpectedError):
        call(PAY, **payment("p1", 1000))
    assert call("GetOrderById", orderId="order-1")["paidAmount"] == pounds(0)
    assert call(PAY, **payment("p1", 1000))["paidAmount"] == pounds(1000)


def test_a_payment_whose_answer_died_with_the_process_is_booked_once(till: Restaurant) -> None:
    caller = Caller(epos, state=till)
    caller.call(PAY, payment("p1", 1000), crash=True)
    assert caller.call(PAY, payment("p1", 1000))["paidAmount"] == pounds(1000)


def test_the_lookup_knows_what_is_booked_and_what_is_not(till: Restaurant, call: Call) -> None:
    request = payment("p1", 3000)
    assert asked(PAY, till, request) is None
    call(PAY, **request)
    order = call(PAY, **payment("p2", 1000))
    assert asked(PAY, till, request) == order
    assert asked(PAY, till, payment("p1", 3000, order="order-2")) is None
    assert asked(PAY, till, payment("p1", 3000, order="nope")) is None


# What Dojo tells afterwards.


@pytest.mark.parametrize("status", ["Reversed", "Refunded", "Canceled"])
def test_a_payment_whose_money_went_back_does_not_count_and_the_order_owes_again(
    call: Call, status: str
) -> None:
    call(PAY, **payment("p1", 3000, tipsAmount=pounds(100)))
    call(PAY, **payment("p2", 3750))
    assert call("HandleEvent", **event(1, "p1", status)) == {}
    order = call("GetOrderById", orderId="order-1")
    assert (order["paidAmount"], order["tipsAmount"]) == (pounds(3750), pounds(0))
    assert [each["paymentIntentId"] for each in order["payments"]] == ["p2"]
    assert (order["payable"], order["status"]) == (True, "Confirmed")
    assert "order-1" in ids(call("SearchOrders", payableOnly=True))
    # A late retry of it is no new payment; a new one is.
    assert call(PAY, **payment("p1", 3000))["paidAmount"] == pounds(3750)
    assert call(PAY, **payment("p3", 3000))["paidAmount"] == pounds(6750)


def test_how_far_a_payment_is_is_known_by_its_intent(call: Call, till: Restaurant) -> None:
    assert till.payment_status("p1") is None
    for number, status in enumerate(("Authorized", "Captured")):
        call("HandleEvent", **event(number, "p1", status))
        assert till.payment_status("p1") == status


def test_money_that_is_known_to_be_back_is_not_booked(call: Call) -> None:
    call("HandleEvent", **event(1, "p1", "Reversed"))
    with pytest.raises(Conflict, match="given back"):
        call(PAY, **payment("p1", 1000))


def test_an_event_is_handled_once_and_a_late_one_takes_nothing_back(call: Call) -> None:
    call(PAY, **payment("p1", 6750))
    for status in ("Authorized", "Captured"):
        assert call("HandleEvent", **event(1, "p1", status)) == {}
    assert call("HandleEvent", **event(2, "p1", "Captured")) == {}
    assert call("GetOrderById", orderId="order-1")["payable"] is False
    assert call("HandleEvent", **event(2, "p1", "Reversed")) == {}  # that id was handled
    assert call("GetOrderById", orderId="order-1")["payable"] is False
    for number, status in enumerate(("Refunded", "Captured"), 3):
        assert call("HandleEvent", **event(number, "p1", status)) == {}
    assert call("GetOrderById", orderId="order-1")["payable"] is True


def test_money_that_went_back_opens_no_order_that_is_paid_otherwise(
    call: Call, till: Restaurant
) -> None:
    call(PAY, **payment("p1", 6750))
    call("HandleEvent", **event(1, "p1", "Reversed"))
    till.close("order-1")
    call("HandleEvent", **event(2, "p1", "Refunded"))
    order = call("GetOrderById", orderId="order-1")
    assert (order["status"], order["payable"]) == ("Finalized", False)
    assert order["payments"] == [{"paidAmount": pounds(6750), "tipsAmount": pounds(0)}]


@pytest.mark.parametrize(
    "unknown",
    [
        event(1, "p1", "Teleported"),
        event(1, "p1", "Captured", surprise={"deep": [1]}),
        {**event(1, "p1", "Captured"), "event": "till.on_fire", "data": {"degrees": 900}},
        {**event(1, "p1", "Created"), "event": "payment_intent.created"},
    ],
)
def test_what_is_new_in_an_event_is_acknowledged(call: Call, unknown: Json) -> None:
    assert call("HandleEvent", **unknown) == {}
    assert call("HandleEvent", **unknown) == {}
