"""What was begun when the till went down, and of which the library does not know how it ended."""

from dojo_proto import Context, Unresolved
from dojo_simulator.restaurant import order_and_pay, payments
from dojo_simulator.restaurant.serving import epos, reading


@epos.on_unresolved
def settle(ctx: Context, unresolved: Unresolved) -> bool | None:
    """Whether it was done. Where money is concerned the books know, and all else may come again."""
    with reading(ctx) as books:
        match unresolved.method, *unresolved.parts:
            case "RecordOrderPaymentById", order_id, intent:
                return payments.is_booked(books, order_id, intent)
            case "CreateOrder", dojo_order_id:
                return order_and_pay.find(books, dojo_order_id) is not None
            case _:
                return None
