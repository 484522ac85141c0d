"""What the params of all methods have in common, and the results of those that list something."""

from typing import Annotated

from msgspec import Meta, field

from dojo_proto.contract.shape import FrozenShape, Shape

EXCLUSIVE = "Object with both `before` and `after`, of which a cursor takes one"


class RequestHeaders(FrozenShape, kw_only=True, frozen=True):
    """Who asks. Every member may be missing."""

    waiter_id: str | None = None
    """The waiter, if known."""
    dojo_requesting_product: str | None = None
    """Which of Dojo's products."""
    device_id: str | None = None
    """Which card machine or other device."""
    device_type: str | None = None


class Params(Shape, kw_only=True):
    """The params of any method."""

    headers: RequestHeaders = field(default_factory=RequestHeaders)
    """Who asks. Empty if the request has none; always sent."""


class Cursor(Shape, kw_only=True):
    """Which page of a list. Without `before` and `after`: the first.

    Both together are refused, and so is a limit below 1: from a page of none nobody gets further.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] | None = None
    """The most to be returned, 1 to 100."""
    before: str | None = None
    """The page that ends before this place, which an earlier answer named."""
    after: str | None = None
    """The page that begins after this place, which an earlier answer named."""

    def __post_init__(self) -> None:
        if self.before is not None and self.after is not None:
            raise ValueError(EXCLUSIVE)


class Page(Shape, kw_only=True):
    """A page of a list."""

    before: str | None = None
    """The cursor of the page before; absent if there is none."""
    after: str | None = None
    """The cursor of the page after; absent if there is none."""
