"""One socket's life: (TUNNELLING →) OPENING → OPEN → CLOSING → CLOSED, for either role.

It owns the outbound queue, the opening stages, the closing handshake and their deadlines. It knows
nothing of JSON-RPC or of other connections.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, TypeAlias, assert_never

import msgspec

from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.fast_lane import cut
from dojo_proto.framing import (
    ABNORMAL_CLOSURE,
    NO_STATUS_RECEIVED,
    CloseFrame,
    Framing,
    Message,
    PingFrame,
    PongFrame,
    Violation,
    check_close_code,
)
from dojo_proto.keepalive import Due, Keepalive
from dojo_proto.limits import Limits
from dojo_proto.outbound import Outbound
from dojo_proto.stage import Asked, Passed, Refused, Stage, StageOutcome


class State(Enum):
    """Where a connection is."""

    TUNNELLING = "tunnelling"
    """The proxy has been asked for a tunnel."""
    OPENING = "opening"
    """The upgrade is under way."""
    OPEN = "open"
    """Messages go both ways."""
    CLOSING = "closing"
    """A Close frame was sent or received, and the stream has not ended."""
    CLOSED = "closed"
    """Over. Nothing is sent or read any more."""


# Found once: in Python 3.11 that takes longer than all that is done with it.
OPEN: Final = State.OPEN
CLOSING: Final = State.CLOSING
CLOSED: Final = State.CLOSED


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """The connection is over; always the last event."""

    cause: Cause
    reason: str
    code: int | None = None
    status: int | None = None
    up_for: float = 0.0
    """Seconds from the upgrade to the end; 0 if it was never open."""
    retry_after: float | None = None
    """Seconds that a refusal asked to wait (`Retry-After`); None if it asked for none."""


class Open(msgspec.Struct, frozen=True):
    """The upgrade has succeeded."""


class RoundTrip(msgspec.Struct, frozen=True):
    """The pong to a ping of this side came after `seconds`."""

    seconds: float
    arrived: int
    """The peer has got every frame up to this mark: they left before the ping did."""


ConnectionEvent: TypeAlias = Open | Message | RoundTrip | Asked | Ended

TRANSITIONS: dict[State, frozenset[State]] = {
    State.TUNNELLING: frozenset({State.OPENING, State.CLOSED}),
    State.OPENING: frozenset({State.OPEN, State.CLOSED}),
    State.OPEN: frozenset({State.CLOSING, State.CLOSED}),
    State.CLOSING: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


class Connection:
    """One connection. Driven by the client or the gateway.

    `stages` are gone through in order, the upgrade last; `framing` is called when they have all
    passed. `ends_stream` is the server's duty to end TCP once both sides have said Close (RFC 6455
    section 7.1.1). Inputs take the caller's `now`; what happens is read with `next_event`, and the
    last event of a connection is its one Ended. After that, input is ignored.
    """

    __slots__ = (
        "_close_deadline",
        "_ending",
        "_ends_stream",
        "_entropy",
        "_events",
        "_framing",
        "_keepalive",
        "_limits",
        "_make_framing",
        "_opened_at",
        "_outbound",
        "_peer_closed",
        "_ready",
        "_stages",
        "state",
    )

    def __init__(
        self,
        *,
        stages: Sequence[Stage],
        framing: Callable[[], Framing],
        limits: Limits,
        ends_stream: bool,
        entropy: Callable[[int], bytes],
        now: float,
    ) -> None:
        self.state = State.TUNNELLING if len(stages) > 1 else State.OPENING
        self._stages = list(stages)
        self._make_framing = framing
        self._limits = limits
        self._ends_stream = ends_stream
        self._entropy = entropy
        # What happened: the newest last, and the oldest last. A deque takes 760 bytes when empty.
        self._events: list[ConnectionEvent] = []
        self._ready: list[ConnectionEvent] = []
        self._keepalive = Keepalive(
            interval=limits.ping_interval, pong_timeout=limits.pong_timeout, now=now
        )
        self._framing: Framing | None = None
        self._opened_at: float | None = None
        self._outbound = Outbound(self._keepalive)
        # While CLOSING: how it will have ended, whether the peer has said Close, and until when.
        self._ending: Ended | None = None
        self._peer_closed = False
        self._close_deadline = 0.0

    # What the network does.

    def receive_data(self, data: bytes, now: float) -> None:
        """Take bytes that came in. Never raises on them."""
        if self.state is CLOSED or not data:
            return
        self._keepalive.received(now)
        if self._framing is not None:
            self._receive_frames(self._framing, data, now)
        else:
            outcome = self._stages[0].receive_data(data)
            if outcome is not None:
                self.settle(outcome, now)

    def receive_texts(self, data: bytes, now: float) -> tuple[list[bytes], int]:
        """Take the plain texts that `data` begins with, unless events wait; say where they end."""
        framing, waiting = self._framing, self._events or self._ready
        if framing is None or not framing.between or waiting or self.state is not OPEN:
            return [], 0
        self._keepalive.received(now)
        return cut(data, 0, framing.longest)

    def receive_eof(self, now: float) -> None:
        """The peer has ended the stream."""
        self.fail(Cause.LOST, "the stream ended without a Close frame", now)

    def fail(self, cause: Cause, reason: str, now: float) -> None:
        """The stream is gone: it ended, was reset, or its TLS failed.

        What is known already explains more than that, and stands: a Close frame, a refusal.
        """
        if self._ending is not None:
            # RFC 6455 section 7.1.5: without the peer's Close frame the code is 1006.
            code = self._ending.code if self._peer_closed else ABNORMAL_CLOSURE
            self._end(msgspec.structs.replace(self._ending, code=code), now)
        elif self._stages and cause is Cause.LOST:
            self.settle(self._stages[0].receive_eof(), now)
        else:
            self.abort(cause, reason, now)

    # What the user does.

    def settle(self, outcome: StageOutcome, now: float) -> None:
        """Go on from a stage: its own judgement, or the gateway's decision on what was Asked.

        Ignored when the connection is open already, or over.
        """
        if not self._stages:
            return
        match outcome:
            case Asked():
                self._events.append(outcome)
            case Refused(cause=cause, reason=reason, status=status, retry_after=retry_after):
                self._take_stage_data()
                answer = self._outbound.begun
                self._end(
                    Ended(cause=cause, reason=reason, status=status, retry_after=retry_after), now
                )
                if self._ends_stream:
                    self._outbound.begun = answer  # a server's refusal has still to leave
            case Passed(trailing=trailing):
                self._take_stage_data()
                self._stages.pop(0)
                if self._stages:
                    self._move(State.OPENING)
                    return
                self._move(State.OPEN)
                self._opened_at = now
                self._framing = self._make_framing()
                self._keepalive.sent(now)
                self._events.append(Open())
                if trailing:
                    self._receive_frames(self._framing, trailing, now)
            case _:
                assert_never(outcome)

    def send_text(
        self, payload: bytes, now: float, *, fragment: int | None = None, confirm: bool = False
    ) -> int | None:
        """Queue a text message and return its mark; None when it cannot leave any more.

        `payload` is UTF-8. It goes in one frame, or with `fragment` in one for each so many bytes.
        With `confirm`, a ping follows within `ping_interval`, and the RoundTrip of its pong or of a
        later one proves by its `arrived` that the peer has the message.

        The answer to the peer's Close goes behind what waits, so a message may leave until then
        (RFC 6455 section 5.5.1). A peer that has left `max_outbound` bytes unread loses the
        connection instead.
        """
        outbound = self._outbound
        answering = self._peer_closed and outbound.close is not None
        if self._framing is None or not (self.state is OPEN or answering):
            return None
        waiting = outbound.size()
        if waiting >= self._limits.max_outbound:
            allowed = self._limits.max_outbound
            reason = f"{waiting} bytes wait for the peer to read them; {allowed} are allowed"
            self.abort(Cause.UNREAD, reason, now)
            return None
        if fragment is None:
            return outbound.put(self._framing.text(payload), confirm=confirm)
        frames = self._framing.fragments(payload, fragment)
        return [outbound.put(frame, confirm=confirm) for frame in frames][-1]

    def close(self, code: int, reason: str, now: float, *, cause: Cause = Cause.STOPPED) -> None:
        """Say Close after what waits, and end when the peer has answered or at the time-out.

        A connection that is not open yet ends at once; one that closes already goes on with that.
        """
        if self.state is State.OPEN:
            check_close_code(code)
            ending = Ended(cause=cause, reason=reason, code=code)
            self._begin_closing(code, reason, ending, now)
        elif self.state is not State.CLOSING:
            self.abort(cause, reason, now)

    def confirm(self, now: float) -> bool:
        """Ping at once, unless a ping that has left will prove what was sent; say if one leaves."""
        if self.state is not State.OPEN or not self._outbound.unproven:
            return False
        self._outbound.ping = self._entropy(4)
        self._keepalive.asked(now)
        return True

    def abort(self, cause: Cause, reason: str, now: float) -> None:
        """End at once; what waits is not sent."""
        code = ABNORMAL_CLOSURE if self._framing is not None else None
        self._end(Ended(cause=cause, reason=reason, code=code), now)

    # What the caller asks.

    @property
    def written(self) -> int:
        """The mark up to which messages have been written, as far as `data_to_send` can know."""
        return self._outbound.written

    def next_event(self) -> ConnectionEvent | None:
        """The next thing that happened, or None."""
        if not self._ready:
            if not self._events:
                return None
            self._ready, self._events = self._events, self._ready
            self._ready.reverse()
        return self._ready.pop()

    def data_to_send(self, now: float, limit: int) -> bytes:
        """Up to `limit` bytes to write now. Ask again when they are written; empty if none wait."""
        if self._stages:
            self._take_stage_data()
        data = self._outbound.take(self._framing, limit, now)
        if data and self._peer_closed:
            self._end_stream(now)
        return data

    def next_timer(self) -> float | None:
        """When to call `handle_timer`, or None when there is nothing to wait for."""
        if self.state is OPEN:
            return self._keepalive.next_timer()
        if self.state is CLOSING:
            return self._close_deadline
        return None if self.state is CLOSED else self._limits.open_deadline

    def handle_timer(self, now: float) -> None:
        """Do what is due. Early calls are harmless."""
        timer = self.next_timer()
        if timer is None or now < timer:
            return
        if self.state is OPEN:
            if self._keepalive.handle_timer(now) is Due.PING:
                self._outbound.ping = self._entropy(4)
            else:
                silent = now - self._keepalive.received_at
                reason = f"nothing came for {silent:.0f} s and no answer to a ping"
                self.abort(Cause.PONG_TIMEOUT, reason, now)
        elif self.state is not State.CLOSING:
            self.settle(self._stages[0].timed_out(), now)
        elif self._peer_closed and self._ending is not None:
            self._end(self._ending, now)  # both have said Close; only TCP lingers
        else:
            seconds = self._limits.close_timeout
            reason = f"the Close frame was not answered within {seconds:g} s"
            self.abort(Cause.CLOSE_TIMEOUT, reason, now)

    # Inside.

    def _receive_frames(self, framing: Framing, data: bytes, now: float) -> None:
        for event in framing.receive_data(data):
            if self.state is OPEN:
                match event:
                    case Message():
                        self._events.append(event)
                    case PingFrame(payload=payload):
                        self._outbound.pong(payload)
                    case PongFrame(payload=payload):
                        if (proof := self._outbound.answered(payload)) is not None:
                            self._events.append(RoundTrip(now - proof[0], arrived=proof[1]))
                    case CloseFrame(code=code, reason=reason):
                        self._peer_closed = True
                        ended = Ended(cause=Cause.PEER_CLOSED, reason=reason, code=code)
                        # RFC 6455 section 5.5.1: the answer typically echoes the status code.
                        echo = None if code == NO_STATUS_RECEIVED else code
                        self._begin_closing(echo, "", ended, now)
                    case Violation(code=code, reason=reason):
                        self._peer_closed = True
                        ended = Ended(cause=Cause.PROTOCOL_ERROR, reason=reason, code=code)
                        self._begin_closing(code, reason, ended, now)
                    case _:
                        assert_never(event)
            elif isinstance(event, Message | PingFrame):
                # RFC 6455 section 5.5.2: answered until the peer's Close, and before this side's
                # has left. A pong says that what came before the ping was taken, too.
                if self._outbound.close is not None and not self._peer_closed:
                    if isinstance(event, PingFrame):
                        self._outbound.pong(event.payload)
                    else:
                        self._events.append(event)
            elif isinstance(event, CloseFrame | Violation):
                # RFC 6455 section 1.4: behind this side's Close, only the peer's is of interest.
                self._peer_closed = True
                self._end_stream(now)

    def _take_stage_data(self) -> None:
        self._outbound.begun = bytes(self._outbound.begun) + self._stages[0].data_to_send
        self._stages[0].data_to_send = b""

    def _begin_closing(self, code: int | None, reason: str, ending: Ended, now: float) -> None:
        self._move(State.CLOSING)
        self._outbound.ping = None
        self._outbound.close = code, reason
        self._ending = ending
        self._close_deadline = now + self._limits.close_timeout

    def _end_stream(self, now: float) -> None:
        """RFC 6455 section 7.1.1: the server ends TCP once both have said Close."""
        outbound = self._outbound
        all_said = self._peer_closed and outbound.close is None and not outbound.begun
        if self._ends_stream and all_said and self._ending is not None:
            self._end(self._ending, now)

    def _end(self, ended: Ended, now: float) -> None:
        if self.state is State.CLOSED:
            return
        self._move(State.CLOSED)
        self._outbound.clear()
        self._stages.clear()
        up_for = 0.0 if self._opened_at is None else now - self._opened_at
        self._events.append(msgspec.structs.replace(ended, up_for=up_for))

    def _move(self, state: State) -> None:
        if state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"no way from {self.state.value} to {state.value}")
        self.state = state
