"""The calling side of JSON-RPC: calls out, answers matched by id, time-outs."""

from collections.abc import Iterator
from math import inf

import msgspec

from dojo_proto.jsonrpc import Response, encode_request

_decode_string = msgspec.json.Decoder(str).decode


class _Pending(msgspec.Struct):
    number: int
    started: float
    deadline: float


class OwnCalls:
    """Calls of one connection that wait for their answers. Driven by the gateway.

    An id may be used again while its first use still waits, as a gateway that retries may do:
    answers are then taken in the order of the calls.
    """

    def __init__(self) -> None:
        self._count = 0
        self._pending: dict[str, list[_Pending]] = {}

    def start(
        self, request_id: str, method: str, params: object, *, timeout: float, now: float
    ) -> tuple[int, bytes]:
        """Return a number that names this call, and the message to send.

        `timeout` is in seconds; `params` is anything that encodes as JSON.
        """
        message = encode_request(request_id, method, params)
        self._count += 1
        pending = _Pending(self._count, now, now + timeout)
        self._pending.setdefault(request_id, []).append(pending)
        return self._count, message

    def answered(self, response: Response, now: float) -> tuple[int, float] | None:
        """The number of the call that `response` answers, and its seconds; None if it answers none.

        Ids are compared decoded, since a peer may write the same string with other escapes.
        """
        try:
            request_id = _decode_string(response.id)
        except msgspec.ValidationError:
            return None  # ids of this side are strings
        waiting = self._pending.get(request_id)
        if waiting is None:
            return None
        pending = waiting.pop(0)
        if not waiting:
            del self._pending[request_id]
        return pending.number, now - pending.started

    def next_timer(self) -> float | None:
        """When the first of the waiting calls times out."""
        return min((pending.deadline for pending in self._all()), default=None)

    def expired(self, now: float) -> list[int]:
        """Take out the calls that have timed out, oldest first."""
        return self._take_out(now)

    def abandoned(self) -> list[int]:
        """Take out all calls, oldest first: the connection is gone, nothing will answer them."""
        return self._take_out(inf)

    def _all(self) -> Iterator[_Pending]:
        for waiting in self._pending.values():
            yield from waiting

    def _take_out(self, until: float) -> list[int]:
        numbers = sorted(pending.number for pending in self._all() if pending.deadline <= until)
        for request_id, waiting in list(self._pending.items()):
            waiting[:] = [pending for pending in waiting if pending.deadline > until]
            if not waiting:
                del self._pending[request_id]
        return numbers
