"""What the tests of the sample restaurant share."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from dojo_proto import Context
from dojo_proto.contract import encode
from dojo_simulator import testing
from dojo_simulator.restaurant import Restaurant, epos

Json = dict[str, Any]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def pass_minutes(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)


def run(method: str, state: Restaurant | None, params: Json) -> Any:
    """Call a method as a request that no journal remembers: only the restaurant itself does."""
    return testing.call(epos, method, params, state=state)


def asked(method: str, state: Restaurant | None, params: Json) -> Any:
    """What the lookup of a method says, as JSON."""
    found = epos.handlers()[f"{method}V1"].lookup
    assert found is not None
    raw = msgspec.json.encode({"headers": {}, **params})
    context = Context(method=f"{method}V1", raw_id=b'"1"', raw_params=raw, state=state)
    return msgspec.json.decode(encode(found.function(context, found.decode(raw))))


def pounds(value: int, currency: str = "GBP") -> Json:
    return {"value": value, "currencyCode": currency}


def payment(intent: str, value: int, *, order: str = "order-1", **more: Any) -> Json:
    return {"orderId": order, "paymentIntentId": intent, "paidAmount": pounds(value), **more}


def item(plu: str = "pizza-1", *, quantity: int = 1, **more: Any) -> Json:
    return {
        "name": "as the app calls it",
        "plu": plu,
        "quantity": quantity,
        "amountPerItem": pounds(1050),
        **more,
    }


def basket(dojo_order_id: str = "dojo-1", *, table: str = "3", **more: Any) -> Json:
    return {
        "dojoOrderId": dojo_order_id,
        "items": [item()],
        "totalAmount": pounds(1050),
        "payments": [
            {"paymentIntentId": "p1", "paidAmount": pounds(1050), "tipsAmount": pounds(100)}
        ],
        "details": {"orderType": "DineIn", "dineIn": {"tableId": table}},
        **more,
    }


def lock(lock_id: str, *, order: str = "order-1", minutes: float = 5) -> Json:
    return {"orderId": order, "lockId": lock_id, "expiry": at(minutes)}


def at(minutes: float) -> str:
    """A time, `minutes` after noon."""
    return (NOON + timedelta(minutes=minutes)).isoformat()


def ids(page: Json) -> list[str]:
    return [each["id"] for each in page["data"]]
