"""What a connection goes through before it is open: the tunnel, then the upgrade.

Each stage sends one thing, reads one answer, and passes or is refused. The connection runs them in
order and knows nothing else of them.
"""

from typing import Protocol

import msgspec

from dojo_proto.events import Cause
from dojo_proto.exchange import Headed
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
