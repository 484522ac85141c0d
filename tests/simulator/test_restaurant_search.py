"""The sample restaurant: which orders a search finds, and in which pages."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.simulator.shop import NOON, Json, ids, payment

from dojo_proto import InvalidRequest
from dojo_simulator.restaurant import Restaurant
from dojo_simulator.till import Item, Order

Call = Callable[..., Any]


def many(count: int) -> Restaurant:
    soup = (Item("Soup", "soup-1", 500),)
    orders = [Order(f"o{n}", str(n), "anna", NOON, soup) for n in range(count)]
    return Restaurant(orders, clock=lambda: NOON)


def test_search_gives_all_orders_or_the_payable_ones(call: Call) -> None:
    call("RecordOrderPaymentById", **payment("p1", 6750))
    assert ids(call("SearchOrders")) == ["order-1", "order-2", "order-3"]
    assert ids(call("SearchOrders", payableOnly=True)) == ["order-2", "order-3"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"dineIn": {"tableId": "7"}}, ["order-3"]),
        ({"dineIn": {"waiterId": "anna"}}, ["order-1", "order-3"]),
        ({"headers": {"waiterId": "anna"}}, ["order-1", "order-3"]),
        ({"headers": {"waiterId": "anna"}, "dineIn": {"waiterId": "ben"}}, ["order-2"]),
        ({"dineIn": {"tableId": "7", "waiterId": "ben"}}, []),
        ({"dineIn": {"partyId": "x"}}, []),
        ({"dineIn": {"reservationId": "x"}}, []),
        ({"dineIn": {"tableId": "99"}}, []),
    ],
)
def test_filters_combine(call: Call, params: Json, found: list[str]) -> None:
    page = call("SearchOrders", **params)
    assert ids(page) == found
    assert page.keys() == {"data"}


@pytest.mark.parametrize(("limit", "size"), [(None, 100), (1, 1), (100, 100), (101, 100)])
def test_a_page_holds_at_most_a_hundred(call: Call, limit: int | None, size: int) -> None:
    cursor = {} if limit is None else {"limit": limit}
    page = call("SearchOrders", state=many(105), cursor=cursor)
    assert len(page["data"]) == size
    assert "after" in page


def test_walking_forth_and_back_gives_every_order_once(call: Call) -> None:
    shop = many(7)
    everything = [f"o{n}" for n in range(7)]
    page = call("SearchOrders", state=shop, cursor={"limit": 3})
    assert "before" not in page
    seen = ids(page)
    while "after" in page:
        page = call("SearchOrders", state=shop, cursor={"limit": 3, "after": page["after"]})
        seen += ids(page)
    assert seen == everything
    back = ids(page)
    while "before" in page:
        page = call("SearchOrders", state=shop, cursor={"limit": 3, "before": page["before"]})
        back = ids(page) + back
    assert back == everything


def test_a_cursor_holds_when_its_order_is_not_listed_any_more(call: Call) -> None:
    cursor = {"limit": 1, "after": "order-1"}
    call("RecordOrderPaymentById", **payment("p1", 6750))
    page = call("SearchOrders", payableOnly=True, cursor=cursor)
    assert ids(page) == ["order-2"]
    assert "before" not in page


@pytest.mark.parametrize(
    ("cursor", "error"),
    [
        ({"before": "order-1", "after": "order-1"}, InvalidRequest),
        ({"after": "nope"}, InvalidRequest),
        ({"before": "nope"}, InvalidRequest),
        ({"limit": 0}, msgspec.ValidationError),
        ({"limit": "3"}, msgspec.ValidationError),
    ],
)
def test_a_cursor_that_makes_no_sense_is_refused(
    call: Call, cursor: Json, error: type[Exception]
) -> None:
    with pytest.raises(error):
        call("SearchOrders", cursor=cursor)
