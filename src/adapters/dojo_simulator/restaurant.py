"""A small restaurant that serves pay at table: the sample to copy from.

What Dojo calls, and what the till does then. The till itself is in `dojo_simulator.till`; a real
one exists already, and these handlers are what it adds.
"""

from dojo_proto import Context, Epos
from dojo_simulator.till import (
    Json,
    OrderById,
    OrderLock,
    OrderUnlock,
    Payment,
    Restaurant,
    SearchOrders,
)

__all__ = ["Restaurant", "epos", "house"]

epos = Epos(software_house_id="dojo-sample-restaurant")

house = Restaurant()
"""The till of those who are served without a `state` of their own."""


def _till(ctx: Context) -> Restaurant:
    return house if ctx.state is None else ctx.state


@epos.on("SearchOrders")
def search_orders(ctx: Context, params: SearchOrders) -> Json:
    """A waiter who asks for orders sees the ones of their own."""
    return _till(ctx).search(params, waiter=ctx.headers.waiter_id)


@epos.on("GetOrderById")
def get_order(ctx: Context, params: OrderById) -> Json:
    """The order as it is now."""
    return _till(ctx).order(params.order_id)


@epos.on("GetOrderBillById")
def get_bill(ctx: Context, params: OrderById) -> Json:
    """The bill, which takes as long as the printer does."""
    return _till(ctx).bill(params.order_id)


@epos.on("CreateOrderLock")
def lock_order(ctx: Context, params: OrderLock) -> Json:
    """From here to the unlock nobody changes the order: somebody pays."""
    return _till(ctx).lock(params)


@epos.on("ExtendOrderLock")
def extend_lock(ctx: Context, params: OrderLock) -> Json:
    """Paying takes longer than was thought. The vendor wants an empty object."""
    _till(ctx).extend(params)
    return {}


@epos.on("DeleteOrderLock")
def unlock_order(ctx: Context, params: OrderUnlock) -> Json:
    """Nobody pays any more."""
    return _till(ctx).unlock(params)


@epos.on("RecordOrderPaymentById")
def record_payment(ctx: Context, params: Payment) -> Json:
    """Dojo has taken the money. Returning says that it is booked; raising, that it is not."""
    return _till(ctx).pay(params)


@epos.lookup("RecordOrderPaymentById")
def find_payment(ctx: Context, params: Payment) -> Json | None:
    """Whether that payment is booked: asked when an earlier answer may have been lost."""
    return _till(ctx).payment(params.order_id, params.payment_intent_id)
