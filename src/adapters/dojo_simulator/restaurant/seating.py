"""Guests in the books: which tables there are, who sits at them, and who will come."""

from collections.abc import Iterable

from dojo_proto import Conflict, InvalidRequest, NotFound
from dojo_proto.contract import DineInDetails, Party, Reservation
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.documents import from_document, to_document


def table_name(books: Books, table_id: str) -> str:
    """What the staff calls a table. Raises InvalidRequest if there is no such table."""
    row = books.row("SELECT name FROM tables WHERE id = :id", id=table_id)
    if row is None:
        raise InvalidRequest("there is no such table")
    return str(row["name"])


def refuse_unknown_tables(books: Books, table_ids: Iterable[str]) -> None:
    """Raise InvalidRequest unless the restaurant has all these tables."""
    for table_id in table_ids:
        table_name(books, table_id)


# Parties.


def party(books: Books, party_id: str) -> Party:
    """A party as it is now. Raises NotFound."""
    row = books.row("SELECT document FROM parties WHERE id = :id", id=party_id)
    if row is None:
        raise NotFound("there is no such party")
    return from_document(Party, row["document"])


def party_at(books: Books, table_id: str) -> Party | None:
    """Who sits at a table now."""
    row = books.row(
        """
        SELECT party_id FROM party_tables JOIN parties ON parties.id = party_tables.party_id
        WHERE table_id = :table_id AND end_time IS NULL
        """,
        table_id=table_id,
    )
    return None if row is None else party(books, row["party_id"])


def store_party(books: Books, party: Party, dojo_party_id: str | None = None) -> None:
    """Enter a party, or replace the one of the same id, which keeps its `dojo_party_id`.

    Raises InvalidRequest if one of its tables does not exist, Conflict if others sit there.
    """
    refuse_unknown_tables(books, party.table_ids)
    if party.end_time is None:
        for table_id in party.table_ids:
            seated = party_at(books, table_id)
            if seated is not None and seated.id != party.id:
                raise Conflict("another party sits at that table")
    books.run(
        """
        INSERT INTO parties (id, dojo_party_id, end_time, document)
        VALUES (:id, :dojo_party_id, :end_time, :document)
        ON CONFLICT (id) DO UPDATE SET end_time = excluded.end_time, document = excluded.document
        """,
        id=party.id,
        dojo_party_id=dojo_party_id,
        end_time=party.end_time,
        document=to_document(party),
    )
    books.run("DELETE FROM party_tables WHERE party_id = :id", id=party.id)
    for table_id in set(party.table_ids):
        books.run(
            "INSERT INTO party_tables VALUES (:id, :table_id)", id=party.id, table_id=table_id
        )


def delete_party(books: Books, party_id: str) -> None:
    """Forget a party. Raises NotFound."""
    if not books.run("DELETE FROM parties WHERE id = :id", id=party_id):
        raise NotFound("there is no such party")


def join_party(books: Books, place: DineInDetails) -> None:
    """Say of an order at a table which party it belongs to, unless that was said already."""
    party = party_at(books, place.table_id) if place.table_id is not None else None
    if party is not None and place.party_id is None:
        place.party_id = party.id
        place.reservation_id = place.reservation_id or party.reservation_id


# Reservations.


def reservation(books: Books, reservation_id: str) -> Reservation:
    """A reservation as it is now. Raises NotFound."""
    row = books.row("SELECT document FROM reservations WHERE id = :id", id=reservation_id)
    if row is None:
        raise NotFound("there is no such reservation")
    return from_document(Reservation, row["document"])


def store_reservation(
    books: Books, reservation: Reservation, dojo_reservation_id: str | None = None
) -> None:
    """Enter a reservation, or replace the one of the same id, which keeps its Dojo id.

    Raises InvalidRequest if one of its tables does not exist, or if it ends before it begins.
    """
    refuse_unknown_tables(books, reservation.table_ids)
    if reservation.end_time <= reservation.start_time:
        raise InvalidRequest("endTime: expected a time after startTime")
    books.run(
        """
        INSERT INTO reservations (id, dojo_reservation_id, start_time, end_time, document)
        VALUES (:id, :dojo_reservation_id, :start_time, :end_time, :document)
        ON CONFLICT (id) DO UPDATE SET start_time = excluded.start_time,
                                       end_time = excluded.end_time,
                                       document = excluded.document
        """,
        id=reservation.id,
        dojo_reservation_id=dojo_reservation_id,
        start_time=reservation.start_time,
        end_time=reservation.end_time,
        document=to_document(reservation),
    )
    books.run("DELETE FROM reserved_tables WHERE reservation_id = :id", id=reservation.id)
    for table_id in set(reservation.table_ids):
        books.run(
            "INSERT INTO reserved_tables VALUES (:id, :table_id)",
            id=reservation.id,
            table_id=table_id,
        )


def delete_reservation(books: Books, reservation_id: str) -> None:
    """Forget a reservation. Raises NotFound."""
    if not books.run("DELETE FROM reservations WHERE id = :id", id=reservation_id):
        raise NotFound("there is no such reservation")
