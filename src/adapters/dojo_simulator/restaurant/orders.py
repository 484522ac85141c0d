"""Orders that guests pay at their table: which there are, and how they stand."""

from dojo_proto import Context
from dojo_proto.contract import (
    GetOrderByIdParams,
    Order,
    PagedOrdersResponse,
    SearchDineInDetails,
    SearchOrdersParams,
)
from dojo_simulator.restaurant import ledger
from dojo_simulator.restaurant.paging import page
from dojo_simulator.restaurant.serving import epos, reading


@epos.on("SearchOrders")
def search_orders(ctx: Context, params: SearchOrdersParams) -> PagedOrdersResponse:
    """The orders that fit all filters, oldest first. A waiter who asks sees their own."""
    wanted = params.dine_in or SearchDineInDetails()
    with reading(ctx) as books:
        found = page(
            books,
            """
            SELECT number, id FROM open_books
            WHERE (payable OR NOT :payable_only)
              AND (:table_id IS NULL OR table_id = :table_id)
              AND (:waiter_id IS NULL OR waiter_id = :waiter_id)
              AND (:party_id IS NULL OR party_id = :party_id)
              AND (:reservation_id IS NULL OR reservation_id = :reservation_id)
            """,
            params.cursor,
            payable_only=bool(params.payable_only),
            table_id=wanted.table_id,
            waiter_id=wanted.waiter_id or ctx.headers.waiter_id,
            party_id=wanted.party_id,
            reservation_id=wanted.reservation_id,
        )
        return PagedOrdersResponse(
            data=[ledger.order(books, row["id"]) for row in found.rows],
            before=found.before,
            after=found.after,
        )


@epos.on("GetOrderById")
def get_order(ctx: Context, params: GetOrderByIdParams) -> Order:
    """The order as it is now, whoever has locked it."""
    with reading(ctx) as books:
        return ledger.order(books, params.order_id)
