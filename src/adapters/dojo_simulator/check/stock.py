"""The data that checks are made with: what the user names, what the till makes, what is found."""

from collections.abc import Iterator
from uuid import uuid4

from dojo_simulator.check.answers import Answer, member
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.framework import Failed, Json, Skipped

PAGE = 100
_MOST_PAGES = 1000


def money(value: int, currency: str) -> Json:
    """An amount in minor units."""
    return {"value": value, "currencyCode": currency}


def amount(order: Json, name: str) -> int:
    """The amount `name` of an order, in minor units; 0 if it is missing. Raises Failed."""
    found = order.get(name)
    if found is None:
        return 0
    value = found.get("value") if isinstance(found, dict) else found
    if not isinstance(value, int) or isinstance(value, bool):
        raise Failed(name, expected="integer minor units", came=value)
    return value


def owed(order: Json) -> int:
    """What is still to be paid, in minor units."""
    return amount(order, "totalAmount") - amount(order, "paidAmount")


def currency(order: Json) -> str:
    """The order's currency."""
    return str(member("an order", order, "totalAmount", "currencyCode"))


def dine_in(order: Json) -> Json:
    """The order's `details.dineIn`; empty if it has none."""
    details = order.get("details")
    found = details.get("dineIn") if isinstance(details, dict) else None
    return found if isinstance(found, dict) else {}


def intents(order: Json) -> list[str]:
    """The payment intents that are recorded on an order."""
    return [str(each.get("paymentIntentId")) for each in order.get("payments") or []]


def fresh(what: str) -> str:
    """An id that nobody has used."""
    return f"check-{what}-{uuid4().hex[:12]}"


def pages(bench: Bench, method: str, params: Json, *, limit: int = PAGE) -> Iterator[Json]:
    """Each page of a search, from the first on."""
    cursor: Json = {"limit": limit}
    for _ in range(_MOST_PAGES):
        page = bench.result(method, {**params, "cursor": cursor})
        yield page
        after = page.get("after")
        if after is None:
            return
        cursor = {"limit": limit, "after": after}
    raise Failed(method, expected="a last page", came=f"still a cursor after {_MOST_PAGES} pages")


def search(bench: Bench, method: str, params: Json | None = None) -> list[Json]:
    """Everything that a search finds, of all pages."""
    return [each for page in pages(bench, method, params or {}) for each in data(method, page)]


def data(method: str, page: Json) -> list[Json]:
    """The rows of a page. Raises Failed if it has none."""
    found = page.get("data")
    if not isinstance(found, list):
        raise Failed(f"the result of {method}", expected="the array `data`", came=found)
    return found


def get(bench: Bench, order_id: str) -> Json:
    """The order as it is now."""
    return bench.result("GetOrderById", {"orderId": order_id})


def payable(bench: Bench, at_least: int = 1, *, whole: bool = False) -> Json:
    """An order that can be paid, with at least that much still owed.

    One that is named, else a new one if the till can open one, else one that is found. `whole` says
    that it is going to be paid up. Raises Skipped if there is none.
    """
    ids = bench.given.orders
    if not ids and not bench.can("new_order"):
        listed = search(bench, "SearchOrders", {"payableOnly": True})
        ids = tuple(str(each.get("id")) for each in listed)
    found = [get(bench, each) for each in ids]
    fit = [each for each in found if each.get("payable") is True and owed(each) >= at_least]
    if fit:
        # What is paid up is used up: the smallest debt for that, the largest for anything else.
        return (min if whole else max)(fit, key=owed)
    if bench.can("new_order"):
        return get(bench, bench.till.new_order())
    raise Skipped(
        f"there is no order to pay with {at_least} minor units or more owed: open some, name some "
        "with --order, or name TillActions with new_order"
    )


def payment(order: Json, value: int, *, intent: str | None = None, **more: object) -> Json:
    """The params of RecordOrderPaymentById."""
    return {
        "orderId": order["id"],
        "paymentIntentId": intent or fresh("intent"),
        "paidAmount": money(value, currency(order)),
        **more,
    }


def pay(
    bench: Bench, order: Json, value: int, *, intent: str | None = None, **more: object
) -> Answer:
    """Record a payment of that many minor units."""
    return bench.call("RecordOrderPaymentById", payment(order, value, intent=intent, **more))


def item(bench: Bench) -> Json:
    """An item that can be ordered. Raises Skipped if none is known."""
    if bench.given.item is not None:
        return bench.given.item
    for order in search(bench, "SearchOrders"):
        for each in order.get("items") or []:
            return {
                "name": each["name"],
                "plu": each["plu"],
                "quantity": 1,
                "amountPerItem": each["amountPerItem"],
            }
    raise Skipped("no item is known that can be ordered: name one with --item PLU=MINOR_UNITS")
