"""What the amounts of an order have to be to one another."""

from typing import Any

import pytest

from dojo_simulator.check import Failed
from dojo_simulator.check.amounts import judge_amounts

Json = dict[str, Any]


def pounds(value: float) -> Json:
    return {"value": value, "currencyCode": "GBP"}


def order(**other: Any) -> Json:
    """Two pizzas with cheese, 10 % off, service charge; a part is paid, with a tip."""
    cheese = {"name": "Cheese", "plu": "c", "quantity": 2, "amountPerModifier": pounds(50)}
    pizza = {
        "name": "Pizza",
        "plu": "p",
        "quantity": 2,
        "amountPerItem": pounds(900),
        "modifiers": [cheese],
    }
    return {
        "id": "1",
        "items": [pizza],
        "discounts": [{"name": "Ten", "amountTotal": pounds(200)}],
        "serviceChargeAmount": pounds(180),
        "totalAmount": pounds(1980),
        "payable": True,
        "paidAmount": pounds(500),
        "tipsAmount": pounds(100),
        "payments": [{"paidAmount": pounds(500), "tipsAmount": pounds(100)}],
        **other,
    }


def test_an_order_that_is_right() -> None:
    judge_amounts(order())


def test_tax_may_be_on_top_or_in_the_prices() -> None:
    tax = [{"amountTotal": pounds(330)}]
    judge_amounts(order(taxLines=tax))
    judge_amounts(order(taxLines=tax, totalAmount=pounds(1980 + 330)))


def test_an_order_without_items_or_payments() -> None:
    nothing = {"items": [], "payments": [], "paidAmount": pounds(0), "tipsAmount": pounds(0)}
    judge_amounts(order(**nothing))


def test_a_sum_that_is_not_known_to_be_wrong_passes() -> None:
    judge_amounts(order(totalAmount=pounds(1981)))


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"payable": None}, "the member payable"),
        ({"totalAmount": pounds(1800)}, "service charge included"),
        ({"totalAmount": pounds(2080)}, "tips left out"),
        ({"totalAmount": pounds(19.8)}, "integer minor units"),
        ({"totalAmount": {"value": 1980, "currencyCode": "EUR"}}, "currencies"),
        ({"paidAmount": pounds(600)}, "paidAmount of order '1', the sum of its payments'"),
        ({"tipsAmount": pounds(0)}, "tipsAmount of order '1', the sum of its payments'"),
        ({"totalAmount": pounds(500)}, "payable of order '1', which is paid up"),
        ({"totalAmount": pounds(400), "payable": False}, "totalAmount at the most"),
    ],
)
def test_an_order_that_is_wrong(other: Json, complaint: str) -> None:
    with pytest.raises(Failed) as failure:
        judge_amounts(order(**other))
    assert complaint in str(failure.value)
