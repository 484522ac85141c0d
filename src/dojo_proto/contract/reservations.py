"""Reservations: people who will come."""

from dojo_proto.contract.requests import Cursor, Page, Params
from dojo_proto.contract.shape import Shape, TableIds, Time


class Reservation(Shape, kw_only=True):
    """Who will come, when, and where they will sit."""

    id: str
    """The till's own id of it."""
    name: str
    covers: int
    """How many they will be."""
    start_time: Time
    """When they are to come."""
    end_time: Time
    """When they are to leave."""
    table_ids: TableIds
    host_notes: str | None = None
    guest_requests: str | None = None


class PagedReservationsResponse(Page, kw_only=True):
    """A page of reservations."""

    data: list[Reservation]


class GetReservationByIdParams(Params, kw_only=True):
    """Which reservation to show."""

    reservation_id: str


class SearchReservationsParams(Params, kw_only=True):
    """Which reservations to list: those for which all members hold."""

    table_id: str | None = None
    from_time: Time | None = None
    to_time: Time | None = None
    cursor: Cursor | None = None


class ReservationParams(Params, kw_only=True):
    """A reservation as it is to be."""

    dojo_reservation_id: str
    """Dojo's id of it: the same one again is the same reservation."""
    name: str
    covers: int
    """How many they will be."""
    start_time: Time
    """When they are to come."""
    end_time: Time
    """When they are to leave."""
    table_ids: TableIds
    host_notes: str | None = None
    guest_requests: str | None = None


class CreateReservationParams(ReservationParams, kw_only=True):
    """Who will come."""


class UpdateReservationParams(ReservationParams, kw_only=True):
    """A reservation as it is to be: what is absent here is absent from it afterwards."""

    id: str
    """The till's own id of it."""


class DeleteReservationByIdParams(Params, kw_only=True):
    """Which reservation to forget."""

    reservation_id: str
