"""Orders that Dojo brings to the sample restaurant, made and paid in the guests' own app."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from tests.simulator.shop import Json, asked, at, basket, ids, item, lock, payment, pounds

from dojo_proto import Conflict, InvalidRequest, UnexpectedError
from dojo_simulator.restaurant import Restaurant, Staff, epos
from dojo_simulator.testing import Caller

Call = Callable[..., Any]


def extra(plu: str, *, quantity: int = 1, currency: str = "GBP") -> Json:
    amount = pounds(150, currency)
    return {"name": "extra", "plu": plu, "quantity": quantity, "amountPerModifier": amount}


COLLECTION = {"orderType": "Collection", "collection": {"asap": True}}


# What is taken.


def test_an_order_gets_the_tills_id_and_its_payments_are_booked(call: Call) -> None:
    order = call("CreateOrder", **basket())
    assert order == call("GetOrderById", orderId="order-5")
    assert (order["status"], order["payable"]) == ("Accepted", False)
    assert order["totalAmount"] == order["paidAmount"] == pounds(1050)
    assert order["tipsAmount"] == pounds(100)
    assert order["payments"] == basket()["payments"]
    assert order["displayName"] == "Table 3"
    assert ids(call("SearchOrders", dineIn={"tableId": "3"})) == ["order-5"]


def test_everything_that_the_guests_were_shown_is_kept(call: Call) -> None:
    told: Json = {
        "items": [
            item(note="well done", modifiers=[extra("extra-1", quantity=2)], somethingNew=[1]),
            item("lunch-1", subItems=[{**item("soup-1"), "modifiers": [extra("extra-2")]}]),
        ],
        "discounts": [{"name": "Spring", "amountTotal": pounds(100), "amountPercentage": 1000}],
        "taxLines": [{"id": "VAT", "amountTotal": pounds(175)}],
        "serviceChargeAmount": pounds(60),
        "customer": {"name": "Kim", "phoneNumber": "1"},
        "note": "no onions",
        "reference": "A-17",
        "displayName": "Kim's order",
        "details": {**COLLECTION, "collection": {"collectAt": "2026-03-01T13:00:00Z"}},
    }
    order = call("CreateOrder", **basket(**told))
    assert {name: order[name] for name in told} == told


def test_an_order_may_be_paid_later_at_the_table(call: Call) -> None:
    order = call("CreateOrder", **basket(payments=[]))
    assert (order["payable"], order["paidAmount"]) == (True, pounds(0))
    paid = call("RecordOrderPaymentById", **payment("p9", 1050, order=order["id"]))
    assert (paid["payable"], paid["status"]) == (False, "Finalized")


def test_orders_to_be_fetched_have_names_too(call: Call) -> None:
    names = [
        call("CreateOrder", **basket(f"dojo-{n}", details=COLLECTION))["displayName"]
        for n in range(2)
    ]
    assert names == ["Collection", "Collection (2)"]


def test_an_order_belongs_to_the_party_at_its_table(call: Call) -> None:
    party = call("CreateParty", dojoPartyId="dojo-party", tableIds=["3"], startTime=at(0))
    order = call("CreateOrder", **basket())
    assert order["details"]["dineIn"] == {"tableId": "3", "partyId": party["id"]}
    assert ids(call("SearchOrders", dineIn={"partyId": party["id"]})) == [order["id"]]
    both = {"partyId": party["id"], "tableId": "7"}
    assert ids(call("SearchOrders", dineIn=both)) == []


# What is taken once.


def test_the_same_order_again_is_the_same_order_as_it_is_now(call: Call, till: Restaurant) -> None:
    first = call("CreateOrder", **basket())
    till.prepare(first["id"])
    again = call("CreateOrder", **basket(totalAmount=pounds(9999)))
    assert again == {**first, "status": "Preparing"}
    assert ids(call("SearchOrders", dineIn={"tableId": "3"})) == ["order-5"]


def test_one_order_that_comes_many_times_at_once_is_taken_once(call: Call) -> None:
    start = Barrier(8)

    def create(_: int) -> Any:
        start.wait(5)
        return call("CreateOrder", **basket())["id"]

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(create, range(8))) == {"order-5"}
    assert len(ids(call("SearchOrders"))) == 5


def test_the_lookup_knows_what_was_taken(call: Call, till: Restaurant) -> None:
    assert asked("CreateOrder", till, basket()) is None
    order = call("CreateOrder", **basket())
    assert asked("CreateOrder", till, basket()) == order


def test_an_order_whose_answer_died_with_the_process_is_taken_once(till: Restaurant) -> None:
    caller = Caller(epos, state=till)
    caller.call("CreateOrder", basket(), crash=True)
    assert caller.call("CreateOrder", basket())["id"] == "order-5"


def test_if_nothing_can_be_stored_the_order_is_refused_and_not_taken(
    call: Call, till: Restaurant
) -> None:
    with Staff(till).failing_storage(), pytest.raises(UnexpectedError):
        call("CreateOrder", **basket())
    assert len(ids(call("SearchOrders"))) == 4


# What is refused.


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (basket(items=[]), InvalidRequest, "nothing is ordered"),
        (basket(items=[item("nope")]), InvalidRequest, "no such plu"),
        (basket(items=[item(modifiers=[extra("nope")])]), InvalidRequest, "no such plu"),
        (basket(items=[item(subItems=[item("nope")])]), InvalidRequest, "no such plu"),
        (basket(items=[item(quantity=0)]), InvalidRequest, "quantity"),
        (basket(table="99"), InvalidRequest, "no such table"),
        (basket(details={"orderType": "DineIn", "collection": {}}), InvalidRequest, "orderType"),
        (basket(details={"orderType": "Collection", "dineIn": {}}), InvalidRequest, "orderType"),
        (basket(totalAmount=pounds(1050, "EUR")), InvalidRequest, "GBP only"),
        (basket(serviceChargeAmount=pounds(1, "EUR")), InvalidRequest, "GBP only"),
        (basket(totalAmount=pounds(-1)), InvalidRequest, "totalAmount"),
        (
            basket(items=[item(modifiers=[extra("extra-1", currency="EUR")])]),
            InvalidRequest,
            "GBP only",
        ),
        (basket(discounts=[{"name": "d", "amountTotal": pounds(-1)}]), InvalidRequest, "amount"),
        (basket(taxLines=[{"amountTotal": pounds(1, "EUR")}]), InvalidRequest, "GBP only"),
        (basket(payments=[{"paidAmount": pounds(1, "EUR")}]), InvalidRequest, "GBP only"),
        (basket(payments=[{"paidAmount": pounds(1051)}]), Conflict, "more is paid"),
        (
            basket(payments=[{"paidAmount": pounds(1), "paymentIntentId": "p"}] * 2),
            InvalidRequest,
            "twice",
        ),
        ({**basket(), "dojoOrderId": None}, InvalidRequest, "dojoOrderId"),
        # What could never be sent back would make every search fail.
        (basket(customer={"emailAddress": "x" * 255}), InvalidRequest, "shown this Order"),
        (basket(customer={"shoeSize": 43}), InvalidRequest, "shown this Order"),
        (
            basket(details={"orderType": "Delivery", "dineIn": {}}),
            InvalidRequest,
            "shown this Order",
        ),
    ],
)
def test_an_order_that_cannot_be_taken_leaves_no_trace(
    call: Call, wrong: Json, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        call("CreateOrder", **wrong)
    assert len(ids(call("SearchOrders"))) == 4
    assert call("CreateOrder", **basket())["id"] == "order-5"


# What is cancelled.


def test_an_order_can_be_cancelled_until_the_kitchen_begins(call: Call, till: Restaurant) -> None:
    order_id = call("CreateOrder", **basket())["id"]
    cancelled = call("CancelOrderById", orderId=order_id)
    assert (cancelled["status"], cancelled["payable"]) == ("Canceled", False)
    assert cancelled["paidAmount"] == pounds(1050)  # until Dojo tells that it went back
    assert call("CancelOrderById", orderId=order_id) == cancelled
    other = call("CreateOrder", **basket("dojo-2"))["id"]
    till.prepare(other)
    with pytest.raises(Conflict, match="too late"):
        call("CancelOrderById", orderId=other)


def test_an_order_of_the_till_can_be_cancelled_while_nothing_is_paid(call: Call) -> None:
    assert call("CancelOrderById", orderId="order-1")["status"] == "Canceled"
    call("RecordOrderPaymentById", **payment("p1", 1, order="order-2"))
    call("RecordOrderPaymentById", **payment("p1", 1740, order="order-3"))
    for order_id in ("order-2", "order-3"):
        with pytest.raises(Conflict, match="too late"):
            call("CancelOrderById", orderId=order_id)


def test_an_order_that_somebody_works_on_is_not_cancelled(call: Call, till: Restaurant) -> None:
    with till.edit("order-1"), pytest.raises(Conflict, match="open at the till"):
        call("CancelOrderById", orderId="order-1")
    call("CreateOrderLock", **lock("a"))
    with pytest.raises(Conflict, match="locked"):
        call("CancelOrderById", orderId="order-1")
