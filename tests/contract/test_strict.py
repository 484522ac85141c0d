"""What goes out is held to the vendor's schema, and to nothing else."""

from typing import Any

import msgspec
import pytest

from dojo_proto.contract import (
    Area,
    BillLine,
    CreateOrderParams,
    Customer,
    Money,
    Order,
    OrderDetails,
    Party,
    Reservation,
    Shape,
    Table,
    TaxLine,
    Text,
    encode,
)
from dojo_proto.contract.strict import fault

MONEY = {"value": 1050, "currencyCode": "GBP"}
ORDER = {"status": "New", "details": {"orderType": "DineIn", "dineIn": {}}}
PARTY = {
    "id": "p",
    "status": "Seated",
    "tableIds": ["t"],
    "startTime": "2026-02-27T18:00:00+01:00",
}
RESERVATION = {
    "id": "r",
    "name": "n",
    "covers": 2,
    "tableIds": ["t"],
    "startTime": "2026-02-27T18:00:00Z",
    "endTime": "2026-02-27T20:00:00Z",
}


def found(kind: Any, value: Any) -> str:
    return fault(kind, msgspec.json.encode(value))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Order, ORDER),
        (Order, ORDER | {"anything": {"new": None}}),
        (Order, ORDER | {"details": {"orderType": "DineIn", "collection": {}}}),
        (Order, ORDER | {"totalAmount": {"value": -(2**63), "currencyCode": "GBP"}}),
        (Order, ORDER | {"totalAmount": {"value": 2**63 - 1, "currencyCode": "x" * 10}}),
        (Order, ORDER | {"items": [], "id": ""}),
        (Customer, {"emailAddress": "é" * 254, "phoneNumber": "1" * 50}),
        (TaxLine, {"amountTotal": MONEY, "id": "i" * 60, "name": "n" * 100}),
        (Table, {"id": "t", "name": "n", "maxCovers": 2**31 - 1}),
        (Party, PARTY | {"covers": 10**30}),
        (Reservation, RESERVATION),
        (BillLine, {"lineType": "Logo", "text": {"value": "", "size": "Body"}}),
        (list[Area], []),
        (list[Area], [{"id": "a", "name": "b"}]),
        (None, {}),
        (None, {"an": "Order, say"}),
        (dict[str, Any], {"any": "thing"}),
        (Any, [None]),
    ],
)
def test_what_the_schema_allows_is_no_fault(kind: Any, value: Any) -> None:
    assert found(kind, value) == ""


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Order, {}, "Object missing required field `status`"),
        (Order, [], "Expected `object`, got `array`"),
        (Order, None, "Expected `object`, got `null`"),
        (
            Order,
            ORDER | {"status": "Secret"},
            (
                "Expected `str` out of New, Submitted, Confirmed, Accepted, Preparing, Prepared, "
                "Ready, Finalized, Canceled, Failed - at `$.status`"
            ),
        ),
        (
            Order,
            ORDER | {"details": {"orderType": "DineIn"}},
            "Object without any of `dineIn`, `collection` - at `$.details`",
        ),
        (
            Order,
            ORDER | {"details": {"orderType": "DineIn", "dineIn": None}},
            "Expected `object`, got `null` - at `$.details.dineIn`",
        ),
        (Order, ORDER | {"note": None}, "Expected `str`, got `null` - at `$.note`"),
        (Order, ORDER | {"items": None}, "Expected `array`, got `null` - at `$.items`"),
        (
            Order,
            ORDER | {"payments": [{"paidAmount": MONEY}, {"paidAmount": MONEY | {"value": 1.0}}]},
            "Expected `int`, got `float` - at `$.payments[1].paidAmount.value`",
        ),
        (
            Order,
            ORDER | {"totalAmount": MONEY | {"value": 2**63}},
            "Expected `int` <= 9223372036854775807 - at `$.totalAmount.value`",
        ),
        (
            Order,
            ORDER | {"totalAmount": MONEY | {"currencyCode": ""}},
            "Expected `str` of length >= 1 - at `$.totalAmount.currencyCode`",
        ),
        (
            Order,
            ORDER | {"totalAmount": MONEY | {"currencyCode": "x" * 11}},
            "Expected `str` of length <= 10 - at `$.totalAmount.currencyCode`",
        ),
        (
            Order,
            ORDER | {"createdAt": "2026-02-27T18:00:00"},
            "Expected `datetime` with a timezone component - at `$.createdAt`",
        ),
        (
            Order,
            ORDER | {"customer": {"emailAddress": "x" * 255}},
            "Expected `str` of length <= 254 - at `$.customer.emailAddress`",
        ),
        (
            Order,
            ORDER | {"customer": {"a@b.example` - at `$.id": 1}},
            "Object contains a field that its type does not know - at `$.customer`",
        ),
        (
            TaxLine,
            {"amountTotal": MONEY, "a@b.example\n` - at `$.secret value": 1},
            "Object contains a field that its type does not know",
        ),
        (
            TaxLine,
            {"amountTotal": MONEY, "id": "i" * 61},
            "Expected `str` of length <= 60 - at `$.id`",
        ),
        (
            Table,
            {"id": "t", "name": "n", "maxCovers": 2**31},
            "Expected `int` <= 2147483647 - at `$.maxCovers`",
        ),
        (Party, PARTY | {"tableIds": []}, "Expected `array` of length >= 1 - at `$.tableIds`"),
        (Party, PARTY | {"status": ""}, "Expected `str` of length >= 1 - at `$.status`"),
        (
            Reservation,
            RESERVATION | {"tableIds": []},
            "Expected `array` of length >= 1 - at `$.tableIds`",
        ),
        (
            BillLine,
            {"lineType": "Text"},
            (
                "Object without any of `image`, `logo`, `merchantAddress`, `merchantEmailAddress`, "
                "`merchantName`, `merchantPhoneNumber`, `text`, `url`, `horizontalLine`, "
                "`taxNumber`"
            ),
        ),
        (
            Text,
            {"value": "v", "size": "Body\n"},
            "Expected `str` out of Body, Header1, Header2 - at `$.size`",
        ),
        (list[Area], [{"id": "a"}], "Object missing required field `name` - at `$[0]`"),
        (list[Area], {}, "Expected `array`, got `object`"),
        (None, None, "Expected `object`, got `null`"),
        (None, [], "Expected `object`, got `array`"),
    ],
)
def test_a_fault_is_told_with_its_path_and_without_what_came(
    kind: Any, value: Any, text: str
) -> None:
    assert found(kind, value) == text


def test_what_is_no_json_is_a_fault() -> None:
    assert fault(Order, b'{"id":') == "Input data was truncated"


def test_what_is_always_sent_has_to_be_there() -> None:
    params = {
        "items": [],
        "payments": [],
        "dojoOrderId": "d",
        "totalAmount": MONEY,
        "details": ORDER["details"],
    }
    assert found(CreateOrderParams, params) == "Object missing required field `headers`"
    assert found(CreateOrderParams, params | {"headers": {}}) == ""


def test_an_unknown_text_of_an_enum_may_be_held_but_not_sent() -> None:
    details = OrderDetails(order_type="Drone")  # type: ignore[arg-type] # as it may have come
    assert fault(OrderDetails, encode(details)).startswith("Expected `str` out of DineIn")


def test_a_type_of_the_users_own_is_held_to_the_vendors_and_its_own_rules() -> None:
    class Ours(Order, kw_only=True):
        deposit: Money | None = None
        course: int = 1

    assert found(Ours, ORDER | {"course": 2}) == ""
    assert found(Ours, ORDER) == ""
    assert found(Ours, ORDER | {"course": "2"}) == "Expected `int`, got `str` - at `$.course`"
    assert found(Ours, ORDER | {"status": "?"}).endswith("at `$.status`")
    assert issubclass(Ours, Shape)
