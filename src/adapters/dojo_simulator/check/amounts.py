"""What the amounts of an order have to be to one another."""

from collections.abc import Iterator
from typing import Any

from dojo_simulator.check.answers import expect, expect_true, member
from dojo_simulator.check.framework import Failed, Json
from dojo_simulator.check.stock import amount, owed

ALWAYS = ("id", "totalAmount", "paidAmount", "payable")
"""Members that the schema leaves free and every order needs."""


def judge_amounts(order: Json) -> None:
    """Raise Failed unless the order's amounts make sense."""
    name = f"order {order.get('id')!r}"
    for each in ALWAYS:
        member(name, order, each)
    currencies = set()
    for path, money in _amounts(order):
        value = money["value"]
        if not isinstance(value, int) or isinstance(value, bool):
            raise Failed(f"{path} of {name}", expected="integer minor units", came=value)
        currencies.add(money.get("currencyCode"))
    expect_true(
        f"currencies of {name}", len(currencies) == 1,
        expected="one", came=sorted(map(str, currencies)),
    )  # fmt: skip
    payments = order.get("payments") or []
    for sum_of, part in (("paidAmount", "paidAmount"), ("tipsAmount", "tipsAmount")):
        expect(
            f"{sum_of} of {name}, the sum of its payments' {part}",
            amount(order, sum_of),
            sum(amount(each, part) for each in payments),
        )
    if owed(order) <= 0:
        expect(f"payable of {name}, which is paid up", order["payable"], expected=False)
    expect_true(
        f"paidAmount of {name}", owed(order) >= 0,
        expected="totalAmount at the most", came=amount(order, "paidAmount"),
    )  # fmt: skip
    _judge_total(name, order)


def _judge_total(name: str, order: Json) -> None:
    """The total has the service charge in it, and no tips. Tax may be in the prices or on top."""
    items = order.get("items") or []
    if not items:
        return
    goods = sum(_price(each) for each in items)
    goods -= sum(amount(each, "amountTotal") for each in order.get("discounts") or [])
    tax = sum(amount(each, "amountTotal") for each in order.get("taxLines") or [])
    charge = amount(order, "serviceChargeAmount")
    total = amount(order, "totalAmount")
    right = {goods + charge, goods + charge + tax}
    if total in right:
        return
    # Other sums may have their reasons (rounding, a deposit); these two are known mistakes.
    if charge and total in {goods, goods + tax}:
        raise Failed(f"totalAmount of {name}", expected="service charge included", came=total)
    tips = amount(order, "tipsAmount")
    if tips and total - tips in right:
        raise Failed(f"totalAmount of {name}", expected="tips left out", came=total)


def _price(item: Json) -> int:
    each = amount(item, "amountPerItem")
    for modifier in item.get("modifiers") or []:
        each += amount(modifier, "amountPerModifier") * int(modifier["quantity"])
    each += sum(_price(sub) for sub in item.get("subItems") or [])
    return each * int(item["quantity"])


def _amounts(value: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every amount of money in a value, with the path to it."""
    if isinstance(value, dict):
        if "value" in value and "currencyCode" in value:
            yield path, value
        for name, inner in value.items():
            yield from _amounts(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _amounts(inner, f"{path}[{index}]")
