"""What the gateway asks of the till: one deed, however many requests it takes.

Each deed has a token that no other has. It is in the params of every request for the deed and in
every true answer, so that an answer tells what it is about.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from dojo_proto.contract import BY_NAME, Kind, Method

_HOUR = "2030-01-01T18:00:00Z"


class Deed(msgspec.Struct, frozen=True, eq=False):
    """One thing to be done or read."""

    token: str
    method: Method
    amount: int

    @property
    def reads(self) -> bool:
        return self.method.kind is Kind.READ

    @property
    def is_money(self) -> bool:
        return self.method.kind is Kind.MONEY

    @property
    def keyed(self) -> bool:
        """Whether its params name it, so that it is the same under every id."""
        return bool(self.method.natural_key)

    def params(self, *, extra: int = 0) -> dict[str, Any]:
        """Params of a request for it; `extra` changes the amount and nothing else."""
        amount = {"value": self.amount + extra, "currencyCode": "GBP"}
        match self.method.name:
            case "GetOrderById":
                return {"orderId": self.token, "headers": {}}
            case "RecordOrderPaymentById":
                return {
                    "orderId": "table-7",
                    "paymentIntentId": self.token,
                    "paidAmount": amount,
                    "headers": {},
                }
            case "CreateOrder":
                return {
                    "dojoOrderId": self.token,
                    "items": [],
                    "totalAmount": amount,
                    "payments": [],
                    "details": {"orderType": "DineIn", "dineIn": {}},
                    "headers": {},
                }
            case "UpdateReservation":
                return {**_reservation("dojo-r-1"), "id": "r-1", "hostNotes": self.token}
            case _:
                return _reservation(self.token)


READ = BY_NAME["GetOrderById"]
PAY = BY_NAME["RecordOrderPaymentById"]
ORDER = BY_NAME["CreateOrder"]
RESERVE = BY_NAME["CreateReservation"]
UPDATE = BY_NAME["UpdateReservation"]
"""A change without a natural key: nothing but its id tells that it is the same."""

ASKED = {READ: 3, PAY: 6, ORDER: 2, RESERVE: 2, UPDATE: 2}
"""How often each is asked for, relative to the others."""

TOKENS = {
    READ.wire: "orderId",
    PAY.wire: "paymentIntentId",
    ORDER.wire: "dojoOrderId",
    RESERVE.wire: "dojoReservationId",
    UPDATE.wire: "hostNotes",
}
"""Wire name → the member of params that has the token."""


def result_for(wire: str, token: str) -> dict[str, Any]:
    """A true answer: an order or a reservation with the token in it."""
    if wire in {RESERVE.wire, UPDATE.wire}:
        return {
            "id": "r-1",
            "name": "A guest",
            "covers": 2,
            "startTime": _HOUR,
            "endTime": _HOUR,
            "tableIds": ["7"],
            "hostNotes": token,
        }
    return {
        "id": "table-7",
        "status": "Accepted",
        "details": {"orderType": "DineIn", "dineIn": {}},
        "reference": token,
    }


def told_by(result: Mapping[str, Any]) -> str:
    """The token in an answer."""
    return str(result.get("reference") or result.get("hostNotes"))


def _reservation(dojo_id: str) -> dict[str, Any]:
    return {
        "dojoReservationId": dojo_id,
        "name": "A guest",
        "covers": 2,
        "startTime": _HOUR,
        "endTime": _HOUR,
        "tableIds": ["7"],
        "headers": {},
    }
