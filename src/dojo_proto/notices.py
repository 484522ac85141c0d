"""What an EPOS tells Dojo of its own changes, and the queue in which that waits to be sent.

A notice has an id and nothing else: Dojo then asks for the thing itself, so what counts is that it
asks after the last change, and not how often it is told.
"""

from collections import OrderedDict
from typing import ClassVar, TypeAlias, get_args

import msgspec

from dojo_proto.errors import ConfigurationError

MAX_WAITING = 1000
"""Notices that wait while Dojo cannot be reached."""


class _Updated(msgspec.Struct, frozen=True):
    """The base of all notices. Raises ConfigurationError unless `id` can name something."""

    id: str

    member: ClassVar[str]
    """What the vendor calls the id."""

    def __post_init__(self) -> None:
        """Check the id."""
        id_: object = self.id  # msgspec checks what it decodes, and not what it is given
        if not isinstance(id_, str) or not id_:
            came = "an empty string" if id_ == "" else type(id_).__name__
            raise ConfigurationError(
                f"{type(self).__name__}: expected the id, a string such as the one that the "
                f"EPOS's own answers have; got {came}"
            )


class OrderUpdated(_Updated, frozen=True):
    """An order was opened, changed or closed at the till (vendor)."""

    member: ClassVar[str] = "orderId"


class PartyUpdated(_Updated, frozen=True):
    """A party was seated, changed or deleted at the till (vendor)."""

    member: ClassVar[str] = "partyId"


class ReservationUpdated(_Updated, frozen=True):
    """A reservation was made, changed or deleted at the till (vendor)."""

    member: ClassVar[str] = "reservationId"


Notice: TypeAlias = OrderUpdated | PartyUpdated | ReservationUpdated


class Outbox:
    """Notices that wait, oldest first, each once. Driven by the registrar.

    It holds `limit` of them. Of more, one is forgotten: the oldest of the kind of which most wait.
    So a night of orders does not push out the one reservation, and of the orders those that go are
    the ones most likely to be paid and closed by now.
    """

    __slots__ = ("_limit", "_number", "_waiting")

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self._limit = limit
        self._waiting: dict[type[_Updated], OrderedDict[Notice, int]] = {
            kind: OrderedDict() for kind in get_args(Notice)
        }
        self._number = 0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def put(self, notice: object) -> Notice | None:
        """Have `notice` wait, and return the one that had to go for it.

        One that waits already keeps its place. Raises ConfigurationError for anything else than a
        notice.
        """
        if not isinstance(notice, OrderUpdated | PartyUpdated | ReservationUpdated):
            names = ", ".join(kind.__name__ for kind in self._waiting)
            came = type(notice).__name__
            raise ConfigurationError(f"expected a notice, one of {names}; got {came}")
        waiting = self._waiting[type(notice)]
        if notice in waiting:
            return None
        self._number += 1
        waiting[notice] = self._number
        return self._shrink()

    def put_back(self, notice: Notice) -> Notice | None:
        """As `put`, of a notice that was taken and could not be sent: in front of all others."""
        waiting = self._waiting[type(notice)]
        waiting[notice] = 0
        # It may wait already, put anew meanwhile: then both are the same news.
        waiting.move_to_end(notice, last=False)
        return self._shrink()

    def take(self) -> Notice:
        """The notice that has waited longest; it does not wait any more. There has to be one."""
        fronts = [next(iter(waiting.items())) for waiting in self._waiting.values() if waiting]
        notice, _ = min(fronts, key=lambda front: front[1])
        del self._waiting[type(notice)][notice]
        return notice

    def clear(self) -> int:
        """Forget all; how many there were."""
        count = len(self)
        for waiting in self._waiting.values():
            waiting.clear()
        return count

    def _shrink(self) -> Notice | None:
        if len(self) <= self._limit:
            return None
        fullest = max(self._waiting.values(), key=len)
        oldest, _ = fullest.popitem(last=False)
        return oldest
