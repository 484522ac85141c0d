"""Parties: people who sit at tables now."""

from typing import Annotated

from msgspec import Meta

from dojo_proto.contract.money import Money
from dojo_proto.contract.requests import Cursor, Page, Params
from dojo_proto.contract.shape import Sent, Shape, TableIds, Time


class PartyDeposit(Shape, kw_only=True):
    """What a party has paid in advance."""

    total_amount: Money
    payment_intent_ids: list[str]
    """Dojo's ids of the payments."""
    description: str | None = None
    """What it was for, for people."""


class Party(Shape, kw_only=True):
    """People who sit, or sat, at one or more tables."""

    id: str
    """The till's own id of it."""
    table_ids: TableIds
    status: Annotated[str, Sent(Meta(min_length=1))]
    """In the till's own words; not empty."""
    start_time: Time
    """When they were seated."""
    expected_end_time: Time | None = None
    end_time: Time | None = None
    """When they left; absent while they sit."""
    name: str | None = None
    covers: int | None = None
    """How many they are."""
    host_notes: str | None = None
    guest_requests: str | None = None
    reservation_id: str | None = None
    """The till's id of their reservation."""
    deposit: PartyDeposit | None = None


class PagedPartiesResponse(Page, kw_only=True):
    """A page of parties."""

    data: list[Party]


class GetPartyByIdParams(Params, kw_only=True):
    """Which party to show."""

    party_id: str


class SearchPartiesParams(Params, kw_only=True):
    """Which parties to list."""

    table_id: str | None = None
    completed_only: bool | None = None
    """Only parties with an `end_time`."""
    cursor: Cursor | None = None


class PartyParams(Params, kw_only=True):
    """A party as it is to be."""

    dojo_party_id: str
    """Dojo's id of it: the same one again is the same party."""
    table_ids: TableIds
    start_time: Time
    """When they were seated."""
    expected_end_time: Time | None = None
    name: str | None = None
    covers: int | None = None
    """How many they are."""
    host_notes: str | None = None
    guest_requests: str | None = None
    deposit: PartyDeposit | None = None


class CreatePartyParams(PartyParams, kw_only=True):
    """People who sit down: with a reservation, or as walk-ins."""

    status: str | None = None
    reservation_id: str | None = None
    """The till's id of their reservation."""
    dojo_reservation_id: str | None = None
    """Dojo's id of their reservation."""


class UpdatePartyParams(PartyParams, kw_only=True):
    """A party as it is to be: what is absent here is absent from it afterwards."""

    id: str
    """The till's own id of it."""
    status: Annotated[str, Sent(Meta(min_length=1))]
    end_time: Time | None = None
    """When they left; absent while they sit."""


class DeletePartyByIdParams(Params, kw_only=True):
    """Which party to forget."""

    party_id: str
