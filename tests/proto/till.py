"""A sample till for tests: a restaurant with one order, and orders that fit the contract."""

from collections import Counter
from typing import Any

from dojo_proto import Conflict, Context, Epos, NotFound


def pounds(value: int) -> dict[str, Any]:
    return {"value": value, "currencyCode": "GBP"}


def an_order(order_id: str, **more: Any) -> dict[str, Any]:
    """What the contract asks of an order, and `more`."""
    details = {"orderType": "DineIn", "dineIn": {"tableId": "7"}}
    return {"id": order_id, "status": "Accepted", "details": details, **more}


class Till:
    """A restaurant with one order; it counts what its handlers do."""

    def __init__(self, *, lookup: bool = True) -> None:
        self.runs: Counter[str] = Counter()
        self.paid: dict[str, int] = {}
        self.bookings: Counter[str] = Counter()
        self.locks: set[str] = set()
        self.epos = Epos("acme-epos")
        for name, handler in (
            ("SearchOrders", self._search),
            ("GetOrderById", self._get),
            ("GetOrderBillById", self._bill),
            ("CreateOrderLock", self._lock),
            ("ExtendOrderLock", self._extend),
            ("DeleteOrderLock", self._unlock),
            ("RecordOrderPaymentById", self._pay),
        ):
            self.epos.on(name)(handler)
        if lookup:
            self.epos.lookup("RecordOrderPaymentById")(self._booked)

    @property
    def order(self) -> dict[str, Any]:
        return an_order("table-7", paidAmount=pounds(sum(self.paid.values())))

    @property
    def bill(self) -> dict[str, Any]:
        return {"header": {"lines": []}, "order": self.order, "footer": {"lines": []}}

    def _search(self, ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        self.runs[ctx.method] += 1
        return {"data": [self.order]}

    def _get(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        self.runs[ctx.method] += 1
        if params["orderId"] != "table-7":
            raise NotFound("there is no such order")
        return self.order

    def _bill(self, ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        self.runs[ctx.method] += 1
        return self.bill

    def _lock(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        self.runs[ctx.method] += 1
        if self.locks - {params["lockId"]}:
            raise Conflict("the order is locked")
        self.locks.add(params["lockId"])
        return self.order

    def _extend(self, ctx: Context, _params: dict[str, Any]) -> None:
        self.runs[ctx.method] += 1

    def _unlock(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        self.runs[ctx.method] += 1
        self.locks.discard(params["lockId"])
        return self.order

    def _pay(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        self.runs[ctx.method] += 1
        self.paid[ctx.idempotency_key] = params["paidAmount"]["value"]
        self.bookings[ctx.idempotency_key] += 1
        return self.order

    def _booked(self, ctx: Context, _params: dict[str, Any]) -> dict[str, Any] | None:
        return self.order if ctx.idempotency_key in self.paid else None


def payment(intent: str = "pi-1", amount: int = 500) -> dict[str, Any]:
    return {"orderId": "table-7", "paymentIntentId": intent, "paidAmount": pounds(amount)}
