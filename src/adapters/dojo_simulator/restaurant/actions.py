"""The sample restaurant's staff, as `dojo-epos check` asks for it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from dojo_proto.contract import Party, Reservation
from dojo_proto.registration import Notice
from dojo_simulator.restaurant.till import Restaurant, house
from dojo_simulator.till_actions import TillActions


class Staff(TillActions):
    """Works the till of `restaurant`, or of the house if that is None."""

    def __init__(self, restaurant: Restaurant | None = None) -> None:
        self._restaurant = restaurant

    @property
    def _till(self) -> Restaurant:
        return house() if self._restaurant is None else self._restaurant

    def new_order(self, table_id: str | None = None) -> str:
        """Somebody orders a pizza."""
        till = self._till
        return till.open_order(table_id or "2", "ben", [till.item("pizza-1")])

    def edit(self, order_id: str) -> AbstractContextManager[None]:
        """The waiter has the order on the screen."""
        return self._till.edit(order_id)

    def change(self, order_id: str) -> None:
        """And an espresso."""
        till = self._till
        till.add_item(order_id, till.item("coffee-1"))

    def unlock(self, order_id: str) -> None:
        """The manager frees the order."""
        self._till.unlock(order_id)

    def close(self, order_id: str) -> None:
        """The guests pay in cash."""
        self._till.close(order_id)

    def change_party(self, party_id: str) -> None:
        """One more guest comes."""
        self._till.change_party(party_id, _one_more)

    def delete_party(self, party_id: str) -> None:
        """They were seated by mistake."""
        self._till.delete_party(party_id)

    def change_reservation(self, reservation_id: str) -> None:
        """One more guest will come."""
        self._till.change_reservation(reservation_id, _one_more)

    def delete_reservation(self, reservation_id: str) -> None:
        """They have rung up to cancel."""
        self._till.delete_reservation(reservation_id)

    def failing_storage(self) -> AbstractContextManager[None]:
        """The disk takes nothing more."""
        return self._till.read_only()

    def on_change(self, callback: Callable[[Notice], object]) -> None:
        """Tell `callback` what the staff changes."""
        self._till.on_change(callback)


def _one_more(guests: Party | Reservation) -> None:
    guests.covers = (guests.covers or 0) + 1


till_actions = Staff()
