"""Parties: the guests who sit at the tables."""

from typing import Any

from dojo_proto import Context, InvalidRequest
from dojo_proto.contract import (
    CreatePartyParams,
    DeletePartyByIdParams,
    GetPartyByIdParams,
    PagedPartiesResponse,
    Party,
    SearchPartiesParams,
    UpdatePartyParams,
)
from dojo_simulator.restaurant import seating
from dojo_simulator.restaurant.database import Books
from dojo_simulator.restaurant.documents import from_document
from dojo_simulator.restaurant.paging import page
from dojo_simulator.restaurant.serving import epos, reading, writing


@epos.on("SearchParties")
def search_parties(ctx: Context, params: SearchPartiesParams) -> PagedPartiesResponse:
    """The parties that are here, or those that have left."""
    with reading(ctx) as books:
        found = page(
            books,
            """
            SELECT * FROM parties
            WHERE (end_time IS NOT NULL) = :completed
              AND (:table_id IS NULL OR id IN (
                  SELECT party_id FROM party_tables WHERE table_id = :table_id
              ))
            """,
            params.cursor,
            completed=bool(params.completed_only),
            table_id=params.table_id,
        )
    parties = [from_document(Party, row["document"]) for row in found.rows]
    return PagedPartiesResponse(data=parties, before=found.before, after=found.after)


@epos.on("GetPartyById")
def get_party(ctx: Context, params: GetPartyByIdParams) -> Party:
    """The party as it is now."""
    with reading(ctx) as books:
        return seating.party(books, params.party_id)


@epos.on("CreateParty")
def create_party(ctx: Context, params: CreatePartyParams) -> Party:
    """Guests sit down, with a reservation or without it: once for each `dojo_party_id`."""
    with writing(ctx) as books:
        known = books.row(
            "SELECT id FROM parties WHERE dojo_party_id = :id", id=params.dojo_party_id
        )
        if known is not None:
            return books.record(ctx, seating.party(books, known["id"]))
        party = _party(f"party-{books.next_number('parties')}", params)
        party.status = params.status or "Seated"
        party.reservation_id = _reservation_id(books, params)
        seating.store_party(books, party, params.dojo_party_id)
        return books.record(ctx, party)


@epos.on("UpdateParty")
def update_party(ctx: Context, params: UpdatePartyParams) -> Party:
    """The party as a whole, as it is to be: what is absent now is gone."""
    with writing(ctx) as books:
        party = _party(params.id, params)
        party.status = params.status
        party.end_time = params.end_time
        party.reservation_id = seating.party(books, params.id).reservation_id
        seating.store_party(books, party)
        return books.record(ctx, party)


@epos.on("DeletePartyById")
def delete_party(ctx: Context, params: DeletePartyByIdParams) -> dict[str, Any]:
    """The party was seated by mistake. Nothing is kept of the guests."""
    with writing(ctx) as books:
        seating.delete_party(books, params.party_id)
        return books.record(ctx, {})


def _party(party_id: str, params: CreatePartyParams | UpdatePartyParams) -> Party:
    """What both requests say of a party."""
    return Party(
        id=party_id,
        status="",
        table_ids=params.table_ids,
        start_time=params.start_time,
        expected_end_time=params.expected_end_time,
        name=params.name,
        covers=params.covers,
        host_notes=params.host_notes,
        guest_requests=params.guest_requests,
        deposit=params.deposit,
    )


def _reservation_id(books: Books, params: CreatePartyParams) -> str | None:
    """The reservation that they come with. Dojo's own id of it serves if the till's is missing."""
    by_id = "SELECT id FROM reservations WHERE id = :id"
    by_dojo_id = "SELECT id FROM reservations WHERE dojo_reservation_id = :id"
    if params.reservation_id is not None:
        if books.row(by_id, id=params.reservation_id) is None:
            raise InvalidRequest("reservationId: there is no such reservation")
        return params.reservation_id
    row = books.row(by_dojo_id, id=params.dojo_reservation_id)
    return None if row is None else str(row["id"])
