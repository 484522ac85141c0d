"""The sample restaurant: the vendor's rules, handler by handler."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import msgspec
import pytest
from tests.simulator.shop import NOON, Clock, Json, ids, payment, pounds, run

from dojo_proto import Conflict, InvalidRequest, NotFound
from dojo_simulator import restaurant
from dojo_simulator.restaurant import Restaurant
from dojo_simulator.till import Item

Call = Callable[..., Any]


def lock(lock_id: str, *, order: str = "order-1", minutes: int = 5) -> Json:
    expiry = (NOON + timedelta(minutes=minutes)).isoformat()
    return {"orderId": order, "lockId": lock_id, "expiry": expiry}


# The shape of an order.


def test_an_order_shows_its_table_items_and_amounts(call: Call) -> None:
    assert call("GetOrderById", orderId="order-3") == {
        "id": "order-3",
        "displayName": "Table 7",
        "status": "Confirmed",
        "payable": True,
        "createdAt": "2026-03-01T12:00:00Z",
        "updatedAt": "2026-03-01T12:00:00Z",
        "details": {"orderType": "DineIn", "dineIn": {"tableId": "7", "waiterId": "anna"}},
        "items": [
            {
                "name": "Tagliatelle al ragù",
                "plu": "pasta-1",
                "quantity": 1,
                "amountPerItem": pounds(1390),
            },
            {"name": "Water", "plu": "soft-1", "quantity": 1, "amountPerItem": pounds(350)},
        ],
        "serviceChargeAmount": pounds(0),
        "totalAmount": pounds(1740),
        "paidAmount": pounds(0),
        "tipsAmount": pounds(0),
        "payments": [],
    }


def test_the_total_is_the_items_by_quantity_and_the_service_charge(call: Call) -> None:
    order = call("GetOrderById", orderId="order-1")
    items = sum(item["quantity"] * item["amountPerItem"]["value"] for item in order["items"])
    assert order["totalAmount"]["value"] == items + order["serviceChargeAmount"]["value"] == 6750


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("GetOrderById", {"orderId": "nope"}),
        ("GetOrderBillById", {"orderId": "nope"}),
        ("CreateOrderLock", lock("a", order="nope")),
        ("ExtendOrderLock", lock("a", order="nope")),
        ("DeleteOrderLock", {"orderId": "nope", "lockId": "a"}),
        ("RecordOrderPaymentById", payment("p", 1, order="nope")),
    ],
)
def test_an_unknown_order_is_not_found(call: Call, method: str, params: Json) -> None:
    with pytest.raises(NotFound):
        call(method, **params)


def test_the_bill_shows_the_same_order_between_header_and_footer(call: Call) -> None:
    call("RecordOrderPaymentById", **payment("p", 750))
    bill = call("GetOrderBillById", orderId="order-1")
    assert bill["order"] == call("GetOrderById", orderId="order-1")
    header, footer = bill["header"]["lines"], bill["footer"]["lines"]
    assert header[0] == {
        "lineType": "MerchantName",
        "merchantName": {"name": "The Sample Kitchen"},
    }
    assert header[1]["text"]["value"] == "Table 1"
    assert [line["text"]["value"] for line in footer if line["lineType"] == "Text"] == [
        "Total 67.50 GBP",
        "Thank you!",
    ]


def test_nobody_waits_for_the_printer_but_who_asked_for_the_bill(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = Restaurant(clock=clock, printing_time=3.0)
    meanwhile = []

    def printing(seconds: float) -> None:
        with ThreadPoolExecutor() as threads:
            meanwhile.append((seconds, threads.submit(till.order, "order-2").result(5)["id"]))

    monkeypatch.setattr(time, "sleep", printing)
    till.bill("order-1")
    assert meanwhile == [(3.0, "order-2")]


# Payments.


def test_parts_add_up_and_the_last_one_closes_the_order(call: Call, clock: Clock) -> None:
    clock.now += timedelta(minutes=1)
    first = call("RecordOrderPaymentById", **payment("p1", 3000))
    assert (first["paidAmount"], first["payable"]) == (pounds(3000), True)
    assert (first["status"], first["updatedAt"]) == ("Confirmed", "2026-03-01T12:01:00Z")
    last = call("RecordOrderPaymentById", **payment("p2", 3750))
    assert last["paidAmount"] == last["totalAmount"] == pounds(6750)
    assert (last["payable"], last["status"]) == (False, "Finalized")


def test_a_tip_is_kept_apart(call: Call) -> None:
    order = call("RecordOrderPaymentById", **payment("p1", 6750, tipsAmount=pounds(500)))
    assert (order["paidAmount"], order["tipsAmount"]) == (pounds(6750), pounds(500))
    assert order["totalAmount"] == pounds(6750)
    assert order["payments"] == [
        {"paymentIntentId": "p1", "paidAmount": pounds(6750), "tipsAmount": pounds(500)}
    ]


def test_the_same_intent_again_is_success_and_books_nothing(call: Call) -> None:
    call("RecordOrderPaymentById", **payment("p1", 3000))
    call("RecordOrderPaymentById", **payment("p2", 3750))
    for value in (3000, 1, 9999):  # even now that the order is closed
        again = call("RecordOrderPaymentById", **payment("p1", value))
        assert again == call("GetOrderById", orderId="order-1")
    assert again["paidAmount"] == pounds(6750)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (payment("p", 6751), Conflict),
        (payment("p", 0), InvalidRequest),
        (payment("p", -1), msgspec.ValidationError),
        ({**payment("p", 1), "paidAmount": pounds(1, "EUR")}, InvalidRequest),
        (payment("p", 1, tipsAmount=pounds(1, "EUR")), InvalidRequest),
        (payment("p", 1, tipsAmount=pounds(-1)), msgspec.ValidationError),
        ({**payment("p", 1), "paidAmount": {"value": 1.5, "currencyCode": "GBP"}}, ValueError),
        ({**payment("p", 1), "paidAmount": {"value": 2**63, "currencyCode": "GBP"}}, ValueError),
        ({"orderId": "order-1", "paymentIntentId": "p"}, msgspec.ValidationError),
    ],
)
def test_what_cannot_be_booked_is_refused_and_leaves_no_trace(
    call: Call, wrong: Json, error: type[Exception]
) -> None:
    before = call("GetOrderById", orderId="order-1")
    with pytest.raises(error):
        call("RecordOrderPaymentById", **wrong)
    assert call("GetOrderById", orderId="order-1") == before


def test_a_closed_order_takes_no_more(call: Call) -> None:
    call("RecordOrderPaymentById", **payment("p1", 6750))
    with pytest.raises(Conflict, match="closed"):
        call("RecordOrderPaymentById", **payment("p2", 1))
    with pytest.raises(Conflict, match="closed"):
        call("CreateOrderLock", **lock("a"))


def test_of_two_payments_for_the_rest_at_once_one_is_booked(call: Call) -> None:
    start = Barrier(2)

    def pay(intent: str) -> str:
        start.wait(5)
        try:
            call("RecordOrderPaymentById", **payment(intent, 6750))
        except Conflict:
            return "refused"
        return "booked"

    with ThreadPoolExecutor() as threads:
        assert sorted(threads.map(pay, ["p1", "p2"])) == ["booked", "refused"]
    assert call("GetOrderById", orderId="order-1")["paidAmount"] == pounds(6750)


def test_the_lookup_knows_what_is_booked_and_what_is_not(till: Restaurant, call: Call) -> None:
    asked = payment("p1", 3000)
    assert run("RecordOrderPaymentById", till, asked, lookup=True) is None
    call("RecordOrderPaymentById", **asked)
    order = call("RecordOrderPaymentById", **payment("p2", 1000))
    assert run("RecordOrderPaymentById", till, asked, lookup=True) == order
    other = payment("p1", 3000, order="order-2")
    assert run("RecordOrderPaymentById", till, other, lookup=True) is None


# Locks.


def test_a_locked_order_can_be_read_and_is_paid_by_the_holder_of_its_lock(call: Call) -> None:
    locked = call("CreateOrderLock", **lock("a"))
    assert locked == call("GetOrderById", orderId="order-1")
    assert ids(call("SearchOrders", payableOnly=True)) == ["order-1", "order-2", "order-3"]
    for foreign in ({}, {"lockId": "b"}):
        with pytest.raises(Conflict, match="locked"):
            call("RecordOrderPaymentById", **payment("p1", 1, **foreign))
    order = call("RecordOrderPaymentById", **payment("p1", 1, lockId="a"))
    assert order["paidAmount"] == pounds(1)


def test_the_same_lock_again_is_success_and_another_is_a_conflict(call: Call) -> None:
    call("CreateOrderLock", **lock("a"))
    call("CreateOrderLock", **lock("a"))
    with pytest.raises(Conflict, match="locked by another"):
        call("CreateOrderLock", **lock("b"))
    call("CreateOrderLock", **lock("b", order="order-2"))


def test_a_lock_ends_when_it_expires(call: Call, clock: Clock) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    clock.now += timedelta(minutes=5)
    call("CreateOrderLock", **lock("b", minutes=15))
    with pytest.raises(Conflict, match="locked by another"):
        call("CreateOrderLock", **lock("a", minutes=15))


def test_an_extended_lock_lasts_longer(call: Call, clock: Clock) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    assert call("ExtendOrderLock", **lock("a", minutes=15)) == {}
    clock.now += timedelta(minutes=10)
    with pytest.raises(Conflict, match="locked by another"):
        call("CreateOrderLock", **lock("b", minutes=15))


def test_an_expired_lock_still_pays_and_can_be_extended_until_somebody_else_comes(
    call: Call, clock: Clock
) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    clock.now += timedelta(minutes=6)
    call("RecordOrderPaymentById", **payment("p1", 1, lockId="a"))
    call("ExtendOrderLock", **lock("a", minutes=10))
    with pytest.raises(Conflict, match="locked by another"):
        call("ExtendOrderLock", **lock("b", minutes=10))


def test_only_a_lock_that_is_there_can_be_extended(call: Call) -> None:
    with pytest.raises(Conflict, match="gone"):
        call("ExtendOrderLock", **lock("a"))


def test_unlocking_frees_the_order_however_often_it_is_done(call: Call) -> None:
    call("CreateOrderLock", **lock("a"))
    for _ in range(2):
        freed = call("DeleteOrderLock", orderId="order-1", lockId="a")
        assert freed == call("GetOrderById", orderId="order-1")
    call("CreateOrderLock", **lock("b"))
    call("DeleteOrderLock", orderId="order-1", lockId="a")
    with pytest.raises(Conflict, match="locked by another"):
        call("CreateOrderLock", **lock("c"))


def test_an_expiry_without_an_offset_is_no_time(call: Call) -> None:
    with pytest.raises(msgspec.ValidationError):
        call("CreateOrderLock", orderId="order-1", lockId="a", expiry="2026-03-01T12:05:00")


def test_an_order_that_is_open_at_the_till_is_neither_payable_nor_lockable(
    till: Restaurant, call: Call, clock: Clock
) -> None:
    with till.editing("order-1") as order:
        order.items += (Item("Espresso", "hot-1", 250),)
        assert call("GetOrderById", orderId="order-1")["payable"] is False
        assert ids(call("SearchOrders", payableOnly=True)) == ["order-2", "order-3"]
        with pytest.raises(Conflict, match="open at the till"):
            call("CreateOrderLock", **lock("a"))
        clock.now += timedelta(minutes=1)
    changed = call("GetOrderById", orderId="order-1")
    assert (changed["payable"], changed["totalAmount"]) == (True, pounds(7000))
    assert changed["updatedAt"] == "2026-03-01T12:01:00Z"


def test_an_order_that_is_being_paid_cannot_be_opened_at_the_till(
    till: Restaurant, call: Call, clock: Clock
) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    with pytest.raises(Conflict, match="somebody is paying"), till.editing("order-1"):
        pass
    clock.now += timedelta(minutes=5)
    with till.editing("order-1"):
        pass  # the lock has expired, and is freed
    with pytest.raises(Conflict, match="gone"):
        call("ExtendOrderLock", **lock("a", minutes=10))


# Whose till it is.


def test_without_a_state_the_handlers_serve_the_house(call: Call) -> None:
    expected = restaurant.house.order("order-1")["totalAmount"]
    assert call("GetOrderById", state=None, orderId="order-1")["totalAmount"] == expected
