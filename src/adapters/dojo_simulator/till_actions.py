"""What a check asks somebody at the till to do, so that it can see what Dojo is told of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class TillActions(Protocol):
    """A till that can be worked by a program, as a waiter would work it.

    A till may offer a part of these: what needs one that is missing is not checked. Any thread may
    call them, while the EPOS serves. What the till refuses because somebody is paying raises
    `dojo_proto.Conflict`; an id that it does not know raises `dojo_proto.NotFound`.
    """

    def new_order(self, table_id: str | None = None) -> str:
        """Open an order that can be paid, at that table or at any, and return its id."""
        ...

    def edit(self, order_id: str) -> AbstractContextManager[object]:
        """Keep the order open at the till while the block runs.

        Entering the block raises Conflict if the order is locked.
        """
        ...

    def change(self, order_id: str) -> None:
        """Change what is owed: add an item, say. Raises Conflict if the order is locked."""
        ...

    def unlock(self, order_id: str) -> None:
        """Free the order from whatever lock it has, as staff may do by hand."""
        ...

    def close(self, order_id: str) -> None:
        """Close the order without Dojo: the guests have paid in cash, say."""
        ...

    def change_party(self, party_id: str) -> None:
        """Change something about the guests."""
        ...

    def delete_party(self, party_id: str) -> None:
        """Remove them: they were seated by mistake."""
        ...

    def change_reservation(self, reservation_id: str) -> None:
        """Change something about the reservation."""
        ...

    def delete_reservation(self, reservation_id: str) -> None:
        """Remove it: nobody will come."""
        ...

    def failing_storage(self) -> AbstractContextManager[object]:
        """Make everything that the till wants to store fail while the block runs."""
        ...

    def on_change(self, callback: Callable[[Any], object]) -> None:
        """Have `callback` told of every change made at the till, once it is stored.

        It takes an OrderUpdated, PartyUpdated or ReservationUpdated, as `service.notify` does. A
        later call replaces the callback.
        """
        ...
