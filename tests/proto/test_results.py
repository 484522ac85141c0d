"""What a handler returned is put as JSON, and what is wrong with it is told without its values."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from tests.proto.till import an_order, pounds

from dojo_proto.contract import (
    BY_NAME,
    DineInDetails,
    Kind,
    Method,
    Order,
    OrderDetails,
    OrderStatus,
    OrderType,
)
from dojo_proto.results import encode_result

READ = BY_NAME["GetOrderById"]
EMPTY = BY_NAME["ExtendOrderLock"]
UNTYPED = Method(name="New", wire="NewV2", capabilities=("New",), kind=Kind.CHANGE)

SECRET = "Ada-Lovelace"
NAN = float("nan")


class Unencodable:
    """No JSON can carry it."""


def order(**more: Any) -> Order:
    details = OrderDetails(order_type=OrderType.DINE_IN, dine_in=DineInDetails(table_id="7"))
    return Order(id="o", status=OrderStatus.ACCEPTED, details=details, **more)


def fault(value: Any, method: Method = READ) -> str:
    _, fault = encode_result(method, value)
    assert SECRET not in fault
    return fault


def test_a_result_of_the_contract_and_the_same_as_a_dict() -> None:
    for value in (an_order("o"), order()):
        result, wrong = encode_result(READ, value)
        assert msgspec.json.decode(result) == an_order("o")
        assert wrong == ""


def test_none_is_an_empty_object_where_the_vendor_has_one() -> None:
    assert encode_result(EMPTY, None) == (b"{}", "")


def test_none_elsewhere_is_no_result() -> None:
    assert encode_result(READ, None) == (
        b"{}",
        "Expected a result, got `None` - at `$` (is a return missing?)",
    )


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"secret": Unencodable()}, "Unencodable"),
        ([SECRET, {SECRET: [SECRET, 1j]}], "complex"),
        ({(SECRET, 1): 2}, "tuple"),
        ({"id": msgspec.Raw(b"{" + SECRET.encode())}, "DecodeError"),
    ],
)
def test_what_json_cannot_carry_is_named_by_its_type_alone(value: Any, kind: str) -> None:
    expected = f"Expected what JSON can carry, got `{kind}` - at `$`"
    assert encode_result(READ, value) == (b"", expected)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"id": "o"}, "Object missing required field `status` - at `$`"),
        ([], "Expected `object`, got `array` - at `$`"),
        (an_order("o", note=5), "Expected `str`, got `int` - at `$.note`"),
        (an_order("o", createdAt=SECRET), "Invalid RFC3339 encoded datetime - at `$.createdAt`"),
        (
            order(created_at=datetime(2026, 3, 1)),  # noqa: DTZ001 - what the test is about
            "Expected `datetime` with a timezone component - at `$.createdAt`",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_its_path_and_sent_as_it_is(value: Any, wrong: str) -> None:
    assert encode_result(READ, value) == (msgspec.json.encode(value), wrong)


@pytest.mark.parametrize(
    ("amount", "got"), [(10.5, "float"), (10.0, "float"), ("10.50", "str"), (NAN, "null")]
)
def test_an_amount_that_is_no_whole_number_is_told_what_amounts_are(amount: Any, got: str) -> None:
    wrong = (
        f"Expected `int`, got `{got}` - at `$.totalAmount.value` "
        "(amounts are whole minor units: 1050 for 10.50)"
    )
    assert fault(an_order("o", totalAmount={**pounds(0), "value": amount})) == wrong
    assert fault(order(total_amount={"value": amount, "currencyCode": "GBP"})) == wrong


@pytest.mark.parametrize("number", [NAN, float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "value", [lambda n: {"new": n}, lambda n: {"new": [{"deep": [1.5, n]}]}, lambda n: [None, n]]
)
def test_nan_is_found_where_any_member_may_be(value: Any, number: float) -> None:
    wrong = "Expected numbers that JSON can carry, got NaN or infinity - at `$`"
    assert fault(value(number), UNTYPED) == wrong
    assert fault(an_order("o", new=value(number))) == wrong
    assert fault(order(unknown={"new": value(number)})) == wrong


@pytest.mark.parametrize(
    "value", [{"new": None}, {"new": [1.5, None]}, {"new": "null"}, {"new": msgspec.Raw(b"null")}]
)
def test_a_null_of_ones_own_is_none(value: dict[str, Any]) -> None:
    assert fault(value, UNTYPED) == ""
    assert fault(an_order("o", **value)) == ""
