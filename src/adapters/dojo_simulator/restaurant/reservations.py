"""Reservations: the guests who will come."""

from typing import Any

from dojo_proto import Context
from dojo_proto.contract import (
    CreateReservationParams,
    DeleteReservationByIdParams,
    GetReservationByIdParams,
    PagedReservationsResponse,
    Reservation,
    SearchReservationsParams,
    UpdateReservationParams,
)
from dojo_simulator.restaurant import seating
from dojo_simulator.restaurant.documents import from_document
from dojo_simulator.restaurant.paging import page
from dojo_simulator.restaurant.serving import epos, reading, writing


@epos.on("SearchReservations")
def search_reservations(
    ctx: Context, params: SearchReservationsParams
) -> PagedReservationsResponse:
    """The reservations that take up a part of the time asked for, which ends before `to_time`."""
    with reading(ctx) as books:
        found = page(
            books,
            """
            SELECT * FROM reservations
            WHERE (:from_time IS NULL OR end_time > :from_time)
              AND (:to_time IS NULL OR start_time < :to_time)
              AND (:table_id IS NULL OR id IN (
                  SELECT reservation_id FROM reserved_tables WHERE table_id = :table_id
              ))
            """,
            params.cursor,
            from_time=params.from_time,
            to_time=params.to_time,
            table_id=params.table_id,
        )
    reservations = [from_document(Reservation, row["document"]) for row in found.rows]
    return PagedReservationsResponse(data=reservations, before=found.before, after=found.after)


@epos.on("GetReservationById")
def get_reservation(ctx: Context, params: GetReservationByIdParams) -> Reservation:
    """The reservation as it is now."""
    with reading(ctx) as books:
        return seating.reservation(books, params.reservation_id)


@epos.on("CreateReservation")
def create_reservation(ctx: Context, params: CreateReservationParams) -> Reservation:
    """Guests will come: once for each `dojo_reservation_id`."""
    with writing(ctx) as books:
        known = books.row(
            "SELECT id FROM reservations WHERE dojo_reservation_id = :id",
            id=params.dojo_reservation_id,
        )
        if known is not None:
            return books.record(ctx, seating.reservation(books, known["id"]))
        reservation = _reservation(f"reservation-{books.next_number('reservations')}", params)
        seating.store_reservation(books, reservation, params.dojo_reservation_id)
        return books.record(ctx, reservation)


@epos.on("UpdateReservation")
def update_reservation(ctx: Context, params: UpdateReservationParams) -> Reservation:
    """The reservation as a whole, as it is to be: what is absent now is gone."""
    with writing(ctx) as books:
        seating.reservation(books, params.id)  # or NotFound
        reservation = _reservation(params.id, params)
        seating.store_reservation(books, reservation)
        return books.record(ctx, reservation)


@epos.on("DeleteReservationById")
def delete_reservation(ctx: Context, params: DeleteReservationByIdParams) -> dict[str, Any]:
    """Nobody will come. Nothing is kept of the guests."""
    with writing(ctx) as books:
        seating.delete_reservation(books, params.reservation_id)
        return books.record(ctx, {})


def _reservation(
    reservation_id: str, params: CreateReservationParams | UpdateReservationParams
) -> Reservation:
    return Reservation(
        id=reservation_id,
        name=params.name,
        covers=params.covers,
        start_time=params.start_time,
        end_time=params.end_time,
        table_ids=params.table_ids,
        host_notes=params.host_notes,
        guest_requests=params.guest_requests,
    )
