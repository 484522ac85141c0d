"""A sample till for tests: a restaurant with one order."""

from collections import Counter
from typing import Any

from dojo_proto import Conflict, Context, Epos, NotFound


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
        return {"id": "table-7", "paidAmount": sum(self.paid.values())}

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
        return {"bill": "1 x coffee"}

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
        self.paid[ctx.idempotency_key] = params["paidAmount"]
        self.bookings[ctx.idempotency_key] += 1
        return self.order

    def _booked(self, ctx: Context, _params: dict[str, Any]) -> dict[str, Any] | None:
        return self.order if ctx.idempotency_key in self.paid else None


def payment(intent: str = "pi-1", amount: int = 500) -> dict[str, Any]:
    return {"orderId": "table-7", "paymentIntentId": intent, "paidAmount": amount}
