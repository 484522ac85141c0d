"""Types of a user's own with some of the contract inside: those are read leniently there too."""

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest

from dojo_proto import Context, Epos, RequestHeaders
from dojo_proto.contract import Money, decode, encode
from dojo_proto.contract.shape import has_shape
from dojo_simulator.testing import call

AMOUNT = {"value": 1050, "currencyCode": "GBP", "new": {"deep": [1]}}
"""With a member that Dojo has added since."""


class Own(msgspec.Struct, rename="camel"):
    paid_amount: Money
    note: str = ""


class Tree(msgspec.Struct):
    amount: Money | None = None
    inside: "list[Tree]" = []


@dataclass
class OwnDataclass:
    amount: Money


class OwnDict(TypedDict):
    amount: Money


class Plain(msgspec.Struct):
    id: str
    others: "list[Plain]" = []
    named: dict[str, int] = {}


def there_and_back(kind: Any, value: Any) -> Any:
    return msgspec.json.decode(encode(decode(kind, msgspec.json.encode(value))))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Own, {"paidAmount": AMOUNT, "note": "x"}),
        (Tree, {"amount": AMOUNT, "inside": [{"amount": AMOUNT, "inside": []}]}),
        (OwnDataclass, {"amount": AMOUNT}),
        (OwnDict, {"amount": AMOUNT}),
        (dict[str, Money], {"one": AMOUNT, "two": AMOUNT}),
        (dict[str, list[Money]], {"all": [AMOUNT]}),
        (tuple[Money, ...], [AMOUNT]),
        (Money | str | None, AMOUNT),
        (Money | str | None, "none"),
    ],
    ids=str,
)
def test_a_member_that_nobody_knows_is_kept_wherever_it_is(kind: Any, value: Any) -> None:
    assert there_and_back(kind, value) == value


def test_their_own_members_are_still_as_strict_as_they_are() -> None:
    assert there_and_back(Own, {"paidAmount": AMOUNT, "unknown": 1}) == {
        "paidAmount": AMOUNT,
        "note": "",
    }


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (Own, {"paidAmount": {"value": 10.5, "currencyCode": "GBP"}}, "`$.paidAmount.value`"),
        (Own, {"paidAmount": AMOUNT, "note": 1}, "`$.note`"),
        (Tree, {"inside": [1]}, "`$.inside[0]`"),
        (dict[str, Money], [], ""),
        (dict[str, list[Money]], {"all": AMOUNT}, "`$[...]`"),
        (Own, 5, ""),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(kind: Any, value: Any, path: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        decode(kind, msgspec.json.encode(value))
    assert str(caught.value).endswith(path)


@pytest.mark.parametrize("kind", [Own, Tree, OwnDict, dict[str, list[Money | None]], Money])
def test_it_has_one_inside(kind: Any) -> None:
    assert has_shape(kind)


@pytest.mark.parametrize("kind", [Plain, int, dict[str, Any], list[str] | None])
def test_it_has_none(kind: Any) -> None:
    assert not has_shape(kind)


def test_a_payment_is_not_refused_for_what_dojo_adds_to_its_headers() -> None:
    class Payment(msgspec.Struct, rename="camel"):
        order_id: str
        paid_amount: Money
        headers: RequestHeaders

    epos = Epos("acme-epos")
    taken: list[Payment] = []

    def pay(_ctx: Context, params: Payment) -> dict[str, Any]:
        taken.append(params)
        return {"status": "New", "details": {"orderType": "DineIn", "dineIn": {}}}

    pay.__annotations__["params"] = Payment
    epos.on("RecordOrderPaymentById")(pay)
    call(
        epos,
        "RecordOrderPaymentById",
        {
            "orderId": "o-1",
            "paymentIntentId": "pi-1",
            "paidAmount": AMOUNT,
            "headers": {"waiterId": "w-1", "added": "since"},
        },
    )
    assert taken[0].headers.unknown == {"added": "since"}
    assert taken[0].paid_amount == Money(1050, "GBP", unknown={"new": {"deep": [1]}})
