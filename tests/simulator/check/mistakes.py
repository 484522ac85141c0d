"""The sample restaurant, each time with one mistake in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from tests.simulator.check.spoilt import (
    Mistake,
    Right,
    Wrong,
    find_lock,
    find_order,
    find_row,
    shown,
    without_headers,
)

from dojo_proto import Conflict, Context, InvalidRequest, NotFound, UnexpectedError
from dojo_proto.contract import PaymentIntentStatus
from dojo_simulator.restaurant.serving import restaurant

MISTAKES: dict[str, Mistake] = {}


def mistake(check: str, *methods: str) -> Callable[[Wrong], Wrong]:
    def add(wrong: Wrong) -> Wrong:
        MISTAKES[wrong.__name__] = Mistake(check, methods, wrong)
        return wrong

    return add


@mistake("TBL-1", "SearchTables")
def all_areas_alike(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, area_id=None))


@mistake("ORD-1", "SearchOrders")
def lists_what_cannot_be_paid(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, payable_only=None))


@mistake("ORD-2", "SearchOrders")
def lists_what_is_open_at_the_till(right: Right, ctx: Context, params: Any) -> Any:
    page = shown(right(ctx, replace(params, payable_only=None)))
    for order in page["data"]:
        order["payable"] = order["paidAmount"] != order["totalAmount"]
    if params.payable_only:
        page["data"] = [order for order in page["data"] if order["payable"]]
    return page


@mistake("ORD-3", "SearchOrders")
def all_tables_alike(right: Right, ctx: Context, params: Any) -> Any:
    table = params.dine_in and replace(params.dine_in, table_id=None)
    return right(ctx, replace(params, dine_in=table))


@mistake("ORD-4", "SearchOrders")
def all_waiters_alike(right: Right, ctx: Context, params: Any) -> Any:
    waiter = params.dine_in and replace(params.dine_in, waiter_id=None)
    return right(without_headers(ctx), replace(params, dine_in=waiter))


@mistake("ORD-5", "SearchOrders")
def any_filter_will_do(right: Right, ctx: Context, params: Any) -> Any:
    wanted = params.dine_in
    if wanted and wanted.party_id:
        params = replace(params, dine_in=replace(wanted, table_id=None))
    return right(ctx, params)


@mistake("ORD-6", "SearchOrders")
def has_one_page_only(right: Right, ctx: Context, params: Any) -> Any:
    page = shown(right(ctx, params))
    page.pop("after", None)
    return page


@mistake("ORD-6", "SearchOrders")
def skips_an_order_between_pages(right: Right, ctx: Context, params: Any) -> Any:
    page = shown(right(ctx, params))
    if params.cursor and params.cursor.after and len(page["data"]) > 1:
        del page["data"][0]
    return page


@mistake("ORD-8", "SearchOrders")
def finding_nothing_is_an_error(right: Right, ctx: Context, params: Any) -> Any:
    page = shown(right(ctx, params))
    if not page["data"]:
        raise NotFound("no orders")
    return page


@mistake("ORD-9", "SearchOrders")
def names_are_too_long(right: Right, ctx: Context, params: Any) -> Any:
    page = shown(right(ctx, params))
    for order in page["data"]:
        order["displayName"] = "the table by the window with the view"
    return page


_SEEN: dict[object, Any] = {}


@mistake("ORD-10", "GetOrderById")
def shows_what_it_showed_before(right: Right, ctx: Context, params: Any) -> Any:
    order = right(ctx, params)
    return _SEEN.setdefault((restaurant(ctx).path, params.order_id), order)


@mistake("ORD-11", "GetOrderById")
def says_conflict_for_what_it_does_not_know(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except NotFound:
        raise Conflict("there is no such order") from None


@mistake("ORD-12", "SearchOrders", "GetOrderById")
def the_total_has_no_service_charge(right: Right, ctx: Context, params: Any) -> Any:
    answer = shown(right(ctx, params))
    for order in answer.get("data", [answer]):
        order["totalAmount"]["value"] -= order.get("serviceChargeAmount", {}).get("value", 0)
    return answer


@mistake("ORD-13", "GetOrderById")
def nothing_can_be_read_while_locked(right: Right, ctx: Context, params: Any) -> Any:
    if find_lock(ctx, params.order_id):
        raise Conflict("the order is locked")
    return right(ctx, params)


@mistake("PAY-1", "RecordOrderPaymentById", "GetOrderById")
def a_paid_order_is_still_payable(right: Right, ctx: Context, params: Any) -> Any:
    return {**shown(right(ctx, params)), "payable": True}


@mistake("PAY-2", "RecordOrderPaymentById")
def the_first_part_closes_the_order(right: Right, ctx: Context, params: Any) -> Any:
    order = shown(right(ctx, params))
    restaurant(ctx).close(params.order_id)
    return order


@mistake("PAY-3", "RecordOrderPaymentById")
def tips_count_as_paid(right: Right, ctx: Context, params: Any) -> Any:
    tips = params.tips_amount.value if params.tips_amount else 0
    paid = replace(params.paid_amount, value=params.paid_amount.value + tips)
    return right(ctx, replace(params, paid_amount=paid, tips_amount=None))


@mistake("PAY-4", "RecordOrderPaymentById")
def a_payment_sent_again_is_a_conflict(right: Right, ctx: Context, params: Any) -> Any:
    if find_row(
        ctx,
        "SELECT 1 FROM payments WHERE payment_intent_id = :id",
        id=params.payment_intent_id,
    ):
        raise Conflict("that payment is recorded already")
    return right(ctx, params)


@mistake("PAY-5", "RecordOrderPaymentById")
def takes_what_is_owed_of_too_much(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except Conflict:
        row = find_row(
            ctx, "SELECT total - paid AS owed FROM open_books WHERE id = :id", id=params.order_id
        )
        paid = replace(params.paid_amount, value=row["owed"])
        return right(ctx, replace(params, paid_amount=paid))


@mistake("PAY-6", "RecordOrderPaymentById")
def a_closed_order_is_not_found(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except Conflict:
        raise NotFound("there is no open order with that id") from None


@mistake("PAY-7", "RecordOrderPaymentById")
def an_unknown_order_is_an_accident(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except NotFound as error:
        raise UnexpectedError(str(error)) from None


@mistake("PAY-8", "RecordOrderPaymentById")
def one_currency_is_as_good_as_another(right: Right, ctx: Context, params: Any) -> Any:
    pounds = replace(params.paid_amount, currency_code="GBP")
    return right(ctx, replace(params, paid_amount=pounds))


@mistake("PAY-9", "RecordOrderPaymentById")
def who_comes_second_is_told_success(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except Conflict:
        return find_order(ctx, params)


@mistake("PAY-10", "RecordOrderPaymentById")
def says_success_before_it_is_stored(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except (Conflict, NotFound, InvalidRequest):
        raise
    except Exception:  # noqa: BLE001 - the mistake
        return find_order(ctx, params)


@mistake("PAY-11", "HandleEvent")
def does_not_care_what_was_reversed(_right: Right, _ctx: Context, _params: Any) -> Any:
    return {}


@mistake("LCK-1", "CreateOrderLock")
def a_lock_locks_nothing(_right: Right, ctx: Context, params: Any) -> Any:
    return find_order(ctx, params)


@mistake("LCK-2", "CreateOrderLock")
def another_lock_takes_over(right: Right, ctx: Context, params: Any) -> Any:
    restaurant(ctx).unlock(params.order_id)
    return right(ctx, params)


@mistake("LCK-3", "CreateOrderLock")
def the_same_lock_again_is_a_conflict(right: Right, ctx: Context, params: Any) -> Any:
    if find_lock(ctx, params.order_id):
        raise Conflict("the order is locked")
    return right(ctx, params)


@mistake("LCK-4", "DeleteOrderLock")
def a_lock_stays(_right: Right, ctx: Context, params: Any) -> Any:
    return find_order(ctx, params)


@mistake("LCK-5", "ExtendOrderLock")
def a_lock_cannot_be_extended(_right: Right, _ctx: Context, _params: Any) -> Any:
    return {}


@mistake("LCK-6", "CreateOrderLock")
def a_lock_never_runs_out(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, expiry=datetime(2100, 1, 1, tzinfo=UTC)))


@mistake("LCK-7", "DeleteOrderLock")
def a_lock_that_is_gone_is_not_found(right: Right, ctx: Context, params: Any) -> Any:
    if find_lock(ctx, params.order_id) != params.lock_id:
        raise NotFound("there is no such lock")
    return right(ctx, params)


@mistake("LCK-8", "RecordOrderPaymentById")
def only_a_live_lock_may_pay(right: Right, ctx: Context, params: Any) -> Any:
    if params.lock_id and not find_row(
        ctx,
        "SELECT 1 FROM orders WHERE id = :id AND lock_expiry > :now",
        id=params.order_id,
        now=datetime.now(UTC).isoformat(),
    ):
        raise Conflict("the lock has run out")
    return right(ctx, params)


@mistake("LCK-9", "RecordOrderPaymentById")
def who_has_lost_the_lock_may_not_pay(right: Right, ctx: Context, params: Any) -> Any:
    if params.lock_id and find_lock(ctx, params.order_id) != params.lock_id:
        raise Conflict("the order has another lock")
    return right(ctx, params)


@mistake("BIL-1", "GetOrderBillById")
def a_line_has_another_member(right: Right, ctx: Context, params: Any) -> Any:
    bill = shown(right(ctx, params))
    bill["footer"]["lines"] = [{"lineType": "Text", "url": {"url": "https://example.com"}}]
    return bill


@mistake("ONP-1", "CreateOrder")
def the_payment_is_forgotten(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, payments=[]))


@mistake("ONP-2", "CreateOrder")
def an_order_that_is_known_is_a_conflict(right: Right, ctx: Context, params: Any) -> Any:
    if find_row(ctx, "SELECT 1 FROM orders WHERE dojo_order_id = :id", id=params.dojo_order_id):
        raise Conflict("that order is known")
    return right(ctx, params)


@mistake("ONP-3", "CreateOrder")
def what_is_not_on_the_menu_is_sold(right: Right, ctx: Context, params: Any) -> Any:
    items = [replace(each, plu="pizza-1") for each in params.items]
    return right(ctx, replace(params, items=items))


@mistake("ONP-4", "HandleEvent")
def a_captured_payment_is_reversed(right: Right, ctx: Context, params: Any) -> Any:
    data = replace(params.data, payment_status=PaymentIntentStatus.REVERSED)
    return right(ctx, replace(params, data=data))


@mistake("ONP-5", "CancelOrderById")
def nothing_is_ever_too_late(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except Conflict:
        order = find_order(ctx, params)
        return {**shown(order), "status": "Canceled"}


@mistake("EVT-1", "HandleEvent")
def an_event_that_is_known_is_a_conflict(right: Right, ctx: Context, params: Any) -> Any:
    if find_row(ctx, "SELECT 1 FROM events WHERE id = :id", id=params.id):
        raise Conflict("that event is known")
    return right(ctx, params)


@mistake("EVT-2", "HandleEvent")
def what_is_new_is_an_error(_right: Right, _ctx: Context, _params: Any) -> Any:
    raise InvalidRequest("unknown event")


@mistake("BKG-1", "UpdateReservation")
def an_update_keeps_what_it_leaves_out(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, host_notes=params.host_notes or "by the window"))


@mistake("BKG-2", "CreateParty")
def the_deposit_is_forgotten(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, deposit=None))


@mistake("BKG-3", "CreateParty")
def who_has_not_reserved_is_sent_away(right: Right, ctx: Context, params: Any) -> Any:
    if params.reservation_id is None:
        raise InvalidRequest("reservationId is missing")
    return right(ctx, params)


@mistake("BKG-4", "GetOrderById")
def nobody_knows_whose_order_it_is(right: Right, ctx: Context, params: Any) -> Any:
    order = shown(right(ctx, params))
    order["details"]["dineIn"].pop("partyId", None)
    return order


@mistake("BKG-5", "SearchParties")
def completed_parties_are_listed_with_the_rest(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, completed_only=None))


@mistake("BKG-6", "CreateParty")
def a_taken_table_is_an_accident(right: Right, ctx: Context, params: Any) -> Any:
    try:
        return right(ctx, params)
    except Conflict as error:
        raise UnexpectedError(str(error)) from None


@mistake("BKG-7", "DeletePartyById")
def a_deleted_party_is_still_there(_right: Right, _ctx: Context, _params: Any) -> Any:
    return {}


@mistake("BKG-8", "SearchReservations")
def the_window_is_open_at_its_end(right: Right, ctx: Context, params: Any) -> Any:
    return right(ctx, replace(params, to_time=None))


@mistake("ENV-1", "ListAreas")
def areas_are_texts(_right: Right, _ctx: Context, _params: Any) -> Any:
    return [{"id": 7, "name": "Garden"}]


@mistake("ENV-3", "HandleEvent")
def says_more_than_nothing(_right: Right, _ctx: Context, _params: Any) -> Any:
    return {"acknowledged": True}
