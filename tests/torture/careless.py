"""Tills that break a promise, each in its own way: they prove that it would be seen.

They work with the books of the sample restaurant, and a journal that dies with them is enough.
"""

from sqlite3 import IntegrityError
from threading import Timer
from time import sleep

from dojo_proto import Conflict, Context, Epos
from dojo_proto.contract import Order, RecordOrderPaymentByIdParams
from dojo_simulator.restaurant import house, ledger, order_and_pay
from dojo_simulator.restaurant.database import Books

forgetful = Epos(software_house_id="forgetful-till")
"""Books what comes. Its table of payments has no constraint, and there is no lookup."""

touchy = Epos(software_house_id="touchy-till")
"""Has the constraint, and takes a violation for a mistake of Dojo's."""

hasty = Epos(software_house_id="hasty-till")
"""Answers first and books afterwards."""

for each in (forgetful, touchy, hasty):
    each.on("CreateOrder")(order_and_pay.create_order)

CONSTRAINT = "UNIQUE (order_id, payment_intent_id)"
"""What the forgetful till's table lacks."""

_MOMENT = 0.02
"""Seconds between the booking and the answer, in which a crash may come."""


@forgetful.on("RecordOrderPaymentById")
@touchy.on("RecordOrderPaymentById")
def book_and_answer(_ctx: Context, params: RecordOrderPaymentByIdParams) -> Order:
    with house().writing() as books:
        _refuse_too_much(books, params)
        try:
            _book(books, params)
        except IntegrityError:
            raise Conflict("that was paid already") from None
        order = ledger.order(books, params.order_id)
    sleep(_MOMENT)
    return order


@hasty.on("RecordOrderPaymentById")
def answer_and_book(_ctx: Context, params: RecordOrderPaymentByIdParams) -> Order:
    with house().reading() as books:
        _refuse_too_much(books, params)
        order = ledger.order(books, params.order_id)

    def book() -> None:
        with house().writing() as books:
            _book(books, params)

    Timer(_MOMENT, book).start()
    return order


def _refuse_too_much(books: Books, params: RecordOrderPaymentByIdParams) -> None:
    if params.paid_amount.value > ledger.find(books, params.order_id).total:
        raise Conflict("that is more than it costs")


def _book(books: Books, params: RecordOrderPaymentByIdParams) -> None:
    ledger.book_payment(
        books,
        params.order_id,
        intent=params.payment_intent_id,
        paid=params.paid_amount.value,
        tips=params.tips_amount.value if params.tips_amount else 0,
    )
