"""The till of the sample restaurant, in memory.

It keeps its own rules, whoever calls it; the handlers in `dojo_simulator.restaurant` only pass on.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Annotated, Any

from msgspec import Meta, Struct

from dojo_proto import Conflict, InvalidRequest, NotFound

CURRENCY = "GBP"
PAGE = 100
"""Orders in one page at the most."""

Json = dict[str, Any]

# What the gateway sends. Members that are not declared are ignored; what does not fit is refused
# before a handler runs.

MinorUnits = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""Pence, cents: an amount is never a float."""


class Money(Struct, frozen=True, rename="camel"):
    """An amount of money."""

    value: MinorUnits
    currency_code: str


class DineInFilter(Struct, frozen=True, rename="camel"):
    """Only orders that have all of these."""

    table_id: str | None = None
    waiter_id: str | None = None
    party_id: str | None = None
    reservation_id: str | None = None


class Cursor(Struct, frozen=True):
    """Which page. `before` and `after` exclude each other."""

    limit: Annotated[int, Meta(ge=1)] = PAGE
    before: str | None = None
    after: str | None = None


class SearchOrders(Struct, frozen=True, rename="camel"):
    """Which orders, and which page of them."""

    payable_only: bool = False
    dine_in: DineInFilter = DineInFilter()
    cursor: Cursor = Cursor()


class OrderById(Struct, frozen=True, rename="camel"):
    """One order."""

    order_id: str


class OrderLock(Struct, frozen=True, rename="camel"):
    """A lock, and until when it holds."""

    order_id: str
    lock_id: str
    expiry: Annotated[datetime, Meta(tz=True)]


class OrderUnlock(Struct, frozen=True, rename="camel"):
    """A lock to give back."""

    order_id: str
    lock_id: str


class Payment(Struct, frozen=True, rename="camel"):
    """Money that Dojo has taken for an order."""

    order_id: str
    payment_intent_id: str
    paid_amount: Money
    tips_amount: Money = Money(0, CURRENCY)
    lock_id: str | None = None


# The till.


@dataclass(frozen=True)
class Item:
    """A line of an order; `price` is for one, in minor units."""

    name: str
    plu: str
    price: int
    quantity: int = 1


@dataclass
class Order:
    """An order at a table. Amounts are in minor units; a tip is no part of any total."""

    id: str
    table: str
    waiter: str
    opened_at: datetime
    items: tuple[Item, ...]
    service_charge: int = 0
    payments: dict[str, Payment] = field(default_factory=dict)
    changed_at: datetime | None = None
    edited: bool = False
    lock_id: str | None = None
    lock_expiry: datetime | None = None

    @property
    def total(self) -> int:
        """What the guests owe."""
        return self.service_charge + sum(item.price * item.quantity for item in self.items)

    @property
    def paid(self) -> int:
        """What they have paid of it."""
        return sum(payment.paid_amount.value for payment in self.payments.values())

    @property
    def tips(self) -> int:
        """What they gave besides."""
        return sum(payment.tips_amount.value for payment in self.payments.values())

    @property
    def closed(self) -> bool:
        """Whether nothing is owed any more."""
        return self.paid >= self.total

    @property
    def dine_in(self) -> dict[str, str]:
        """Where it is served and by whom, as Dojo names it."""
        return {"tableId": self.table, "waiterId": self.waiter}


class Restaurant:
    """A till with open orders, safe to use from several threads.

    `clock` gives the time, aware; `printing_time` is how many seconds the bill printer takes. To
    refuse, its methods raise the error that is answered; then nothing has changed.
    """

    def __init__(
        self,
        orders: list[Order] | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        printing_time: float = 0.0,
    ) -> None:
        self.clock = clock
        self.printing_time = printing_time
        opened = sample_orders(clock()) if orders is None else orders
        self._orders = {order.id: order for order in opened}
        self._lock = RLock()

    def search(self, params: SearchOrders, waiter: str | None) -> Json:
        """One page of the orders, oldest first; only those of `waiter` unless None."""
        wanted = {
            "tableId": params.dine_in.table_id,
            "waiterId": params.dine_in.waiter_id or waiter,
            "partyId": params.dine_in.party_id,
            "reservationId": params.dine_in.reservation_id,
        }
        with self._lock:
            found = [
                order
                for order in self._orders.values()
                if not (params.payable_only and not self._payable(order))
                and all(v is None or order.dine_in.get(k) == v for k, v in wanted.items())
            ]
            return self._page(found, params.cursor)

    def order(self, order_id: str) -> Json:
        """The order as it is now. Reading works while it is locked."""
        with self._lock:
            return self._show(self._find(order_id))

    def bill(self, order_id: str) -> Json:
        """The bill as the printer prints it."""
        order = self.order(order_id)
        time.sleep(self.printing_time)  # without the lock: whoever pays need not wait for paper
        pounds, pence = divmod(order["totalAmount"]["value"], 100)
        return {
            "header": {
                "lines": [
                    {"lineType": "MerchantName", "merchantName": {"name": "The Sample Kitchen"}},
                    _text(order["displayName"], size="Header2"),
                    {"lineType": "HorizontalLine", "horizontalLine": {"line": "Single"}},
                ]
            },
            "order": order,
            "footer": {
                "lines": [
                    {"lineType": "HorizontalLine", "horizontalLine": {"line": "Double"}},
                    _text(f"Total {pounds}.{pence:02} {CURRENCY}", bold=True),
                    _text("Thank you!"),
                ]
            },
        }

    def lock(self, params: OrderLock) -> Json:
        """Lock the order for whoever holds `lock_id`. The same lock again moves its expiry."""
        with self._lock:
            order = self._find(params.order_id)
            self._refuse_foreign_lock(order, params.lock_id)
            if self._live_lock(order) is None:
                if order.edited:
                    raise Conflict("the order is open at the till")
                if order.closed:
                    raise Conflict("the order is closed")
            order.lock_id, order.lock_expiry = params.lock_id, params.expiry
            return self._show(order)

    def extend(self, params: OrderLock) -> None:
        """Move the expiry of a lock; an expired one revives if nothing has come in between."""
        with self._lock:
            order = self._find(params.order_id)
            self._refuse_foreign_lock(order, params.lock_id)
            if order.lock_id != params.lock_id:
                raise Conflict("that lock is gone: lock the order anew")
            order.lock_expiry = params.expiry

    def unlock(self, params: OrderUnlock) -> Json:
        """Free the order. A lock that is gone already is freed as well; others stay."""
        with self._lock:
            order = self._find(params.order_id)
            if order.lock_id == params.lock_id:
                order.lock_id = order.lock_expiry = None
            return self._show(order)

    def pay(self, payment: Payment) -> Json:
        """Book a payment, once: again with the same `payment_intent_id` changes nothing."""
        with self._lock:
            order = self._find(payment.order_id)
            if payment.payment_intent_id in order.payments:
                return self._show(order)
            if {payment.paid_amount.currency_code, payment.tips_amount.currency_code} != {CURRENCY}:
                raise InvalidRequest(f"this restaurant takes {CURRENCY} only")
            if payment.paid_amount.value == 0:
                raise InvalidRequest("paidAmount is 0: nothing to book")
            self._refuse_foreign_lock(order, payment.lock_id)
            if order.closed:
                raise Conflict("the order is closed")
            if payment.paid_amount.value > order.total - order.paid:
                raise Conflict("that is more than what is still owed")
            order.payments[payment.payment_intent_id] = payment
            order.changed_at = self.clock()
            return self._show(order)

    def payment(self, order_id: str, payment_intent_id: str) -> Json | None:
        """The order as it is now if that payment is booked, else None."""
        with self._lock:
            order = self._orders.get(order_id)
            booked = order is not None and payment_intent_id in order.payments
            return self._show(order) if order is not None and booked else None

    @contextmanager
    def editing(self, order_id: str) -> Iterator[Order]:
        """Open the order at the till: until the end of the block, nobody can lock or list it."""
        with self._lock:
            order = self._find(order_id)
            if self._live_lock(order) is not None:
                raise Conflict("the order is locked: somebody is paying")
            order.lock_id = order.lock_expiry = None
            order.edited = True
        try:
            yield order
        finally:
            with self._lock:
                order.edited = False
                order.changed_at = self.clock()

    # With the lock held.

    def _find(self, order_id: str) -> Order:
        order = self._orders.get(order_id)
        if order is None:
            raise NotFound("there is no such order")
        return order

    def _live_lock(self, order: Order) -> str | None:
        expired = order.lock_expiry is None or order.lock_expiry <= self.clock()
        return None if expired else order.lock_id

    def _refuse_foreign_lock(self, order: Order, lock_id: str | None) -> None:
        if self._live_lock(order) not in {None, lock_id}:
            raise Conflict("the order is locked by another terminal")

    def _payable(self, order: Order) -> bool:
        return not order.edited and not order.closed

    def _page(self, found: list[Order], cursor: Cursor) -> Json:
        if cursor.before is not None and cursor.after is not None:
            raise InvalidRequest("cursor: before and after exclude each other")
        limit = min(cursor.limit, PAGE)
        # A cursor is the id of an order, which need not be among those found any more. Orders stay
        # in the order they were opened in, so its place is known all the same.
        places = {order_id: place for place, order_id in enumerate(self._orders)}
        at = cursor.after if cursor.before is None else cursor.before
        if at is not None and at not in places:
            raise InvalidRequest("cursor: it is not one that this till has given")
        earlier = [] if at is None else [o for o in found if places[o.id] < places[at]]
        later = found if at is None else [o for o in found if places[o.id] > places[at]]
        page = later[:limit] if cursor.before is None else earlier[-limit:]
        answer: Json = {"data": [self._show(order) for order in page]}
        if page and page[0] is not found[0]:
            answer["before"] = page[0].id
        if page and page[-1] is not found[-1]:
            answer["after"] = page[-1].id
        return answer

    def _show(self, order: Order) -> Json:
        """The order in the vendor's shape."""
        return {
            "id": order.id,
            "displayName": f"Table {order.table}",
            "status": "Finalized" if order.closed else "Confirmed",
            "payable": self._payable(order),
            "createdAt": order.opened_at,
            "updatedAt": order.changed_at or order.opened_at,
            "details": {"orderType": "DineIn", "dineIn": order.dine_in},
            "items": [
                {
                    "name": item.name,
                    "plu": item.plu,
                    "quantity": item.quantity,
                    "amountPerItem": _money(item.price),
                }
                for item in order.items
            ],
            "serviceChargeAmount": _money(order.service_charge),
            "totalAmount": _money(order.total),
            "paidAmount": _money(order.paid),
            "tipsAmount": _money(order.tips),
            "payments": [
                {
                    "paymentIntentId": payment.payment_intent_id,
                    "paidAmount": _money(payment.paid_amount.value),
                    "tipsAmount": _money(payment.tips_amount.value),
                }
                for payment in order.payments.values()
            ],
        }


def _money(value: int) -> Json:
    return {"value": value, "currencyCode": CURRENCY}


def _text(value: str, *, size: str = "Body", bold: bool = False) -> Json:
    return {"lineType": "Text", "text": {"value": value, "size": size, "bold": bold}}


def sample_orders(now: datetime) -> list[Order]:
    """Three open orders at three tables, of two waiters."""
    margherita = Item("Margherita", "pizza-1", 1050)
    ragu = Item("Tagliatelle al ragù", "pasta-1", 1390)
    tiramisu = Item("Tiramisù", "sweet-1", 650, quantity=2)
    wine = Item("House red", "wine-1", 2400)
    water = Item("Water", "soft-1", 350)
    return [
        Order("order-1", "1", "anna", now, (margherita, ragu, tiramisu, wine), service_charge=610),
        Order("order-2", "2", "ben", now, (margherita, water)),
        Order("order-3", "7", "anna", now, (ragu, water)),
    ]
