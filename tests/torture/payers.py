"""The gateway's callers: they send each payment until it is answered, and make things go wrong."""

from collections.abc import Iterator, Sequence
from itertools import count
from random import Random
from threading import Event, Lock, Thread
from time import monotonic
from uuid import UUID

from tests.torture.plan import Payment

from dojo_simulator import LocalGateway
from dojo_simulator.connection import EposConnection, PendingCall
from dojo_simulator.errors import CallTimedOut, ConnectionEnded, WaitTimedOut
from dojo_simulator.faults import Fault, FaultKind

TIMEOUT = 1.0
"""Seconds that a caller waits for an answer before it asks again."""
PATIENCE = 60.0
"""Seconds after which a payment that is always asked for again has to be answered."""

DROPS = {
    FaultKind.DROP_AFTER_REQUEST,
    FaultKind.DROP_BEFORE_ANSWER,
    FaultKind.DROP_AFTER_ANSWER,
    FaultKind.CLOSE,
    FaultKind.SILENT,
}
"""The faults that end a connection."""

# Of a thousand requests, so many.
_FAULTS = {
    FaultKind.DUPLICATE: 40,
    FaultKind.DELAY: 20,
    FaultKind.FRAGMENT: 20,
    FaultKind.DROP_AFTER_REQUEST: 12,
    FaultKind.DROP_BEFORE_ANSWER: 12,
    FaultKind.DROP_AFTER_ANSWER: 8,
    FaultKind.CLOSE: 4,
    FaultKind.SILENT: 0.5,
}
_TWIN = 0.03
"""The share of requests that are sent twice at once under two ids."""
_AGAIN = 0.1
"""The share of payments that are asked for again once they are answered."""


class Payers:
    """`callers` threads that have `gateway` ask for `payments`, and ask again until it is answered.

    What each does follows from `seed` and the payment's number, not from who does it when. They
    take no more payments once `seconds` have passed.
    """

    def __init__(
        self,
        gateway: LocalGateway,
        payments: Sequence[Payment],
        *,
        seed: int,
        callers: int,
        seconds: float,
    ) -> None:
        self.sent: list[Payment] = []
        """The payments that were asked for."""
        self.finished = Event()
        self._gateway = gateway
        self._left = iter(payments)
        self._seed = seed
        self._until = monotonic() + seconds
        self._ids: dict[int, Iterator[int]] = {}
        self._lock = Lock()
        self._busy = callers
        self._stopped = False
        for _ in range(callers):
            Thread(target=self._work, daemon=True).start()

    def stop(self) -> None:
        """Ask for nothing more, and wait until nobody does."""
        self._stopped = True
        self.finished.wait()

    def _work(self) -> None:
        try:
            while (payment := self._next()) is not None:
                self._pay(payment)
        finally:
            with self._lock:
                self._busy -= 1
                if self._busy == 0:
                    self.finished.set()

    def _next(self) -> Payment | None:
        with self._lock:
            over = self._stopped or monotonic() > self._until
            payment = None if over else next(self._left, None)
            if payment is not None:
                self.sent.append(payment)
            return payment

    def _pay(self, payment: Payment) -> None:
        chance = Random(f"{self._seed}/{payment.number}")  # noqa: S311 - no secret
        for _ in range(1 + (chance.random() < _AGAIN)):
            deadline = monotonic() + PATIENCE
            first_id = str(UUID(int=chance.getrandbits(128)))
            same_id = chance.random() < 0.5
            answered = self._ask(payment, first_id, chance)
            while not (answered or self._stopped) and monotonic() < deadline:
                answered = self._ask(payment, first_id if same_id else None, chance)

    def _ask(self, payment: Payment, request_id: str | None, chance: Random) -> bool:
        """Ask once, or twice at once; say whether an answer came."""
        fault, twin = _draw(chance), chance.random() < _TWIN
        try:
            epos = self._gateway.wait_for_epos(TIMEOUT)
            calls = [self._start(epos, payment, request_id, fault)]
            if twin:
                calls.append(self._start(epos, payment, None, None))
        except (WaitTimedOut, ConnectionEnded):
            return False
        answers = [_answered(call) for call in calls]
        return any(answers)

    def _start(
        self, epos: EposConnection, payment: Payment, request_id: str | None, fault: Fault | None
    ) -> PendingCall:
        with self._lock:
            # As of a gateway that numbers its requests on each connection from 1.
            ids = self._ids.setdefault(epos.number, count(1))
            request_id = request_id or str(next(ids))
        return epos.start_call(
            f"{payment.method}V1",
            payment.params,
            request_id=request_id,
            timeout=TIMEOUT,
            fault=fault,
        )


def _answered(call: PendingCall) -> bool:
    try:
        call.wait(TIMEOUT + 0.25)
    except (CallTimedOut, ConnectionEnded):
        return False
    return True


def _draw(chance: Random) -> Fault | None:
    """What goes wrong with a request, if anything does."""
    drawn, value = 1000 * chance.random(), chance.random()
    for kind, share in _FAULTS.items():
        drawn -= share
        if drawn < 0:
            match kind:
                case FaultKind.DELAY:
                    return Fault(kind, value=value)
                case FaultKind.DROP_AFTER_REQUEST:
                    return Fault(kind, value=0.03 * value)
                case _:
                    return Fault(kind)
    return None
