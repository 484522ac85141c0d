"""What a connection goes through before it is open: the tunnel, then the upgrade.

Each stage sends one thing, reads one answer, and passes or is refused. The connection runs them in
order and knows nothing else of them.
"""

from abc import ABC, abstractmethod
from typing import Protocol

import msgspec

from dojo_proto.events import Cause
from dojo_proto.exchange import Answered, Broken, Exchange, Headed, Switched
from dojo_proto.unshown import Unshown


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """The stage is over, and what comes next may begin."""

    trailing: bytes = b""
    """Bytes that came with the answer and belong to what comes next."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """The connection cannot be opened."""

    cause: Cause
    reason: str
    status: int | None = None
    """The HTTP status of the refusal, if there was one."""
    retry_after: float | None = None
    """Seconds the peer asked to wait."""


class Asked(Unshown, Headed, frozen=True, kw_only=True):
    """The gateway's stage: a client asks for the upgrade, and the caller has to decide."""

    target: str
    """Path and query of the request."""

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """All but the API key, which is the header `Authorization`."""
        shown = tuple(
            (name, "***" if name == "authorization" else value) for name, value in self.headers
        )
        return [("target", self.target), ("headers", shown)]


StageOutcome = Passed | Refused | Asked


class Stage(Protocol):
    """One step of opening. Driven by its connection."""

    data_to_send: bytes
    """What to send; the connection takes it and leaves it empty."""

    def receive_data(self, data: bytes) -> StageOutcome | None:
        """Take bytes of the peer; None while there is nothing to decide."""
        ...

    def receive_eof(self) -> Refused:
        """The peer has ended the stream."""
        ...

    def timed_out(self) -> Refused:
        """The deadline for opening has passed: say what was being waited for."""
        ...


class ClientStage(ABC):
    """A Stage of the client's: asks for one thing with `exchange`, and judges the answer.

    `unanswered` is what to say if none has come when time is up.
    """

    __slots__ = ("_exchange", "_unanswered", "data_to_send")

    def __init__(self, exchange: Exchange, unanswered: str) -> None:
        self._exchange = exchange
        self._unanswered = unanswered
        self.data_to_send = exchange.data_to_send

    def receive_data(self, data: bytes) -> StageOutcome | None:
        """Take bytes of the answer."""
        outcome = self._exchange.receive_data(data)
        if outcome is None:
            return None
        return self._switched(outcome) if isinstance(outcome, Switched) else self._refusal(outcome)

    def receive_eof(self) -> Refused:
        """The peer has ended the stream."""
        return self._refusal(self._exchange.receive_eof())

    def timed_out(self) -> Refused:
        """Say what is known when the deadline for opening has passed."""
        if self._exchange.answered is not None:
            return self._refusal(self._exchange.answered)
        return Refused(cause=Cause.OPEN_TIMEOUT, reason=self._unanswered)

    @abstractmethod
    def _switched(self, outcome: Switched) -> StageOutcome:
        """The peer has done what it was asked for, as it says."""

    @abstractmethod
    def _refusal(self, answered: Answered | Broken) -> Refused:
        """The peer has not, and this is why."""
