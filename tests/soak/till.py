"""The till that is served: what it answers follows from what it is asked, so it keeps nothing."""

from collections.abc import Awaitable, Callable
from threading import Lock
from typing import Any

from tests.soak.asked import AREAS, MISSING, bill, order, receipt

from dojo_proto import Context, Epos, NotFound

Sleep = Callable[[float], Awaitable[None]]
"""How an `async def` waits, in seconds."""


class Till:
    """Its handlers are `def`, or with `sleep` partly `async def`.

    `find` gives the order that params name; `booked` counts the payments that were booked.
    """

    def __init__(self, sleep: Sleep | None) -> None:
        self.booked = 0
        self.find: Callable[[Context, dict[str, Any]], dict[str, Any]] = find
        self._booking = Lock()
        self._sleep = sleep
        self.epos = Epos("soak-till")
        self.epos.on("GetOrderBillById")(self._bill)
        if sleep is None:
            self.epos.on("GetOrderById")(self._order)
            self.epos.on("ListAreas")(self._areas)
            self.epos.on("RecordOrderPaymentById")(self._pay)
        else:
            self.epos.on("GetOrderById")(self._order_at_once)
            self.epos.on("ListAreas")(self._areas_later)
            self.epos.on("RecordOrderPaymentById")(self._pay_later)

    def _order(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        return self.find(ctx, params)

    def _bill(self, _ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        return bill(params)

    def _areas(self, _ctx: Context, _params: dict[str, Any]) -> list[dict[str, str]]:
        return AREAS

    def _pay(self, _ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        with self._booking:
            self.booked += 1
        return receipt(params)

    async def _order_at_once(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        return self.find(ctx, params)

    async def _areas_later(self, ctx: Context, params: dict[str, Any]) -> list[dict[str, str]]:
        await self._wait(0.0)
        return self._areas(ctx, params)

    async def _pay_later(self, ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        await self._wait(0.001)
        return self._pay(ctx, params)

    async def _wait(self, seconds: float) -> None:
        assert self._sleep is not None
        await self._sleep(seconds)


def find(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The order that `params` name."""
    if params["orderId"].startswith(MISSING):
        raise NotFound("there is no such order")
    return order(params)
