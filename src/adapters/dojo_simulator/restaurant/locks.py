"""Locks: while guests pay, nobody changes their order."""

from typing import Any

from dojo_proto import Conflict, Context
from dojo_proto.contract import (
    CreateOrderLockParams,
    DeleteOrderLockParams,
    ExtendOrderLockParams,
    Order,
)
from dojo_simulator.restaurant import ledger
from dojo_simulator.restaurant.serving import epos, writing


@epos.on("CreateOrderLock")
def lock_order(ctx: Context, params: CreateOrderLockParams) -> Order:
    """Lock the order for whoever holds the lock's id. The same lock again moves its expiry."""
    with writing(ctx) as books:
        order = ledger.find(books, params.order_id)
        ledger.refuse_foreign_lock(books, order, params.lock_id)
        if not ledger.has_live_lock(books, order):
            if order.open_at_till:
                raise Conflict("the order is open at the till: ask the waiter to close it there")
            if order.closed:
                raise Conflict("the order is closed")
        ledger.set_lock(books, order.id, params.lock_id, params.expiry)
        return books.record(ctx, ledger.order(books, order.id))


@epos.on("ExtendOrderLock")
def extend_lock(ctx: Context, params: ExtendOrderLockParams) -> dict[str, Any]:
    """Paying takes longer. A lock that has expired revives if nothing has come in between."""
    with writing(ctx) as books:
        order = ledger.find(books, params.order_id)
        ledger.refuse_foreign_lock(books, order, params.lock_id)
        if order.lock_id != params.lock_id:
            raise Conflict("that lock is gone: lock the order anew")
        ledger.set_lock(books, order.id, params.lock_id, params.expiry)
        return books.record(ctx, {})


@epos.on("DeleteOrderLock")
def unlock_order(ctx: Context, params: DeleteOrderLockParams) -> Order:
    """Nobody pays any more. A lock that is gone already is success; somebody else's stays."""
    with writing(ctx) as books:
        order = ledger.find(books, params.order_id)
        if order.lock_id == params.lock_id:
            ledger.set_lock(books, order.id, None, None)
        return books.record(ctx, ledger.order(books, order.id))
