"""Who pays what: decided before anything runs, and the same for one seed."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Literal

import msgspec

from dojo_simulator.restaurant import Restaurant

Json = dict[str, Any]

_BOTTLE = 2400
"""Pence that the one thing costs that is ordered here."""


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """One payment, and whether the till has to book it."""

    number: int
    method: Literal["RecordOrderPaymentById", "CreateOrder"]
    params: Json
    intent: str
    paid: int
    """Pence."""
    tips: int
    """Pence."""
    fits: bool
    """Else the till has to refuse it, however much of its order is still owed."""


def plan(path: Path, payments: int, seed: int) -> list[Payment]:
    """Open a restaurant at `path` with orders to pay, and say how they will be paid."""
    chance = Random(seed)  # noqa: S311 - no secret
    with Restaurant(path) as restaurant:
        rounds = _rounds(restaurant, chance)
        planned: list[Payment] = []
        while len(planned) < payments:
            planned += next(rounds)
    chance.shuffle(planned)
    return planned[:payments]


def _rounds(restaurant: Restaurant, chance: Random) -> Iterator[list[Payment]]:
    """Without end: a table that shares its bill, an order from an app, and misfits of both."""
    numbers = count(1)
    while True:
        bottles = chance.randint(1, 10)
        total = bottles * _BOTTLE
        order_id = restaurant.open_order("1", "anna", [restaurant.item("wine-1", bottles)])
        cuts = sorted(chance.sample(range(1, total), chance.randint(3, 15)))
        parts = [after - before for before, after in zip([0, *cuts], [*cuts, total], strict=True)]
        tips = chance.choice([0, 0, 1, 199])
        yield [
            *(_at_table(next(numbers), order_id, part, tips) for part in parts),
            _at_table(next(numbers), order_id, total + 1, 0, fits=False),
            _at_table(next(numbers), "order-of-nobody", 100, 0, fits=False),
            _in_app(next(numbers), chance.randint(1, _BOTTLE), tips),
            _in_app(next(numbers), _BOTTLE + 1, 0, fits=False),
        ]


def _at_table(number: int, order_id: str, paid: int, tips: int, *, fits: bool = True) -> Payment:
    intent = f"pi-{number}"
    params = {"headers": {}, "orderId": order_id, **_paid(intent, paid, tips)}
    return Payment(
        number=number,
        method="RecordOrderPaymentById",
        params=params,
        intent=intent,
        paid=paid,
        tips=tips,
        fits=fits,
    )


def _in_app(number: int, paid: int, tips: int, *, fits: bool = True) -> Payment:
    intent = f"pi-{number}"
    params = {
        "headers": {},
        "dojoOrderId": f"dojo-{number}",
        "displayName": f"App {number}",
        "details": {"orderType": "Collection", "collection": {}},
        "items": [
            {
                "id": "1",
                "plu": "wine-1",
                "name": "",
                "quantity": 1,
                "amountPerItem": _pence(_BOTTLE),
            }
        ],
        "totalAmount": _pence(_BOTTLE),
        "payments": [_paid(intent, paid, tips)],
    }
    return Payment(
        number=number,
        method="CreateOrder",
        params=params,
        intent=intent,
        paid=paid,
        tips=tips,
        fits=fits,
    )


def _paid(intent: str, paid: int, tips: int) -> Json:
    return {"paymentIntentId": intent, "paidAmount": _pence(paid), "tipsAmount": _pence(tips)}


def _pence(value: int) -> Json:
    return {"value": value, "currencyCode": "GBP"}
