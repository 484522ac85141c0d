"""What the tests of the sample restaurant share."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from dojo_proto import Context
from dojo_simulator.restaurant import Restaurant, epos

Json = dict[str, Any]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def run(method: str, state: Restaurant | None, params: Json, *, lookup: bool = False) -> Any:
    """Call a handler as the library would: params as JSON in, the result as JSON out."""
    handler = epos.handlers()[f"{method}V1"]
    found = handler.lookup if lookup else handler
    assert found is not None
    raw = msgspec.json.encode({"headers": {}, **params})
    context = Context(method=f"{method}V1", request_id=b'"1"', params=raw, state=state)
    return msgspec.json.decode(msgspec.json.encode(found.function(context, found.decode(raw))))


def pounds(value: int, currency: str = "GBP") -> Json:
    return {"value": value, "currencyCode": currency}


def payment(intent: str, value: int, *, order: str = "order-1", **more: Any) -> Json:
    return {"orderId": order, "paymentIntentId": intent, "paidAmount": pounds(value), **more}


def ids(page: Json) -> list[str]:
    return [order["id"] for order in page["data"]]
