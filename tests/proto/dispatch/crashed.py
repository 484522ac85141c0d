"""A process that has died, and what it left in the books."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Books, Till


def cut_off(new_till: "type[Till]", books: "Books", *asks: str) -> None:
    """A process that dies while the handlers of `asks` run."""
    till = new_till(disk=books)
    for ask in asks:
        getattr(till, ask)()
        till.begin()
    books.now += 60.0


def the_row(books: "Books") -> Any:
    (kept,) = books.ledger.rows.values()
    return kept
