"""Tables."""

from typing import Annotated

from msgspec import Meta, field

from dojo_proto.contract.requests import Cursor, Page, Params
from dojo_proto.contract.shape import Shape


class Table(Shape, kw_only=True):
    """A table."""

    id: str
    name: str
    """What card machines show; unique within an area."""
    max_covers: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    """How many people fit."""
    area_id: str | None = None
    waiter_ids: list[str] = field(default_factory=list)
    """Who serves it."""


class PagedTablesResponse(Page, kw_only=True):
    """A page of tables."""

    data: list[Table]


class SearchTablesParams(Params, kw_only=True):
    """Which tables to list: those for which all members hold."""

    area_id: str | None = None
    waiter_id: str | None = None
    cursor: Cursor | None = None
