"""Orders that guests place on their own phones, paid already."""

from dojo_simulator.check import guests, stock
from dojo_simulator.check.answers import expect, expect_true
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.flows.events import payment_event
from dojo_simulator.check.framework import Flow, Json, Source

flow = Flow("Order and pay")

_NEEDS = ("CreateOrder", "SearchOrders", "GetOrderById")


def new_order(bench: Bench, **other: object) -> Json:
    """The params of CreateOrder: one item at a table, paid."""
    item = stock.item(bench)
    price = item["amountPerItem"]
    table = next((each["id"] for each in _tables(bench)), None)
    details: Json = {"orderType": "Collection", "collection": {"asap": True}}
    if table is not None:
        details = {"orderType": "DineIn", "dineIn": {"tableId": table}}
    return {
        "dojoOrderId": stock.fresh("order"),
        "items": [{**item, "quantity": 1}],
        "totalAmount": price,
        "payments": [{"paymentIntentId": stock.fresh("intent"), "paidAmount": price}],
        "details": details,
        **other,
    }


def _tables(bench: Bench) -> list[Json]:
    if bench.given.tables:
        return [{"id": each} for each in bench.given.tables]
    return guests.tables(bench) if bench.is_served("SearchTables") else []


def _count(bench: Bench) -> int:
    return len(stock.search(bench, "SearchOrders"))


@flow.check(
    "ONP-1",
    "CreateOrder, with a payment",
    expected="an order with the EPOS's own id and a status, and the payment on it",
    source=Source.ORDER_AND_PAY,
    needs=_NEEDS,
)
def _create(bench: Bench) -> None:
    params = new_order(bench)
    order = bench.result("CreateOrder", params)
    intent = params["payments"][0]["paymentIntentId"]
    for name in ("id", "status"):
        expect_true(name, order.get(name), expected="a text", came=order.get(name))
    for name, found in (("the answer", order), ("the order", stock.get(bench, order["id"]))):
        expect(f"payment intents of {name}", stock.intents(found), [intent])
        expect(f"paidAmount of {name}", found.get("paidAmount"), params["totalAmount"])


@flow.check(
    "ONP-2",
    "CreateOrder with the same dojoOrderId: at once, and after the EPOS has been started anew",
    expected="the same order each time, and only one",
    source=Source.CONNECTING,
    needs=_NEEDS,
)
def _again(bench: Bench) -> str | None:
    params = new_order(bench)
    order_id = bench.result("CreateOrder", params).get("id")
    count = _count(bench)
    expect("id of the second", bench.result("CreateOrder", params).get("id"), order_id)
    anew = bench.forget()
    if anew:
        expect("id after the start", bench.result("CreateOrder", params).get("id"), order_id)
    expect("orders in all", _count(bench), count)
    return None if anew else "the EPOS runs by itself, so it was not started anew"


@flow.check(
    "ONP-3",
    "CreateOrder with an item that does not exist, and for a table that does not exist",
    expected="InvalidRequest or Conflict, and no order",
    source=Source.INFERRED,
    needs=_NEEDS,
)
def _senseless(bench: Bench) -> None:
    right = new_order(bench)
    unknown = {**right["items"][0], "plu": stock.fresh("plu")}
    nowhere = {"orderType": "DineIn", "dineIn": {"tableId": stock.fresh("table")}}
    count = _count(bench)
    for wrong in ({"items": [unknown]}, {"details": nowhere}):
        params = {**right, **wrong, "dojoOrderId": stock.fresh("order")}
        bench.refused("CreateOrder", params, "InvalidRequest", "Conflict")
    expect("orders in all", _count(bench), count)


@flow.check(
    "ONP-4",
    "Dojo says that the payment of a created order was captured",
    expected="{}, and the payment stays on the order",
    source=Source.ORDER_AND_PAY,
    needs=(*_NEEDS, "HandleEvent"),
)
def _captured(bench: Bench) -> None:
    params = new_order(bench)
    order = bench.result("CreateOrder", params)
    intent = params["payments"][0]["paymentIntentId"]
    expect("the answer", bench.call("HandleEvent", payment_event(intent)).result(), {})
    now = stock.get(bench, order["id"])
    expect("payment intents of the order", stock.intents(now), [intent])
    expect("its paidAmount", now.get("paidAmount"), params["totalAmount"])


@flow.check(
    "ONP-5",
    "CancelOrderById: in time, and too late",
    expected="the order, Canceled; then Conflict",
    source=(Source.API, Source.INFERRED),
    needs=(*_NEEDS, "CancelOrderById"),
)
def _cancel(bench: Bench) -> str | None:
    order_id = bench.result("CreateOrder", new_order(bench))["id"]
    canceled = bench.result("CancelOrderById", {"orderId": order_id})
    expect("status", canceled.get("status"), "Canceled")
    expect("status by GetOrderById", stock.get(bench, order_id).get("status"), "Canceled")
    if not bench.can("close"):
        return "too late was not tried: nobody closes an order at the till"
    late = bench.result("CreateOrder", new_order(bench))["id"]
    bench.till.close(late)
    bench.note(f"(the till closes {late})", "")
    bench.refused("CancelOrderById", {"orderId": late}, "Conflict")
    return None
