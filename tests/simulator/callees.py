"""The EPOS that the tests of `dojo_simulator.testing` call."""

from typing import Any

from dojo_proto import (
    Context,
    Epos,
)

PAYMENT = {
    "orderId": "7",
    "paymentIntentId": "pi-1",
    "paidAmount": {"value": 1050, "currencyCode": "GBP"},
}
PAID = {
    "id": "7",
    "status": "Accepted",
    "details": {"orderType": "DineIn", "dineIn": {"tableId": "1"}},
}


class Till:
    """A state that remembers what handlers did with it."""

    def __init__(self) -> None:
        self.contexts: list[Context] = []
        self.booked: set[str] = set()
        self.broken: BaseException | None = None


def reads(handler: Any) -> Epos:
    """An EPOS with one read."""
    epos = Epos("acme-epos")
    epos.on("GetOrderById")(handler)
    return epos


def pays(*, lookup: bool = True) -> Epos:
    """An EPOS that books payments."""
    epos = Epos("acme-epos")

    @epos.on("RecordOrderPaymentById")
    def pay(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        ctx.state.contexts.append(ctx)
        if ctx.state.broken is not None:
            raise ctx.state.broken
        ctx.state.booked.add(params["paymentIntentId"])
        return PAID

    def paid(ctx: Context, params: dict[str, Any]) -> dict[str, Any] | None:
        return PAID if params["paymentIntentId"] in ctx.state.booked else None

    if lookup:
        epos.lookup("RecordOrderPaymentById")(paid)
    return epos


def fails(_ctx: Context, _params: dict[str, Any]) -> None:
    raise ValueError("the database is locked")
