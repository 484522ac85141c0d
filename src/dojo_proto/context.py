"""What a handler knows of the request it answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from dojo_proto.contract import RequestHeaders

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Headed(msgspec.Struct):
    """Any params: what else they hold is skipped, so that none of it can stand in the way."""

    headers: dict[str, Any] = {}


_decode_headed = msgspec.json.Decoder(_Headed).decode


class Context:
    """The first argument of every handler.

    `method` is the wire name, such as `RecordOrderPaymentByIdV1`. `state` is the application's own
    object, as given to `run`. `redelivered` says that this may not be the first run: an earlier one
    was cut off by a crash or raised, and may have done its work. `idempotency_key` names the thing
    to be done, the same for every delivery and every run: put a unique constraint on it. It is
    empty for reads. `ticket` and `keeps_answer` are for a journal that records: its row, and
    whether that has to hold the answer, since no `lookup` can give it.
    """

    __slots__ = (
        "_headers",
        "_id",
        "_params",
        "_received_at",
        "idempotency_key",
        "keeps_answer",
        "method",
        "redelivered",
        "state",
        "ticket",
    )

    def __init__(
        self,
        *,
        method: str,
        request_id: bytes | None,
        params: bytes | msgspec.Raw,
        state: Any = None,
        received_at: float = 0.0,
        idempotency_key: str = "",
        redelivered: bool = False,
        ticket: str = "",
        keeps_answer: bool = True,
    ) -> None:
        self.method = method
        self.state = state
        self.idempotency_key = idempotency_key
        self.redelivered = redelivered
        self.ticket = ticket
        self.keeps_answer = keeps_answer
        self._id = request_id
        self._params = params
        self._received_at = received_at
        self._headers: RequestHeaders | None = None

    @property
    def request_id(self) -> str | int | float | None:
        """The JSON-RPC id, for logs; None for null and for a notification."""
        if self._id is None:
            return None
        try:
            value = msgspec.json.decode(self._id)
        except msgspec.ValidationError:
            return self._id.decode()  # a number beyond what Python's floats hold
        return value if isinstance(value, str | int | float) else None

    @property
    def received_at(self) -> datetime:
        """When the request came in, aware, in UTC."""
        return _EPOCH + timedelta(seconds=self._received_at)

    @property
    def headers(self) -> RequestHeaders:
        """Who asks: waiter, product and device. What is missing or no string is None."""
        if self._headers is None:
            try:
                members = _decode_headed(self._params).headers
            except msgspec.ValidationError:
                members = {}
            self._headers = RequestHeaders(
                waiter_id=_text(members, "waiterId"),
                dojo_requesting_product=_text(members, "dojoRequestingProduct"),
                device_id=_text(members, "deviceId"),
                device_type=_text(members, "deviceType"),
            )
        return self._headers

    def __repr__(self) -> str:
        return f"Context(method={self.method!r}, redelivered={self.redelivered})"


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None
