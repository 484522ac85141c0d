"""The other role: one connection as the payment gateway sees it.

Tests and the local simulator drive it. It requires masks from the peer, sends calls out and matches
their answers.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from dojo_proto.connection import Connection, Ended, Open, RoundTrip
from dojo_proto.connection import State as ConnectionState
from dojo_proto.deflate import Deflate
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.exchange import Header
from dojo_proto.framing import NORMAL_CLOSURE, Framing, Message
from dojo_proto.jsonrpc import Batch, Response, parse
from dojo_proto.limits import Limits
from dojo_proto.own_calls import OwnCalls
from dojo_proto.stage import Asked
from dojo_proto.timers import earlier
from dojo_proto.upgrade import Upgrade

_MAX_DEPTH = 512


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The EPOS has answered `call`. Exactly one of `result` and `error` is set, to its JSON."""

    call: int
    seconds: float
    result: bytes | None
    error: bytes | None


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """`call` has got no answer: its time-out has passed, or the connection is gone."""

    call: int


class Unasked(msgspec.Struct, frozen=True, kw_only=True):
    """The EPOS sent a message that answers no call."""

    message: bytes


GatewayEvent: TypeAlias = Asked | Open | Answered | Unanswered | Unasked | RoundTrip | Ended


class Gateway:
    """One connection of an EPOS. Driven by a server, from one thread at a time.

    All times are seconds. What happens is read with `next_event`: first Asked, which waits for
    `accept` or `refuse`; last Ended.
    """

    def __init__(
        self,
        *,
        entropy: Callable[[int], bytes],
        now: float,
        open_timeout: float = 10.0,
        close_timeout: float = 5.0,
        ping_interval: float = 20.0,
        pong_timeout: float = 10.0,
        max_message_size: int = 16 << 20,
        max_outbound: int = 64 << 20,
        compression: bool = False,
    ) -> None:
        deflate = Deflate(max_size=max_message_size) if compression else None
        self._calls = OwnCalls()
        self._events: deque[GatewayEvent] = deque()
        self._upgrade = Upgrade(max_header_size=16 << 10, deflate=deflate)
        self._connection = Connection(
            stages=[self._upgrade],
            framing=lambda: Framing(
                client=False,
                entropy=entropy,
                max_message_size=max_message_size,
                deflate=deflate,
            ),
            limits=Limits(
                open_deadline=now + open_timeout,
                close_timeout=close_timeout,
                ping_interval=ping_interval,
                pong_timeout=pong_timeout,
                max_outbound=max_outbound,
            ),
            ends_stream=True,
            entropy=entropy,
            now=now,
        )

    @property
    def state(self) -> ConnectionState:
        """Where the connection is."""
        return self._connection.state

    # What the network does.

    def receive_data(self, data: bytes, now: float) -> None:
        """Bytes came in."""
        self._connection.receive_data(data, now)
        self._advance(now)

    def receive_eof(self, now: float) -> None:
        """The EPOS has ended the stream."""
        self._connection.receive_eof(now)
        self._advance(now)

    # What the user does.

    def accept(self, now: float) -> None:
        """Answer the upgrade with 101. Ignored if the connection has ended meanwhile.

        Raises LocalProtocolError unless the upgrade was Asked for and is undecided.
        """
        if self._undecided():
            self._connection.settle(self._upgrade.accept(), now)
            self._advance(now)

    def refuse(
        self,
        status: int,
        reason: str,
        now: float,
        *,
        headers: list[Header] | None = None,
        body: bytes = b"",
    ) -> None:
        """Answer the upgrade with an error `status`, 300 to 599, at once or when it is Asked for.

        `reason` is the body unless there is another. Ignored if the connection has ended meanwhile.
        Raises LocalProtocolError if it is open, and for what HTTP cannot carry.
        """
        if self._undecided():
            refused = self._upgrade.refuse(status, reason, headers=headers, body=body)
            self._connection.settle(refused, now)
            self._advance(now)

    def call(
        self,
        request_id: str,
        method: str,
        params: object,
        now: float,
        *,
        timeout: float = 30.0,
        fragment: int | None = None,
    ) -> int:
        """Send a request and return the number under which its answer is reported.

        `params` is anything that encodes as JSON. With `fragment` the message is cut into frames of
        so many bytes. Raises LocalProtocolError unless OPEN.
        """
        self._expect_open()
        number, message = self._calls.start(request_id, method, params, timeout=timeout, now=now)
        self._connection.send_text(message, now, fragment=fragment)
        self._advance(now)
        return number

    def send_text(self, message: bytes, now: float) -> None:
        """Send any text message, well-formed or not. Raises LocalProtocolError unless OPEN."""
        self._expect_open()
        self._connection.send_text(message, now)
        self._advance(now)

    def close(self, now: float, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Say Close, and end when the EPOS has answered."""
        self._connection.close(code, reason, now)
        self._advance(now)

    def abort(self, now: float) -> None:
        """End at once, without a Close frame."""
        self._connection.abort(Cause.ABORTED, "the gateway dropped the connection", now)
        self._advance(now)

    # What the caller asks.

    def next_event(self) -> GatewayEvent | None:
        """The next thing that happened, or None."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float, limit: int = 65536) -> bytes:
        """Up to `limit` bytes for the socket; ask again when they are written.

        When this is empty and the state is CLOSED, end the stream.
        """
        data = self._connection.data_to_send(now, limit)
        self._advance(now)
        return data

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        return earlier(self._connection.next_timer(), self._calls.next_timer())

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        for number in self._calls.expired(now):
            self._events.append(Unanswered(call=number))
        self._connection.handle_timer(now)
        self._advance(now)

    # Inside.

    def _undecided(self) -> bool:
        if self.state in {ConnectionState.OPEN, ConnectionState.CLOSING}:
            raise LocalProtocolError("the upgrade was accepted already")
        return self.state is ConnectionState.OPENING

    def _expect_open(self) -> None:
        if self.state is not ConnectionState.OPEN:
            raise LocalProtocolError(f"the connection is {self.state.value}, not open")

    def _advance(self, now: float) -> None:
        while (event := self._connection.next_event()) is not None:
            if isinstance(event, Message):
                self._message(event, now)
                continue
            if isinstance(event, Ended):
                for number in self._calls.abandoned():
                    self._events.append(Unanswered(call=number))
            self._events.append(event)

    def _message(self, message: Message, now: float) -> None:
        incoming = parse(message.data, binary=message.binary, max_depth=_MAX_DEPTH)
        unasked = False
        for item in incoming.messages if isinstance(incoming, Batch) else (incoming,):
            found = self._calls.answered(item, now) if isinstance(item, Response) else None
            if found is None or not isinstance(item, Response):
                unasked = True
                continue
            number, seconds = found
            self._events.append(
                Answered(
                    call=number,
                    seconds=seconds,
                    result=None if item.result is None else bytes(item.result),
                    error=None if item.error is None else bytes(item.error),
                )
            )
        if unasked:
            self._events.append(Unasked(message=message.data))
