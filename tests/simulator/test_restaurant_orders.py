"""The sample restaurant's orders: which a search finds, in which pages, and what one shows."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.shop import Clock, Json, ids, lock, payment, pounds

from dojo_proto import InvalidRequest, NotFound
from dojo_simulator.restaurant import Restaurant

Call = Callable[..., Any]

ALL = ["order-1", "order-2", "order-3", "order-4"]


# What an order shows.


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
        "taxLines": [
            {"id": "VAT", "name": "VAT", "amountPercentage": 2000, "amountTotal": pounds(290)}
        ],
        "serviceChargeAmount": pounds(0),
        "totalAmount": pounds(1740),
        "paidAmount": pounds(0),
        "tipsAmount": pounds(0),
    }


@pytest.mark.parametrize(
    ("order_id", "items", "discounts", "service"),
    [("order-1", 6140, 0, 610), ("order-2", 1400, 0, 0), ("order-4", 5600, 560, 0)],
)
def test_a_total_is_items_with_all_they_have_and_service_charge_less_discounts(
    call: Call, order_id: str, items: int, discounts: int, service: int
) -> None:
    order = call("GetOrderById", orderId=order_id)
    assert sum(each["quantity"] * price_of(each) for each in order["items"]) == items
    assert sum(each["amountTotal"]["value"] for each in order.get("discounts", ())) == discounts
    assert order["serviceChargeAmount"] == pounds(service)
    assert order["totalAmount"] == pounds(items - discounts + service)


def price_of(item: Json) -> int:
    extras = [*item.get("modifiers", ()), *item.get("subItems", ())]
    prices = [extra.get("amountPerModifier", extra.get("amountPerItem")) for extra in extras]
    counts = [extra["quantity"] for extra in extras]
    amounts = [n * each["value"] for n, each in zip(counts, prices, strict=True)]
    return int(item["amountPerItem"]["value"] + sum(amounts))


def test_the_newest_state_is_shown_also_while_the_order_is_locked(
    call: Call, till: Restaurant, clock: Clock
) -> None:
    clock.pass_minutes(1)
    till.add_item("order-2", till.item("coffee-1"))
    call("CreateOrderLock", **lock("a", order="order-2"))
    order = call("GetOrderById", orderId="order-2")
    assert [item["plu"] for item in order["items"]] == ["pizza-1", "soft-1", "coffee-1"]
    assert (order["totalAmount"], order["updatedAt"]) == (pounds(1650), "2026-03-01T12:01:00Z")
    assert order["createdAt"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("GetOrderById", {"orderId": "nope"}),
        ("GetOrderBillById", {"orderId": "nope"}),
        ("CancelOrderById", {"orderId": "nope"}),
        ("CreateOrderLock", lock("a", order="nope")),
        ("ExtendOrderLock", lock("a", order="nope")),
        ("DeleteOrderLock", {"orderId": "nope", "lockId": "a"}),
        ("RecordOrderPaymentById", payment("p", 1, order="nope")),
    ],
)
def test_an_unknown_order_is_not_found(call: Call, method: str, params: Json) -> None:
    with pytest.raises(NotFound, match="no such order"):
        call(method, **params)


def test_names_on_a_terminal_are_short_and_all_different(call: Call, till: Restaurant) -> None:
    for _ in range(3):
        till.open_order("7", "anna", [till.item("soup-1")])
    names = [order["displayName"] for order in call("SearchOrders")["data"]]
    assert names[-3:] == ["Table 7 (2)", "Table 7 (3)", "Table 7 (4)"]
    assert len(set(names)) == len(names)
    till.close("order-3")
    again = till.open_order("7", "anna")
    assert till.order(again).display_name == "Table 7"


# Which orders a search finds.


def test_only_what_can_be_paid_is_payable(call: Call, till: Restaurant) -> None:
    call("RecordOrderPaymentById", **payment("p1", 6750))
    till.open_order("3", "ben")  # nothing is ordered yet
    assert ids(call("SearchOrders")) == [*ALL, "order-5"]
    with till.edit("order-2"):
        page = call("SearchOrders", payableOnly=True)
    assert ids(page) == ["order-3", "order-4"]
    assert {order["payable"] for order in page["data"]} == {True}
    assert ids(call("SearchOrders", payableOnly=True)) == ["order-2", "order-3", "order-4"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ALL),
        ({"dineIn": {}}, ALL),
        ({"dineIn": {"tableId": "7"}}, ["order-3"]),
        ({"dineIn": {"waiterId": "anna"}}, ["order-1", "order-3"]),
        ({"headers": {"waiterId": "anna"}}, ["order-1", "order-3"]),
        ({"headers": {"waiterId": "anna"}, "dineIn": {"waiterId": "ben"}}, ["order-2"]),
        ({"headers": {"waiterId": "nobody"}}, []),
        ({"dineIn": {"tableId": "7", "waiterId": "ben"}}, []),
        ({"dineIn": {"partyId": "nope"}}, []),
        ({"dineIn": {"reservationId": "nope"}}, []),
        ({"dineIn": {"tableId": "99"}}, []),
    ],
)
def test_filters_combine_and_no_match_is_an_empty_page(
    call: Call, params: Json, found: list[str]
) -> None:
    page = call("SearchOrders", **params)
    assert ids(page) == found
    assert page.keys() == {"data"}


# Pages.


@pytest.fixture
def busy(till: Restaurant) -> Restaurant:
    """A restaurant with 105 orders."""
    soup = [till.item("soup-1")]
    for _ in range(101):
        till.open_order("3", "ben", soup)
    return till


@pytest.mark.parametrize(("limit", "size"), [(None, 100), (1, 1), (100, 100)])
def test_a_page_holds_what_was_asked_for_and_at_most_a_hundred(
    call: Call, busy: Restaurant, limit: int | None, size: int
) -> None:
    page = call("SearchOrders", state=busy, cursor={} if limit is None else {"limit": limit})
    assert len(page["data"]) == size
    assert page.keys() == {"data", "after"}


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_walking_forth_and_back_gives_every_order_once(
    call: Call, busy: Restaurant, limit: int
) -> None:
    everything = [f"order-{number}" for number in range(1, 106)]
    page = call("SearchOrders", state=busy, cursor={"limit": limit})
    seen = ids(page)
    while "after" in page:
        cursor = {"limit": limit, "after": page["after"]}
        page = call("SearchOrders", state=busy, cursor=cursor)
        seen += ids(page)
    assert seen == everything
    back = ids(page)
    while "before" in page:
        cursor = {"limit": limit, "before": page["before"]}
        page = call("SearchOrders", state=busy, cursor=cursor)
        back = ids(page) + back
    assert back == everything


def test_a_cursor_holds_while_orders_come_and_go(call: Call, till: Restaurant) -> None:
    first = call("SearchOrders", payableOnly=True, cursor={"limit": 2})
    assert ids(first) == ["order-1", "order-2"]
    till.close("order-2")  # the one that the cursor points to
    till.open_order("3", "ben", [till.item("soup-1")])
    second = call("SearchOrders", payableOnly=True, cursor={"after": first["after"]})
    assert ids(second) == ["order-3", "order-4", "order-5"]
    back = call("SearchOrders", payableOnly=True, cursor={"before": second["before"]})
    assert ids(back) == ["order-1"]
    assert back.keys() == {"data", "after"}


def test_behind_the_last_order_there_is_an_empty_page(call: Call) -> None:
    assert call("SearchOrders", cursor={"after": "4"}) == {"data": []}


@pytest.mark.parametrize(
    "cursor",
    [
        {"before": "1", "after": "1"},
        {"after": "order-1"},
        {"before": "-1"},
        {"after": "1" * 19},
        {"limit": 0},
        {"limit": 101},
        {"limit": "3"},
    ],
)
def test_a_cursor_that_makes_no_sense_is_refused(call: Call, cursor: Json) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        call("SearchOrders", cursor=cursor)
