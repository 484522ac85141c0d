"""What a handler knows of the request it answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from dojo_proto.contract import RequestHeaders
from dojo_proto.unshown import Unshown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Headed(msgspec.Struct):
    """Any params: what else they hold is skipped, so that none of it can stand in the way."""

    headers: dict[str, Any] = {}


_decode_headed = msgspec.json.Decoder(_Headed).decode


class Context(Unshown, msgspec.Struct, kw_only=True, eq=False):
    """The first argument of every handler."""

    method: str
    """The wire name, such as `RecordOrderPaymentByIdV1`."""
    state: Any = None
    """The application's own object, as given to `run`."""
    idempotency_key: str = ""
    """Names the thing to be done, the same for every delivery and every run: put a unique
    constraint on it. Empty for reads."""
    redelivered: bool = False
    """This may not be the first run: an earlier one was cut off by a crash or raised, and may have
    done its work."""
    ticket: str = ""
    """For a journal that records: its row."""
    keeps_answer: bool = True
    """For a journal that records: the row has to hold the answer, since no `lookup` can give it."""
    raw_id: bytes | None
    """The JSON-RPC id as it came; None for a notification."""
    raw_params: bytes | msgspec.Raw
    """The params as they came."""
    raw_received_at: float = 0.0
    """When the request came in, in seconds since 1970."""
    _headers: RequestHeaders | None = None

    @property
    def request_id(self) -> str | int | float | None:
        """The JSON-RPC id, for logs; None for null and for a notification."""
        if self.raw_id is None:
            return None
        try:
            value = msgspec.json.decode(self.raw_id)
        except msgspec.ValidationError:
            return self.raw_id.decode()  # a number beyond what Python's floats hold
        return value if isinstance(value, str | int | float) else None

    @property
    def received_at(self) -> datetime:
        """When the request came in, aware, in UTC."""
        return _EPOCH + timedelta(seconds=self.raw_received_at)

    @property
    def headers(self) -> RequestHeaders:
        """Who asks: waiter, product and device. What is missing or no string is None."""
        if self._headers is None:
            try:
                members = _decode_headed(self.raw_params).headers
            except msgspec.ValidationError:
                members = {}
            self._headers = RequestHeaders(
                waiter_id=_text(members, "waiterId"),
                dojo_requesting_product=_text(members, "dojoRequestingProduct"),
                device_id=_text(members, "deviceId"),
                device_type=_text(members, "deviceType"),
            )
        return self._headers

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Nothing of what came."""
        return [("method", self.method), ("redelivered", self.redelivered)]


def _text(members: dict[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None
