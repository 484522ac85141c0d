"""The gateway's book: what it was told of each payment, every answer that came."""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import msgspec
from tests.torture.plan import Payment

from dojo_simulator.events import (
    Answered,
    Called,
    FaultInjected,
    ObserverEvent,
    Unasked,
)

SUCCESS = "success"


class Told:
    """Takes the gateway's events, and keeps what they say by payment.

    `answers` has what each was answered, in order: SUCCESS, or the type of the error. `faults`
    says how often each kind of fault happened, `requests` how many there were, `wrongs` what no
    answer may be. An answer that comes after its call was given up counts too.
    """

    def __init__(self, payments: Sequence[Payment]) -> None:
        self.answers: defaultdict[int, list[str]] = defaultdict(list)
        self.faults: Counter[str] = Counter()
        self.requests = 0
        self.wrongs: list[str] = []
        self._by_intent = {payment.intent: payment for payment in payments}
        self._asked: dict[tuple[int, str], Payment] = {}
        self._owed: Counter[tuple[int, str]] = Counter()
        self._lock = Lock()

    def __call__(self, event: ObserverEvent) -> None:
        """Take an event, in the gateway's thread."""
        with self._lock:
            match event:
                case Called(connection=connection, id=id, params=params):
                    self.requests += 1
                    self._asked[connection, id] = self._by_intent[_intent(params)]
                    self._owed[connection, id] += 1
                case Answered(connection=connection, id=id, result=result, error=error):
                    self._answered(connection, id, result, error)
                case Unasked(connection=connection, message=message):
                    late = json.loads(message)
                    self._answered(connection, late["id"], late.get("result"), late.get("error"))
                case FaultInjected(fault=fault):
                    self.faults[fault.partition(" ")[0]] += 1
                case _:
                    pass

    def _answered(self, connection: int, id: str, result: Any, error: Any) -> None:
        payment = self._asked.get((connection, id))
        if payment is None:
            self.wrongs.append(f"connection {connection}: an answer to {id!r}, which was not asked")
            return
        self._owed[connection, id] -= 1
        if self._owed[connection, id] < 0:
            self.wrongs.append(f"{payment.intent}: one request was answered more than once")
        if error is not None:
            self.answers[payment.number].append(str(error["errorType"]))
            return
        self.answers[payment.number].append(SUCCESS)
        mine = [
            (each["paidAmount"]["value"], each["tipsAmount"]["value"])
            for each in result.get("payments", [])
            if each.get("paymentIntentId") == payment.intent
        ]
        if mine != [(payment.paid, payment.tips)]:
            self.wrongs.append(f"{payment.intent}: the answer shows it as {mine or 'not paid'}")


class Booking(msgspec.Struct, frozen=True, array_like=True):
    """A row of the till's book."""

    intent: str
    paid: int
    tips: int


def compare(
    payments: Sequence[Payment], told: Told, booked: Sequence[Booking], *, open_rows: int = 0
) -> list[str]:
    """What is wrong, once every payment of `payments` was answered: nothing, if all is well.

    `booked` is what the till has, `open_rows` how many rows of its journal have no outcome.
    """
    wrongs = list(told.wrongs)
    rows: defaultdict[str, list[Booking]] = defaultdict(list)
    for booking in booked:
        rows[booking.intent].append(booking)
    for payment in payments:
        answers, mine = told.answers[payment.number], rows.pop(payment.intent, [])
        wrongs += [f"{payment.intent}: {wrong}" for wrong in _wrongs(payment, answers, mine)]
    wrongs += [f"{intent}: is booked, and nobody has paid it" for intent in rows]
    if open_rows:
        wrongs.append(f"the journal has {open_rows} rows without an outcome")
    known = sum(each.paid + each.tips for each in payments if SUCCESS in told.answers[each.number])
    here = sum(each.paid + each.tips for each in booked)
    if known != here:
        wrongs.append(f"the gateway holds {known} pence as paid, and the till {here}")
    return wrongs


def _wrongs(payment: Payment, answers: Sequence[str], rows: Sequence[Booking]) -> list[str]:
    wrongs = []
    errors = [answer for answer in answers if answer != SUCCESS]
    if not answers:
        wrongs.append("was never answered")
    if len(rows) > 1:
        wrongs.append(f"is booked {len(rows)} times")
    if SUCCESS in answers and errors:
        wrongs.append(f"was answered with success and with {errors[0]}")
    if SUCCESS in answers and not rows:
        wrongs.append("was answered with success, and is not booked")
    if errors and rows:
        wrongs.append(f"was answered with {errors[0]}, and is booked")
    if rows and (rows[0].paid, rows[0].tips) != (payment.paid, payment.tips):
        wrongs.append("is booked with another amount")
    if payment.fits and errors:
        wrongs.append(f"fits, and was refused with {errors[0]}")
    if not payment.fits and SUCCESS in answers:
        wrongs.append("has to be refused, and was not")
    return wrongs


def _intent(params: Any) -> str:
    paid = params["payments"][0] if "payments" in params else params
    return str(paid["paymentIntentId"])
