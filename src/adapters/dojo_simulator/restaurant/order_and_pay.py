"""Orders that guests make and pay in their own app: Dojo brings them to the till."""

from collections.abc import Iterator

from dojo_proto import Conflict, Context, InvalidRequest
from dojo_proto.contract import (
    CancelOrderByIdParams,
    CreateOrderParams,
    Money,
    Order,
    OrderDetails,
    OrderItem,
    OrderStatus,
    OrderSubItem,
    OrderType,
)
from dojo_simulator.restaurant import ledger, seating
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.serving import epos, reading, writing


@epos.on("CreateOrder")
def create_order(ctx: Context, params: CreateOrderParams) -> Order:
    """Take the order and book its payments. The same `dojo_order_id` again is the same order.

    The total is Dojo's: that is what the guests were shown, and what they have paid.
    """
    with writing(ctx) as books:
        order_id = find(books, params.dojo_order_id)
        if order_id is None:
            order_id = _enter(books, params)
        return books.record(ctx, ledger.order(books, order_id))


@epos.lookup("CreateOrder")
def find_created_order(ctx: Context, params: CreateOrderParams) -> Order | None:
    """Whether that order was taken: asked when an earlier answer may have been lost."""
    with reading(ctx) as books:
        order_id = find(books, params.dojo_order_id)
        return None if order_id is None else ledger.order(books, order_id)


@epos.on("CancelOrderById")
def cancel_order(ctx: Context, params: CancelOrderByIdParams) -> Order:
    """The guests have changed their minds: possible until the kitchen begins.

    Its payments stay until Dojo tells that the money went back.
    """
    with writing(ctx) as books:
        order = ledger.find(books, params.order_id)
        if order.status != OrderStatus.CANCELED:
            ledger.refuse_foreign_lock(books, order, None)
            if order.status not in {OrderStatus.ACCEPTED, OrderStatus.CONFIRMED}:
                raise Conflict("too late: the order is being prepared, or closed")
            if order.status == OrderStatus.CONFIRMED and order.paid:
                raise Conflict("too late: guests have paid at the table")
            if order.open_at_till:
                raise Conflict("the order is open at the till")
            ledger.set_status(books, order.id, OrderStatus.CANCELED)
        return books.record(ctx, ledger.order(books, order.id))


def find(books: Books, dojo_order_id: str) -> str | None:
    """The till's id of an order that Dojo has brought, or None."""
    row = books.row("SELECT id FROM orders WHERE dojo_order_id = :id", id=dojo_order_id)
    return None if row is None else str(row["id"])


def _enter(books: Books, params: CreateOrderParams) -> str:
    """Check the whole order, then enter it: of one that is refused nothing stays."""
    total = ledger.minor_units(params.total_amount, "totalAmount")
    for amount in _amounts(params):
        ledger.minor_units(amount, "an amount of the order")
    _refuse_unknown_products(books, params)
    details = _placed(books, params.details)
    intents = [each.payment_intent_id for each in params.payments if each.payment_intent_id]
    if len(set(intents)) < len(intents):
        raise InvalidRequest("payments: the same paymentIntentId stands there twice")
    if sum(each.paid_amount.value for each in params.payments) > total:
        raise Conflict("payments: more is paid than the order costs")
    order = Order(
        status=OrderStatus.ACCEPTED,
        details=details,
        items=params.items,
        discounts=params.discounts,
        tax_lines=params.tax_lines,
        service_charge_amount=params.service_charge_amount,
        note=params.note,
        customer=params.customer,
        reference=params.reference,
        display_name=params.display_name or _name(books, details),
    )
    order_id = ledger.open_order(books, order, total=total, dojo_order_id=params.dojo_order_id)
    for payment in params.payments:
        ledger.book_payment(
            books,
            order_id,
            intent=payment.payment_intent_id,
            paid=payment.paid_amount.value,
            tips=payment.tips_amount.value if payment.tips_amount else 0,
        )
    return order_id


def _amounts(params: CreateOrderParams) -> Iterator[Money]:
    """Every amount in the order but its total."""
    for part in _parts(params):
        yield part.amount_per_item
        yield from (modifier.amount_per_modifier for modifier in part.modifiers)
    yield from (discount.amount_total for discount in params.discounts)
    yield from (tax.amount_total for tax in params.tax_lines)
    if params.service_charge_amount is not None:
        yield params.service_charge_amount
    for payment in params.payments:
        yield payment.paid_amount
        if payment.tips_amount is not None:
            yield payment.tips_amount


def _refuse_unknown_products(books: Books, params: CreateOrderParams) -> None:
    if not params.items:
        raise InvalidRequest("items: nothing is ordered")
    known = {row["plu"] for row in books.rows("SELECT plu FROM products")}
    for part in _parts(params):
        for each in (part, *part.modifiers):
            if each.plu not in known:
                raise InvalidRequest("items: the menu has no such plu")
            if each.quantity < 1:
                raise InvalidRequest("items: expected a quantity of at least 1")


def _parts(params: CreateOrderParams) -> Iterator[OrderItem | OrderSubItem]:
    for item in params.items:
        yield item
        yield from item.sub_items


def _placed(books: Books, details: OrderDetails) -> OrderDetails:
    """`details`, with the party that sits at the table."""
    place = details.collection if details.order_type == OrderType.COLLECTION else details.dine_in
    if place is None:
        raise InvalidRequest("details: expected the member that its orderType names")
    if details.dine_in is not None and details.dine_in.table_id is not None:
        seating.refuse_unknown_tables(books, [details.dine_in.table_id])
        seating.join_party(books, details.dine_in)
    return details


def _name(books: Books, details: OrderDetails) -> str:
    table_id = details.dine_in and details.dine_in.table_id
    name = f"Table {seating.table_name(books, table_id)}" if table_id else details.order_type.value
    return ledger.free_display_name(books, name)
