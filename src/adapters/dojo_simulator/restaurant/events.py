"""What Dojo tells of payments after they were taken."""

from typing import Any

from dojo_proto import Context
from dojo_proto.contract import HandleEventParams, PaymentIntentStatus
from dojo_simulator.restaurant import ledger
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.serving import epos, writing

_STEPS = {
    PaymentIntentStatus.CREATED: 0,
    PaymentIntentStatus.AUTHORIZED: 1,
    PaymentIntentStatus.CAPTURED: 2,
    PaymentIntentStatus.CANCELED: 3,
    PaymentIntentStatus.REVERSED: 3,
    PaymentIntentStatus.REFUNDED: 3,
}
"""How far a payment is. Events may come late, and none takes a payment back to an earlier step."""


@epos.on("HandleEvent:payment_intent.created")
@epos.on("HandleEvent:payment_intent.status_updated")
def note_payment_status(ctx: Context, params: HandleEventParams) -> dict[str, Any]:
    """Remember how far the payment is. Dojo may tell an event twice, and before the payment."""
    with writing(ctx) as books:
        if books.run("INSERT INTO events (id) VALUES (:id) ON CONFLICT DO NOTHING", id=params.id):
            _move_on(books, params.data.payment_intent_id, params.data.payment_status)
        return books.record(ctx, {})


def _move_on(books: Books, intent: str, status: PaymentIntentStatus) -> None:
    known = ledger.payment_status(books, intent) or PaymentIntentStatus.CREATED
    if _STEPS.get(status, -1) < _STEPS[known]:  # late, or one that Dojo adds tomorrow
        return
    books.run(
        """
        INSERT INTO payment_intents (id, status) VALUES (:intent, :status)
        ON CONFLICT (id) DO UPDATE SET status = excluded.status
        """,
        intent=intent,
        status=status.value,
    )
    # If the payment does not count any more (see the view valid_payments), its orders owe again.
    books.run(
        """
        UPDATE orders SET status = 'Confirmed', updated_at = :now
        WHERE status = 'Finalized' AND id IN (
            SELECT open_books.id
            FROM open_books JOIN payments ON payments.order_id = open_books.id
            WHERE payments.payment_intent_id = :intent AND open_books.paid < open_books.total
        )
        """,
        intent=intent,
        now=books.now,
    )
