"""Orders and payments in the books: what the handlers and the waiter's side both need of them."""

from collections.abc import Iterable
from datetime import datetime
from itertools import count

from msgspec import Struct, convert

from dojo_proto import Conflict, InvalidRequest, NotFound
from dojo_proto.contract import (
    Modifier,
    Money,
    Order,
    OrderItem,
    OrderStatus,
    OrderSubItem,
    Payment,
    PaymentIntentStatus,
)
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.documents import from_document, to_document

CURRENCY = "GBP"

_MOST = 2**53 - 1
"""Minor units in one amount, at the most: what every reader of JSON gets right (RFC 8259, 6)."""
_DISPLAY = 24
"""Characters that a terminal shows of an order's name."""
_CLOSED = {OrderStatus.FINALIZED, OrderStatus.CANCELED}


class OrderRow(Struct, frozen=True, kw_only=True):
    """An order as the books have it. Amounts are in minor units."""

    id: str
    status: OrderStatus
    total: int
    paid: int
    """The sum of its valid payments, without tips."""
    tips: int
    payable: bool
    open_at_till: bool
    lock_id: str | None
    lock_expiry: datetime | None
    updated_at: datetime
    document: str
    """The Order as it was made, in JSON. What changes by itself is a column or a row instead."""

    @property
    def closed(self) -> bool:
        """Whether it is over: nobody may pay or change anything."""
        return self.status in _CLOSED


def find(books: Books, order_id: str) -> OrderRow:
    """The row of an order. Raises NotFound."""
    row = books.row("SELECT * FROM open_books WHERE id = :id", id=order_id)
    if row is None:
        raise NotFound("there is no such order")
    return convert(dict(row), OrderRow, strict=False)  # SQLite has neither times nor booleans


def contents(row: OrderRow) -> Order:
    """What an order is made of, without its payments and what follows from them."""
    return from_document(Order, row.document)


def show(books: Books, row: OrderRow) -> Order:
    """An order as Dojo sees it."""
    order = contents(row)
    order.status = row.status
    order.payable = row.payable
    order.updated_at = row.updated_at
    order.total_amount = money(row.total)
    order.paid_amount = money(row.paid)
    order.tips_amount = money(row.tips)
    order.payments = [
        Payment(
            payment_intent_id=payment["payment_intent_id"],
            paid_amount=money(payment["paid"]),
            tips_amount=money(payment["tips"]),
        )
        for payment in books.rows(
            "SELECT * FROM valid_payments WHERE order_id = :id ORDER BY number", id=row.id
        )
    ]
    return order


def order(books: Books, order_id: str) -> Order:
    """An order as it is now. Raises NotFound."""
    return show(books, find(books, order_id))


def open_order(books: Books, order: Order, *, total: int, dojo_order_id: str | None = None) -> str:
    """Enter a new order and return the id that it gets. Its payments are booked by themselves."""
    order.id = f"order-{books.next_number('orders')}"
    order.created_at = books.now
    order.payments = []
    where = order.details.dine_in
    books.run(
        """
        INSERT INTO orders (id, dojo_order_id, status, total, display_name, table_id, waiter_id,
                            party_id, reservation_id, updated_at, document)
        VALUES (:id, :dojo_order_id, :status, :total, :display_name, :table_id, :waiter_id,
                :party_id, :reservation_id, :now, :document)
        """,
        id=order.id,
        dojo_order_id=dojo_order_id,
        status=order.status.value,
        total=total,
        display_name=order.display_name,
        table_id=where and where.table_id,
        waiter_id=where and where.waiter_id,
        party_id=where and where.party_id,
        reservation_id=where and where.reservation_id,
        now=books.now,
        document=to_document(order),
    )
    return order.id


def update_order(books: Books, order: Order, *, total: int) -> None:
    """Replace what an order is made of."""
    books.run(
        "UPDATE orders SET document = :document, total = :total, updated_at = :now WHERE id = :id",
        id=order.id,
        document=to_document(order),
        total=total,
        now=books.now,
    )


def book_payment(
    books: Books, order_id: str, *, intent: str | None, paid: int, tips: int = 0
) -> None:
    """Enter a payment; `intent` of None is cash."""
    books.run(
        """
        INSERT INTO payments (order_id, payment_intent_id, paid, tips)
        VALUES (:order_id, :intent, :paid, :tips)
        """,
        order_id=order_id,
        intent=intent,
        paid=paid,
        tips=tips,
    )


def payment_status(books: Books, intent: str) -> PaymentIntentStatus | None:
    """How far a payment is, as far as Dojo has told."""
    row = books.row("SELECT status FROM payment_intents WHERE id = :id", id=intent)
    return None if row is None else PaymentIntentStatus(row["status"])


def money_went_back(books: Books, intent: str) -> bool:
    """Whether Dojo has told that the guest has the money of a payment again."""
    return books.row("SELECT 1 FROM returned_intents WHERE id = :id", id=intent) is not None


def set_status(books: Books, order_id: str, status: OrderStatus) -> None:
    """Move an order on."""
    books.run(
        "UPDATE orders SET status = :status, updated_at = :now WHERE id = :id",
        id=order_id,
        status=status.value,
        now=books.now,
    )


def set_open_at_till(books: Books, order_id: str, *, is_open: bool) -> None:
    """Note whether a waiter has an order open."""
    books.run(
        "UPDATE orders SET open_at_till = :is_open, updated_at = :now WHERE id = :id",
        id=order_id,
        is_open=is_open,
        now=books.now,
    )


def set_lock(books: Books, order_id: str, lock_id: str | None, expiry: datetime | None) -> None:
    """Give an order this lock instead of the one that it has; None frees it."""
    books.run(
        "UPDATE orders SET lock_id = :lock_id, lock_expiry = :expiry WHERE id = :id",
        id=order_id,
        lock_id=lock_id,
        expiry=expiry,
    )


def has_live_lock(books: Books, row: OrderRow) -> bool:
    """Whether somebody is paying. A lock is no lock any more from its expiry on."""
    return row.lock_expiry is not None and row.lock_expiry > books.now


def refuse_foreign_lock(books: Books, row: OrderRow, lock_id: str | None) -> None:
    """Raise Conflict if somebody else than the holder of `lock_id` is paying."""
    if has_live_lock(books, row) and row.lock_id != lock_id:
        raise Conflict("the order is locked: somebody else is paying")


def money(value: int) -> Money:
    """An amount in the restaurant's currency."""
    return Money(value, CURRENCY)


def minor_units(amount: Money, what: str, *, least: int = 0) -> int:
    """The value of an amount that came in. Raises InvalidRequest if it cannot be booked."""
    if amount.currency_code != CURRENCY:
        raise InvalidRequest(f"{what}: this restaurant takes {CURRENCY} only")
    if not least <= amount.value <= _MOST:
        raise InvalidRequest(f"{what}: expected at least {least} minor units, at most {_MOST}")
    return amount.value


def worth(items: Iterable[OrderItem | OrderSubItem]) -> int:
    """What items cost, with all that belongs to them, before discounts."""
    return sum(
        item.quantity
        * (
            item.amount_per_item.value
            + _worth_of_modifiers(item.modifiers)
            + (worth(item.sub_items) if isinstance(item, OrderItem) else 0)
        )
        for item in items
    )


def free_display_name(books: Books, name: str) -> str:
    """`name`, or with a number behind it: no two open orders look the same on a terminal."""
    taken = {
        row["display_name"]
        for row in books.rows(
            "SELECT display_name FROM orders WHERE status NOT IN ('Finalized', 'Canceled')"
        )
    }
    suffixes = ("" if number == 1 else f" ({number})" for number in count(1))
    names = (name[: _DISPLAY - len(suffix)] + suffix for suffix in suffixes)
    return next(each for each in names if each not in taken)


def _worth_of_modifiers(modifiers: Iterable[Modifier]) -> int:
    return sum(each.quantity * each.amount_per_modifier.value for each in modifiers)
