"""Which answers Dojo is known to have got.

An answer that was written may still be lost with its connection. The pong to a ping that left after
it proves that it arrived. A payment that the till has booked, and that Dojo may not know of, is an
alarm: Dojo may have given the money back.
"""

from collections.abc import Callable

import msgspec

from dojo_proto.call import shown
from dojo_proto.events import Event, PaymentUnconfirmed
from dojo_proto.journal import Told

UNCONFIRMED_AFTER = 300.0
"""Seconds from the commit of a payment to the alarm that Dojo is not known to have its answer."""
MAX_SENT = 10_000
"""Answers that are followed at once, for a peer that goes on asking and answers no ping; of more,
the oldest are taken for lost."""


class _Booked(msgspec.Struct, frozen=True):
    method: str
    key: str
    at: float
    """When it was committed."""


class Receipts:
    """Follows answers out of the process. Driven by dispatch; a ticket names a row of the journal.

    `note` takes (tickets, told), for the journal; `emit` takes observers' events.
    """

    __slots__ = ("_booked", "_emit", "_note", "_queued", "_sent")

    def __init__(
        self,
        *,
        note: Callable[[tuple[str, ...], Told], None],
        emit: Callable[[Event], None],
    ) -> None:
        self._note = note
        self._emit = emit
        # Payments that Dojo is not known to know of, by the time of their commit.
        self._booked: dict[str, _Booked] = {}
        # Answers on the open link, with the marks of their messages: not written, and written.
        self._queued: list[tuple[int, str]] = []
        self._sent: list[tuple[int, str]] = []

    def waiting(self) -> bool:
        """Whether an answer is on the open link that is not known to have arrived."""
        return bool(self._queued or self._sent)

    @property
    def unconfirmed(self) -> int:
        """Payments that Dojo is not known to know of, and of which that was not reported yet."""
        return len(self._booked)

    def booked(self, ticket: str, method: str, key: str, at: float) -> None:
        """A payment was committed at `at`; it must be confirmed within UNCONFIRMED_AFTER."""
        self._booked.setdefault(ticket, _Booked(method, key, at))

    def queued(self, ticket: str, mark: int) -> None:
        """Its answer is the message with this `mark` on the open link."""
        self._queued.append((mark, ticket))

    def written(self, mark: int) -> None:
        """Messages up to `mark` have left this process."""
        answers = _up_to(mark, self._queued)
        if answers:
            self._sent += answers
            del self._sent[:-MAX_SENT]
            self._note(tuple(ticket for _, ticket in answers), Told.SENT)

    def arrived(self, mark: int) -> None:
        """The peer has every message up to `mark`."""
        self.written(mark)
        tickets = tuple(ticket for _, ticket in _up_to(mark, self._sent))
        for ticket in tickets:
            self._booked.pop(ticket, None)
        if tickets:
            self._note(tickets, Told.CONFIRMED)

    def link_closed(self) -> None:
        """What was on its way may be lost; a retry will be answered again."""
        self._queued.clear()
        self._sent.clear()

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        if not self._booked:
            return None
        return next(iter(self._booked.values())).at + UNCONFIRMED_AFTER

    def handle_timer(self, now: float) -> None:
        """Raise the alarm for payments that have waited too long, once each."""
        tickets: list[str] = []
        for ticket, booked in list(self._booked.items()):
            if booked.at + UNCONFIRMED_AFTER > now:
                break
            del self._booked[ticket]
            tickets.append(ticket)
            age = now - booked.at
            self._emit(PaymentUnconfirmed(method=booked.method, key=shown(booked.key), age=age))
        if tickets:
            self._note(tuple(tickets), Told.REPORTED)


def _up_to(mark: int, answers: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Take the first of `answers` out: those up to `mark`."""
    number = 0
    while number < len(answers) and answers[number][0] <= mark:
        number += 1
    taken = answers[:number]
    del answers[:number]
    return taken
