"""Areas of a restaurant."""

from msgspec import field

from dojo_proto.contract.requests import Params
from dojo_proto.contract.shape import Shape


class Area(Shape, kw_only=True):
    """A part of a restaurant, such as its terrace."""

    id: str
    name: str
    """For people."""
    waiter_ids: list[str] = field(default_factory=list)
    """Who serves there."""


class ListAreasParams(Params, kw_only=True):
    """All areas are listed. Dojo may leave these params out."""
