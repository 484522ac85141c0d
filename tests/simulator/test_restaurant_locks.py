"""The sample restaurant's locks: who may touch an order while guests pay, and for how long."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.shop import Clock, ids, lock, payment, pounds

from dojo_proto import Conflict, InvalidRequest
from dojo_simulator.restaurant import Restaurant

Call = Callable[..., Any]


def test_a_locked_order_can_be_read_and_is_paid_by_the_holder_of_its_lock(call: Call) -> None:
    locked = call("CreateOrderLock", **lock("a"))
    assert locked == call("GetOrderById", orderId="order-1")
    assert "order-1" in ids(call("SearchOrders", payableOnly=True))
    for foreign in ({}, {"lockId": "b"}):
        with pytest.raises(Conflict, match="somebody else is paying"):
            call("RecordOrderPaymentById", **payment("p1", 1, **foreign))
    for number in range(2):
        paid = call("RecordOrderPaymentById", **payment(f"p{number}", 1000, lockId="a"))
    assert paid["paidAmount"] == pounds(2000)


def test_while_it_is_locked_nothing_is_changed_at_the_till(call: Call, till: Restaurant) -> None:
    call("CreateOrderLock", **lock("a"))
    locked = call("GetOrderById", orderId="order-1")
    with pytest.raises(Conflict, match="somebody is paying"), till.edit("order-1"):
        pass
    for change in (
        lambda: till.add_item("order-1", till.item("soup-1")),
        lambda: till.close("order-1"),
        lambda: till.prepare("order-1"),
        lambda: call("CancelOrderById", orderId="order-1"),
    ):
        with pytest.raises(Conflict, match="paying"):
            change()
    assert call("DeleteOrderLock", orderId="order-1", lockId="a") == locked
    till.add_item("order-1", till.item("soup-1"))


def test_the_same_lock_again_is_success_and_another_is_a_conflict(call: Call) -> None:
    first = call("CreateOrderLock", **lock("a"))
    assert call("CreateOrderLock", **lock("a")) == first
    with pytest.raises(Conflict, match="somebody else is paying"):
        call("CreateOrderLock", **lock("b"))
    call("CreateOrderLock", **lock("b", order="order-2"))


def test_an_order_that_is_open_at_the_till_cannot_be_locked(call: Call, till: Restaurant) -> None:
    with till.edit("order-1"), pytest.raises(Conflict, match="open at the till"):
        call("CreateOrderLock", **lock("a"))
    call("CreateOrderLock", **lock("a"))


def test_a_closed_order_cannot_be_locked_but_its_lock_can_be_repeated(call: Call) -> None:
    call("CreateOrderLock", **lock("a"))
    call("RecordOrderPaymentById", **payment("p1", 6750, lockId="a"))
    assert call("CreateOrderLock", **lock("a"))["payable"] is False
    call("DeleteOrderLock", orderId="order-1", lockId="a")
    with pytest.raises(Conflict, match="closed"):
        call("CreateOrderLock", **lock("a"))


def test_a_lock_ends_when_it_expires(call: Call, till: Restaurant, clock: Clock) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    clock.pass_minutes(5)
    till.add_item("order-1", till.item("soup-1"))
    call("CreateOrderLock", **lock("b", minutes=15))
    with pytest.raises(Conflict, match="somebody else is paying"):
        call("CreateOrderLock", **lock("a", minutes=15))


def test_an_extended_lock_lasts_longer(call: Call, till: Restaurant, clock: Clock) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    assert call("ExtendOrderLock", **lock("a", minutes=15)) == {}
    clock.pass_minutes(10)
    with pytest.raises(Conflict, match="somebody is paying"):
        till.add_item("order-1", till.item("soup-1"))
    with pytest.raises(Conflict, match="somebody else is paying"):
        call("CreateOrderLock", **lock("b", minutes=15))
    clock.pass_minutes(5)
    call("CreateOrderLock", **lock("b", minutes=20))


def test_an_expired_lock_still_pays_what_fits_and_can_be_extended(call: Call, clock: Clock) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    clock.pass_minutes(6)
    with pytest.raises(Conflict, match="more than"):
        call("RecordOrderPaymentById", **payment("p1", 6751, lockId="a"))
    call("RecordOrderPaymentById", **payment("p1", 1, lockId="a"))
    call("ExtendOrderLock", **lock("a", minutes=10))
    with pytest.raises(Conflict, match="somebody else is paying"):
        call("ExtendOrderLock", **lock("b", minutes=10))


def test_only_a_lock_that_is_there_can_be_extended(call: Call, clock: Clock) -> None:
    with pytest.raises(Conflict, match="gone"):
        call("ExtendOrderLock", **lock("a"))
    call("CreateOrderLock", **lock("a", minutes=1))
    clock.pass_minutes(1)
    call("CreateOrderLock", **lock("b", minutes=2))
    clock.pass_minutes(1)
    with pytest.raises(Conflict, match="gone"):
        call("ExtendOrderLock", **lock("a"))


def test_unlocking_is_success_however_often_it_is_done_and_frees_no_other_lock(
    call: Call, clock: Clock
) -> None:
    call("CreateOrderLock", **lock("a", minutes=5))
    clock.pass_minutes(6)
    for _ in range(2):
        freed = call("DeleteOrderLock", orderId="order-1", lockId="a")
        assert freed == call("GetOrderById", orderId="order-1")
    call("CreateOrderLock", **lock("b", minutes=15))
    call("DeleteOrderLock", orderId="order-1", lockId="a")
    with pytest.raises(Conflict, match="somebody else is paying"):
        call("CreateOrderLock", **lock("c", minutes=15))


def test_staff_can_unlock_by_hand_and_then_a_payment_must_still_fit(
    call: Call, till: Restaurant
) -> None:
    call("CreateOrderLock", **lock("a"))
    till.unlock("order-1")
    till.close("order-1")
    with pytest.raises(Conflict, match="closed"):
        call("RecordOrderPaymentById", **payment("p1", 1000, lockId="a"))
    call("CreateOrderLock", **lock("a", order="order-2"))
    till.unlock("order-2")
    call("RecordOrderPaymentById", **payment("p1", 1400, order="order-2", lockId="a"))


def test_an_expiry_without_an_offset_is_no_time(call: Call) -> None:
    with pytest.raises(InvalidRequest, match="expiry"):
        call("CreateOrderLock", orderId="order-1", lockId="a", expiry="2026-03-01T12:05:00")
