"""What the gateway asks, and what has to be answered: both follow from a number."""

from random import Random
from typing import Any

import msgspec
from tests.proto.till import an_order, pounds

AREAS = [{"id": f"area-{number}", "name": f"Area {number}"} for number in range(8)]
MISSING = "missing-"
"""Orders whose ids begin so are not there."""

_KINDS = ("order", "bill", "areas", "missing", "payment")
_SHARES = (84, 8, 5, 2, 1)
"""Of a hundred requests."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and its answer: a `result`, or the type of an `error`."""

    method: str
    params: dict[str, Any]
    result: Any = None
    error: str = ""

    @property
    def is_payment(self) -> bool:
        """Whether it changes the till, and so has to be asked again until it is answered."""
        return self.method == "RecordOrderPaymentByIdV1"


def draw(number: int, chance: Random) -> Ask:
    """Request `number`."""
    match chance.choices(_KINDS, _SHARES)[0]:
        case "order":
            params = {"orderId": f"order-{number}"}
            return Ask(method="GetOrderByIdV1", params=params, result=order(params))
        case "bill":
            params = {"orderId": f"order-{number}"}
            return Ask(method="GetOrderBillByIdV1", params=params, result=bill(params))
        case "areas":
            return Ask(method="ListAreasV1", params={}, result=AREAS)
        case "missing":
            params = {"orderId": f"{MISSING}{number}"}
            return Ask(method="GetOrderByIdV1", params=params, error="NotFound")
        case _:
            paid = {
                "orderId": f"order-{number}",
                "paymentIntentId": f"pi-{number}",
                "paidAmount": pounds(100 + number % 900),
            }
            return Ask(method="RecordOrderPaymentByIdV1", params=paid, result=receipt(paid))


def order(params: dict[str, Any]) -> dict[str, Any]:
    """The order that `params` name."""
    number = int(params["orderId"].partition("-")[2])
    return an_order(params["orderId"], totalAmount=pounds(1000 + number % 9973))


def bill(params: dict[str, Any]) -> dict[str, Any]:
    """Its bill."""
    return {"header": {"lines": []}, "order": order(params), "footer": {"lines": []}}


def receipt(params: dict[str, Any]) -> dict[str, Any]:
    """The order once it is paid."""
    return {
        **order(params),
        "paidAmount": params["paidAmount"],
        "reference": params["paymentIntentId"],
    }
