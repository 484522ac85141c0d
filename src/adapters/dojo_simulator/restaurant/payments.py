"""Payments: the one thing that must never be lost and never be doubled."""

from dojo_proto import Conflict, Context
from dojo_proto.contract import Order, OrderStatus, RecordOrderPaymentByIdParams
from dojo_simulator.restaurant import ledger
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.serving import epos, reading, writing


@epos.on("RecordOrderPaymentById")
def record_payment(ctx: Context, params: RecordOrderPaymentByIdParams) -> Order:
    """Dojo has taken the money. Returning says that it is booked; raising, that it is not.

    What is raised here makes Dojo give the money back, so a payment that is booked already is
    success, whatever has happened to the order since.
    """
    with writing(ctx) as books:
        order = ledger.find(books, params.order_id)
        if not is_booked(books, params.order_id, params.payment_intent_id):
            paid = ledger.minor_units(params.paid_amount, "paidAmount", least=1)
            tips = ledger.minor_units(params.tips_amount or ledger.money(0), "tipsAmount")
            ledger.refuse_foreign_lock(books, order, params.lock_id)
            if order.closed:
                raise Conflict("the order is closed")
            if paid > order.total - order.paid:
                raise Conflict("that is more than what is still owed")
            if ledger.money_went_back(books, params.payment_intent_id):
                raise Conflict("the money of that payment has been given back")
            intent = params.payment_intent_id
            ledger.book_payment(books, order.id, intent=intent, paid=paid, tips=tips)
            fully_paid = order.paid + paid == order.total
            ledger.set_status(
                books, order.id, OrderStatus.FINALIZED if fully_paid else order.status
            )
        return books.record(ctx, ledger.order(books, order.id))


@epos.lookup("RecordOrderPaymentById")
def find_payment(ctx: Context, params: RecordOrderPaymentByIdParams) -> Order | None:
    """Whether that payment is booked: asked when an earlier answer may have been lost."""
    with reading(ctx) as books:
        if not is_booked(books, params.order_id, params.payment_intent_id):
            return None
        return ledger.order(books, params.order_id)


def is_booked(books: Books, order_id: str, intent: str) -> bool:
    """Whether the payment was booked, whatever has become of it since."""
    booked = books.row(
        "SELECT 1 FROM payments WHERE order_id = :order_id AND payment_intent_id = :intent",
        order_id=order_id,
        intent=intent,
    )
    return booked is not None
