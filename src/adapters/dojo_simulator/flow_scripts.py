"""The flows: what a terminal, and Dojo's other products, do with an EPOS.

Each looks for data that the EPOS has unless it is told: an order to pay, a table to sit at.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import uuid4

import msgspec
from msgspec import Meta

from dojo_proto.contract import (
    CancelOrderByIdParams,
    CaptureMode,
    CreateOrderLockParams,
    CreateOrderParams,
    CreatePartyParams,
    CreateReservationParams,
    DeleteOrderLockParams,
    DeletePartyByIdParams,
    DeleteReservationByIdParams,
    DineInDetails,
    EventType,
    ExtendOrderLockParams,
    GetOrderBillByIdParams,
    GetOrderByIdParams,
    GetPartyByIdParams,
    GetReservationByIdParams,
    HandleEventParams,
    Money,
    Order,
    OrderBill,
    OrderDetails,
    OrderItem,
    OrderStatus,
    OrderType,
    PagedOrdersResponse,
    PagedPartiesResponse,
    PagedTablesResponse,
    Party,
    Payment,
    PaymentIntentEvent,
    PaymentIntentStatus,
    RecordOrderPaymentByIdParams,
    Reservation,
    SearchDineInDetails,
    SearchOrdersParams,
    SearchPartiesParams,
    SearchTablesParams,
    UpdatePartyParams,
    UpdateReservationParams,
)
from dojo_simulator.faults import Fault, FaultKind
from dojo_simulator.play import Flow, Play

_LOCK = timedelta(minutes=1)
_AHEAD = timedelta(days=7)
_STAY = timedelta(hours=2)


class _Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What a flow may be given."""


class Paying(_Given, frozen=True, kw_only=True):
    """Which order to pay, and how."""

    order_id: str | None = None
    """Without it, the first payable one."""
    table_id: str | None = None
    waiter_id: str | None = None
    tips_amount: Annotated[int, Meta(ge=0)] = 0
    """Minor units, on top of the whole of it."""
    parts: Annotated[int, Meta(ge=1, le=20)] = 1
    """In how many payments."""


class Splitting(Paying, frozen=True, kw_only=True):
    """The same, in parts."""

    parts: Annotated[int, Meta(ge=1, le=20)] = 2


class Ordering(_Given, frozen=True, kw_only=True):
    """What to order, and where."""

    table_id: str | None = None
    """Without it, the first table."""
    items: list[OrderItem] = []
    """Without them, one of what another order has."""


class Seating(_Given, frozen=True, kw_only=True):
    """Where to sit."""

    table_id: str | None = None
    """Without it, the first table at which nobody sits."""
    covers: Annotated[int, Meta(ge=1)] = 2


# Pay at table.


def _pay(play: Play, given: Paying) -> None:
    order = _find(play, given)
    _pay_parts(play, _get(play, _id(play, order)), given)


def _pay_locked(play: Play, given: Paying) -> None:
    id, lock = _id(play, _find(play, given)), str(uuid4())
    play.call(CreateOrderLockParams(order_id=id, lock_id=lock, expiry=_now() + _LOCK), Order)
    order = _get(play, id)
    play.call(ExtendOrderLockParams(order_id=id, lock_id=lock, expiry=_now() + 2 * _LOCK), dict)
    _pay_parts(play, order, given, lock=lock)
    play.call(DeleteOrderLockParams(order_id=id, lock_id=lock), Order)


def _lose_an_answer(play: Play, given: Paying) -> None:
    order = _get(play, _id(play, _find(play, given)))
    _pay_parts(play, order, given, fault=Fault(FaultKind.DROP_BEFORE_ANSWER))


def _print_bill(play: Play, given: Paying) -> None:
    id = given.order_id or _id(play, _find(play, given, payable=False))
    bill = play.call(GetOrderBillByIdParams(order_id=id), OrderBill)
    play.expect("the bill's order", bill.order.id, id)


def _find(play: Play, given: Paying, *, payable: bool = True) -> Order:
    where = None
    if given.table_id is not None or given.waiter_id is not None:
        where = SearchDineInDetails(table_id=given.table_id, waiter_id=given.waiter_id)
    found = play.call(
        SearchOrdersParams(payable_only=payable or None, dine_in=where), PagedOrdersResponse
    )
    order = next((each for each in found.data if given.order_id in {None, each.id}), None)
    if order is None:
        kind = "payable order" if payable else "order"
        play.fail("Choose an order", f"the EPOS lists no {kind} {given.order_id or ''}".rstrip())
    return order


def _get(play: Play, id: str) -> Order:
    return play.call(GetOrderByIdParams(order_id=id), Order)


def _pay_parts(
    play: Play, order: Order, given: Paying, *, lock: str | None = None, fault: Fault | None = None
) -> None:
    """Pay what is left of `order`, and check after each part what is paid."""
    total, paid = _amounts(play, order)
    left = total.value - paid.value
    booked = paid.value
    for number in range(given.parts):
        part = left * (number + 1) // given.parts - left * number // given.parts
        last = number == given.parts - 1
        payment = RecordOrderPaymentByIdParams(
            order_id=_id(play, order),
            payment_intent_id=f"pi_{uuid4().hex}",
            paid_amount=Money(part, total.currency_code),
            tips_amount=_tip(given, total) if last else None,
            lock_id=lock,
        )
        after = play.call(payment, Order, fault=fault)
        booked += part
        play.expect("paidAmount", _amounts(play, after)[1].value, booked)
    play.expect("payable", after.payable, expected=False)


def _tip(given: Paying, total: Money) -> Money | None:
    return Money(given.tips_amount, total.currency_code) if given.tips_amount else None


def _amounts(play: Play, order: Order) -> tuple[Money, Money]:
    """What is owed in all, and what is paid of it."""
    total = play.present("totalAmount", order.total_amount)
    return total, play.present("paidAmount", order.paid_amount)


# Order and pay.


def _order(play: Play, given: Ordering) -> None:
    """Order, pay, and hear that the payment was captured."""
    order = _create(play, given)
    _get(play, _id(play, order))
    intent = order.payments[0].payment_intent_id if order.payments else None
    play.call(
        HandleEventParams(
            id=f"evt_{uuid4().hex}",
            account_id="acc_simulator",
            event=EventType.PAYMENT_INTENT_STATUS_UPDATED,
            created_at=_now(),
            data=PaymentIntentEvent(
                payment_intent_id=play.present("paymentIntentId", intent),
                payment_status=PaymentIntentStatus.CAPTURED,
                capture_mode=CaptureMode.AUTO,
            ),
        ),
        dict,
    )


def _order_and_cancel(play: Play, given: Ordering) -> None:
    order = _create(play, given)
    canceled = play.call(CancelOrderByIdParams(order_id=_id(play, order)), Order)
    play.expect("status", canceled.status, OrderStatus.CANCELED)


def _create(play: Play, given: Ordering) -> Order:
    items = given.items or _items(play)
    table = given.table_id or _table(play, taken=())
    currency = items[0].amount_per_item.currency_code
    total = Money(sum(_price(item) for item in items), currency)
    order = CreateOrderParams(
        items=items,
        total_amount=total,
        dojo_order_id=str(uuid4()),
        payments=[Payment(paid_amount=total, payment_intent_id=f"pi_{uuid4().hex}")],
        details=OrderDetails(order_type=OrderType.DINE_IN, dine_in=DineInDetails(table_id=table)),
    )
    created = play.call(order, Order)
    play.expect("paidAmount", _amounts(play, created)[1].value, total.value)
    return created


def _items(play: Play) -> list[OrderItem]:
    """One of something that the menu has, to judge by what others have ordered."""
    found = play.call(SearchOrdersParams(), PagedOrdersResponse)
    item = next((item for order in found.data for item in order.items), None)
    if item is None:
        play.fail("Choose an item", "no order has any: give `items`")
    return [
        OrderItem(name=item.name, quantity=1, amount_per_item=item.amount_per_item, plu=item.plu)
    ]


def _price(item: OrderItem) -> int:
    """Of the item with all that belongs to it, in minor units."""
    more = [*item.modifiers, *(each for sub in item.sub_items for each in sub.modifiers)]
    each = item.amount_per_item.value
    each += sum(sub.amount_per_item.value * sub.quantity for sub in item.sub_items)
    each += sum(extra.amount_per_modifier.value * extra.quantity for extra in more)
    return each * item.quantity


# Bookings.


def _book(play: Play, given: Seating) -> None:
    """Reserve, change it, arrive, leave, and forget it all."""
    table = given.table_id or _free_table(play)
    ours, start = str(uuid4()), _now() + _AHEAD
    made = play.call(
        CreateReservationParams(
            dojo_reservation_id=ours,
            name="Ada Lovelace",
            covers=given.covers,
            start_time=start,
            end_time=start + _STAY,
            table_ids=[table],
        ),
        Reservation,
    )
    changed = play.call(
        UpdateReservationParams(
            id=made.id,
            dojo_reservation_id=ours,
            name="Ada Lovelace",
            covers=given.covers + 1,
            start_time=start,
            end_time=start + _STAY,
            table_ids=[table],
        ),
        Reservation,
    )
    play.expect("id", changed.id, made.id)
    read = play.call(GetReservationByIdParams(reservation_id=made.id), Reservation)
    play.expect("covers", read.covers, given.covers + 1)
    _sit(play, table, given.covers + 1, reservation=made.id)
    play.call(DeleteReservationByIdParams(reservation_id=made.id), dict)


def _walk_in(play: Play, given: Seating) -> None:
    """Arrive without a reservation, and leave."""
    _sit(play, given.table_id or _free_table(play), given.covers, reservation=None)


def _sit(play: Play, table: str, covers: int, *, reservation: str | None) -> None:
    """Sit down, leave, and be forgotten."""
    ours, start = str(uuid4()), _now()
    party = play.call(
        CreatePartyParams(
            dojo_party_id=ours,
            table_ids=[table],
            start_time=start,
            covers=covers,
            reservation_id=reservation,
        ),
        Party,
    )
    play.expect("reservationId", party.reservation_id, reservation)
    play.call(
        UpdatePartyParams(
            id=party.id,
            dojo_party_id=ours,
            table_ids=[table],
            status=party.status,
            start_time=start,
            end_time=_now(),
            covers=covers,
        ),
        Party,
    )
    left = play.call(GetPartyByIdParams(party_id=party.id), Party)
    play.present("endTime", left.end_time)
    play.call(DeletePartyByIdParams(party_id=party.id), dict)


def _free_table(play: Play) -> str:
    seated = play.call(SearchPartiesParams(), PagedPartiesResponse)
    return _table(play, taken=[id for party in seated.data for id in party.table_ids])


def _table(play: Play, *, taken: Collection[str]) -> str:
    found = play.call(SearchTablesParams(), PagedTablesResponse)
    table = next((each.id for each in found.data if each.id not in taken), None)
    if table is None:
        play.fail("Choose a table", "none is free: give `tableId`")
    return table


def _id(play: Play, order: Order) -> str:
    return play.present("id", order.id)


def _now() -> datetime:
    return datetime.now().astimezone()


def _flow(name: str, description: str, params: Any, play: Callable[[Play, Any], None]) -> Flow:
    return Flow(name=name, description=description, params=params, play=play)


FLOWS = (
    _flow("PayAtTable", "Pay an order at its table.", Paying, _pay),
    _flow("PayAtTableWithLock", "The same, with the order locked.", Paying, _pay_locked),
    _flow("SplitPayment", "Pay an order in parts.", Splitting, _pay),
    _flow("SplitPaymentWithLock", "The same, with the order locked.", Splitting, _pay_locked),
    _flow(
        "LostAnswer",
        "Pay an order; the answer is lost with its connection, and the payment is sent again.",
        Paying,
        _lose_an_answer,
    ),
    _flow("PrintBill", "Print the bill of an order.", Paying, _print_bill),
    _flow("OrderAndPay", "Order from a telephone, and pay there.", Ordering, _order),
    _flow("CancelOrder", "Order from a telephone, and cancel it.", Ordering, _order_and_cancel),
    _flow("Booking", "Reserve a table, come, sit, and leave.", Seating, _book),
    _flow("WalkIn", "Come without a reservation, sit, and leave.", Seating, _walk_in),
)
