"""What the kitchen offers, and what an order made at the till comes to."""

from collections.abc import Iterable, Sequence

from dojo_proto import Conflict, InvalidRequest
from dojo_proto.contract import (
    DineInDetails,
    Discount,
    Modifier,
    Order,
    OrderDetails,
    OrderItem,
    OrderStatus,
    OrderSubItem,
    OrderType,
    TaxLine,
)
from dojo_simulator.restaurant import ledger, seating
from dojo_simulator.restaurant.database import Books

_VAT = 2000
"""Hundredths of a per cent. It is part of every price."""


def item(
    books: Books,
    plu: str,
    quantity: int = 1,
    *,
    modifiers: Iterable[str] = (),
    parts: Iterable[str] = (),
    note: str | None = None,
) -> OrderItem:
    """A line of an order: a product, with the PLUs of its modifiers and of its free parts.

    Raises InvalidRequest for a PLU that the menu does not have.
    """
    name, price = _product(books, plu)
    return OrderItem(
        name=name,
        plu=plu,
        quantity=quantity,
        amount_per_item=ledger.money(price),
        note=note,
        modifiers=[_modifier(books, each) for each in modifiers],
        sub_items=[_part(books, each) for each in parts],
    )


def open_order(
    books: Books,
    table_id: str,
    waiter_id: str,
    items: Iterable[OrderItem] = (),
    *,
    discounts: Sequence[Discount] = (),
    service_charge: int = 0,
    note: str | None = None,
) -> str:
    """Open an order at a table for the party that sits there, and return its id."""
    place = DineInDetails(table_id=table_id, waiter_id=waiter_id)
    seating.join_party(books, place)
    order = Order(
        status=OrderStatus.CONFIRMED,
        details=OrderDetails(order_type=OrderType.DINE_IN, dine_in=place),
        items=list(items),
        discounts=list(discounts),
        service_charge_amount=ledger.money(service_charge),
        display_name=ledger.free_display_name(
            books, f"Table {seating.table_name(books, table_id)}"
        ),
        note=note,
    )
    total = ledger.worth(order.items) + service_charge
    total -= sum(discount.amount_total.value for discount in discounts)
    order.tax_lines = [_vat(total)]
    return ledger.open_order(books, order, total=total)


def add_item(books: Books, order_id: str, added: OrderItem) -> None:
    """Add a line to an order. Raises Conflict while somebody pays, and once it is closed."""
    row = ledger.find(books, order_id)
    refuse_change(books, row)
    order = ledger.contents(row)
    order.items.append(added)
    total = row.total + ledger.worth([added])
    order.tax_lines = [_vat(total)]
    ledger.update_order(books, order, total=total)


def refuse_change(books: Books, row: ledger.OrderRow) -> None:
    """Raise Conflict if the till must not change an order now."""
    if ledger.has_live_lock(books, row):
        raise Conflict("the order is locked: somebody is paying")
    if row.closed:
        raise Conflict("the order is closed")


def _product(books: Books, plu: str) -> tuple[str, int]:
    row = books.row("SELECT name, price FROM products WHERE plu = :plu", plu=plu)
    if row is None:
        raise InvalidRequest("the menu has no such plu")
    return row["name"], row["price"]


def _modifier(books: Books, plu: str) -> Modifier:
    name, price = _product(books, plu)
    return Modifier(name=name, plu=plu, quantity=1, amount_per_modifier=ledger.money(price))


def _part(books: Books, plu: str) -> OrderSubItem:
    name, _ = _product(books, plu)
    return OrderSubItem(name=name, plu=plu, quantity=1, amount_per_item=ledger.money(0))


def _vat(total: int) -> TaxLine:
    """The tax inside a total, rounded to the nearest minor unit."""
    inside = (total * _VAT + (10_000 + _VAT) // 2) // (10_000 + _VAT)
    return TaxLine(id="VAT", name="VAT", amount_percentage=_VAT, amount_total=ledger.money(inside))
