"""The restaurant itself: its books, and what the staff does at its till."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Self

from dojo_proto import Conflict
from dojo_proto.contract import (
    Order,
    OrderItem,
    OrderStatus,
    Party,
    PaymentIntentStatus,
    Reservation,
)
from dojo_proto.registration import Notice, OrderUpdated, PartyUpdated, ReservationUpdated
from dojo_simulator.restaurant import ledger, menu, sample, seating
from dojo_simulator.restaurant.database import Books, Database

VARIABLE = "DOJO_RESTAURANT_DB"
"""Names the file of the restaurant that is served when nobody brings one of their own."""


class Restaurant:
    """A restaurant with a till, for any number of threads.

    `path` names the SQLite file that its data is kept in; one that does not exist is made, with a
    few open orders to pay. None means a temporary file, which is gone with the object. Only one
    Restaurant may use a file at a time. `clock` gives the time, aware; `printer` is called for each
    bill, and may take long. Raises ConfigurationError if the file cannot be used.

    What the till refuses raises Conflict, NotFound or InvalidRequest; then nothing has changed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        printer: Callable[[], object] = lambda: None,
    ) -> None:
        self.printer = printer
        self._database = Database(None if path is None else Path(path), clock, sample.fill)
        self._callback: Callable[[Notice], object] | None = None
        with self.writing() as books:
            # Whoever had an order open when the till went down has it open no more.
            books.run("UPDATE orders SET open_at_till = 0")

    @property
    def path(self) -> Path:
        """The file with its data."""
        return self._database.path

    def reading(self) -> AbstractContextManager[Books]:
        """Look into the books as they are at one moment."""
        return self._database.reading()

    def writing(self) -> AbstractContextManager[Books]:
        """Change the books: all of it is durable when the block ends, or nothing has changed."""
        return self._database.writing()

    def read_only(self) -> AbstractContextManager[None]:
        """Have every change fail while the block runs, as when a disk has become read-only."""
        return self._database.read_only()

    def on_change(self, callback: Callable[[Notice], object] | None) -> None:
        """Have `callback`, such as `service.notify`, told of what the staff changes.

        It gets an OrderUpdated, PartyUpdated or ReservationUpdated, in the thread that made the
        change, once that is durable. What Dojo itself has asked for is not told.
        """
        self._callback = callback

    def shut(self) -> None:
        """Give the file up; a temporary one is removed. It may be called again."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    # Orders.

    def order(self, order_id: str) -> Order:
        """An order as it is now."""
        with self.reading() as books:
            return ledger.order(books, order_id)

    def payment_status(self, payment_intent_id: str) -> PaymentIntentStatus | None:
        """How far a payment is, as far as Dojo has told; None if it has told nothing."""
        with self.reading() as books:
            return ledger.payment_status(books, payment_intent_id)

    def item(self, plu: str, quantity: int = 1) -> OrderItem:
        """A line of an order, from the menu."""
        with self.reading() as books:
            return menu.item(books, plu, quantity)

    def open_order(self, table_id: str, waiter_id: str, items: Iterable[OrderItem] = ()) -> str:
        """Open an order for the guests at a table, and return its id."""
        with self.writing() as books:
            order_id = menu.open_order(books, table_id, waiter_id, items)
        self._tell(OrderUpdated(order_id))
        return order_id

    def add_item(self, order_id: str, item: OrderItem) -> None:
        """The guests want something more. Refused while they pay, and once the order is closed."""
        with self.writing() as books:
            menu.add_item(books, order_id, item)
        self._tell(OrderUpdated(order_id))

    @contextmanager
    def edit(self, order_id: str) -> Iterator[None]:
        """Keep the order open at the till while the block runs: nobody can lock or list it.

        Entering the block is refused while somebody pays, and once the order is closed.
        """
        self._set_open(order_id, is_open=True)
        try:
            yield
        finally:
            self._set_open(order_id, is_open=False)

    def unlock(self, order_id: str) -> None:
        """Free an order by hand, as staff may do when a terminal has broken down."""
        with self.writing() as books:
            order = ledger.find(books, order_id)
            ledger.set_lock(books, order.id, None, None)
        self._tell(OrderUpdated(order_id))

    def prepare(self, order_id: str) -> None:
        """The kitchen begins. From here on Dojo cannot cancel the order."""
        with self.writing() as books:
            order = ledger.find(books, order_id)
            menu.refuse_change(books, order)
            ledger.set_status(books, order.id, OrderStatus.PREPARING)
        self._tell(OrderUpdated(order_id))

    def close(self, order_id: str) -> None:
        """The guests pay in cash what is still owed. Refused while somebody pays with Dojo."""
        with self.writing() as books:
            order = ledger.find(books, order_id)
            menu.refuse_change(books, order)
            if order.paid < order.total:
                ledger.book_payment(books, order.id, intent=None, paid=order.total - order.paid)
            ledger.set_status(books, order.id, OrderStatus.FINALIZED)
        self._tell(OrderUpdated(order_id))

    # Guests.

    def change_party(self, party_id: str, change: Callable[[Party], object]) -> None:
        """Have `change` alter a party."""
        with self.writing() as books:
            party = seating.party(books, party_id)
            change(party)
            seating.store_party(books, party)
        self._tell(PartyUpdated(party_id))

    def delete_party(self, party_id: str) -> None:
        """Forget a party that was seated by mistake."""
        with self.writing() as books:
            seating.delete_party(books, party_id)
        self._tell(PartyUpdated(party_id))

    def change_reservation(
        self, reservation_id: str, change: Callable[[Reservation], object]
    ) -> None:
        """Have `change` alter a reservation."""
        with self.writing() as books:
            reservation = seating.reservation(books, reservation_id)
            change(reservation)
            seating.store_reservation(books, reservation)
        self._tell(ReservationUpdated(reservation_id))

    def delete_reservation(self, reservation_id: str) -> None:
        """Forget a reservation of guests who will not come."""
        with self.writing() as books:
            seating.delete_reservation(books, reservation_id)
        self._tell(ReservationUpdated(reservation_id))

    def _set_open(self, order_id: str, *, is_open: bool) -> None:
        with self.writing() as books:
            order = ledger.find(books, order_id)
            if is_open:
                menu.refuse_change(books, order)
                if order.open_at_till:
                    raise Conflict("another waiter has the order open")
            ledger.set_open_at_till(books, order_id, is_open=is_open)
        self._tell(OrderUpdated(order_id))

    def _tell(self, notice: Notice) -> None:
        if self._callback is not None:
            self._callback(notice)


_house: list[Restaurant] = []
_opening = Lock()


def house() -> Restaurant:
    """The restaurant of those who serve without a `state` of their own: always the same one.

    Its file is the one that the variable DOJO_RESTAURANT_DB names, or else a temporary one. It is
    opened when it is asked for first, not when the module is imported.
    """
    with _opening:
        if not _house:
            _house.append(Restaurant(os.environ.get(VARIABLE) or None))
        return _house[0]
