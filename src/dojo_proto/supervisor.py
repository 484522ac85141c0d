"""Dials, waits and stops, across connections.

It decides whether and when to dial; it knows nothing of bytes or requests.
"""

from collections.abc import Callable
from enum import Enum
from math import inf, nextafter
from typing import Final, assert_never

from dojo_proto.backoff import Backoff
from dojo_proto.connection import Ended
from dojo_proto.errors import AuthenticationError, DojoError, LocalProtocolError
from dojo_proto.events import AuthenticationRefused, Cause, Event, RetryScheduled, TakenOver
from dojo_proto.settings import Settings

TAKEN_OVER_WITHIN = 60.0
"""Seconds after opening: a peer's close sooner than this is suspicious."""
TAKEN_OVER_AFTER = 3
"""So many suspicious closes, and no connection that lasted between them, are no accident."""


class State(Enum):
    """What the service is doing about its connection."""

    IDLE = "idle"
    """Not started."""
    DIALING = "dialing"
    """A socket is being opened."""
    OPENING = "opening"
    """The socket is open; proxy, TLS and upgrade are under way."""
    UP = "up"
    """The connection is open."""
    WAITING = "waiting"
    """Until the next dial."""
    DRAINING = "draining"
    """Stopping: what runs may finish, with or without a connection."""
    STOPPED = "stopped"
    """Over."""


# Found once: in Python 3.11 that takes longer than all that is done with it.
DRAINING: Final = State.DRAINING

TRANSITIONS: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.DIALING, State.STOPPED}),
    State.DIALING: frozenset({State.OPENING, State.WAITING, State.DRAINING, State.STOPPED}),
    State.OPENING: frozenset({State.UP, State.WAITING, State.DRAINING, State.STOPPED}),
    State.UP: frozenset({State.WAITING, State.DRAINING, State.STOPPED}),
    State.WAITING: frozenset({State.DIALING, State.DRAINING, State.STOPPED}),
    State.DRAINING: frozenset({State.STOPPED}),
    State.STOPPED: frozenset(),
}


class Supervisor:
    """Driven by the client. Times are seconds of the caller's clock.

    `uniform` gives a number in [0, 1) for the jitter. `error` is set when it stops for a reason
    that the program must hear of.
    """

    __slots__ = (
        "_backoff",
        "_emit",
        "_ever_up",
        "_settings",
        "_short_lives",
        "_timer",
        "deadline",
        "dials",
        "error",
        "last_error",
        "since",
        "state",
    )

    def __init__(
        self,
        *,
        settings: Settings,
        uniform: Callable[[], float],
        emit: Callable[[Event], None],
    ) -> None:
        self.state = State.IDLE
        self.since: float | None = None
        """When the state began; None while IDLE."""
        self.dials = 0
        """Numbers the dials from 1."""
        self.deadline = 0.0
        """While DIALING or OPENING: when the connection has to be open."""
        self.last_error = ""
        """Why the last dial failed or its connection ended, for people, unless this side ended it;
        empty while there was no such end."""
        self.error: DojoError | None = None
        self._settings = settings
        self._emit = emit
        self._backoff = Backoff(
            initial=settings.backoff_initial,
            maximum=settings.backoff_max,
            jitter=settings.jitter,
            uniform=uniform,
        )
        self._timer: float | None = None
        self._ever_up = False
        self._short_lives = 0

    def start(self, now: float) -> None:
        """Begin to dial. Raises LocalProtocolError unless IDLE."""
        if self.state is not State.IDLE:
            raise LocalProtocolError(f"expected to be started once, and it is {self.state.value}")
        self._dial(now)

    def dialed(self, now: float) -> None:
        """The socket is open."""
        self._move(State.OPENING, now)
        self._timer = None  # the connection keeps to the deadline from here on

    def opened(self, now: float) -> None:
        """The upgrade has succeeded."""
        self._move(State.UP, now)
        self._ever_up = True

    def ended(self, ended: Ended, now: float) -> None:
        """A dial is over: it never opened, or its connection has ended."""
        if ended.cause not in {Cause.STOPPED, Cause.ABORTED}:
            self.last_error = ended.reason
        if self.state in {State.DRAINING, State.STOPPED}:
            return
        if self.state is State.UP and ended.up_for >= self._settings.stable_after:
            # Only a connection that has lasted proves that dialling again at once is no hot loop.
            self._backoff.reset()
        at_cap = self._taken_over(ended) or ended.cause is Cause.REJECTED
        if ended.cause is Cause.AUTHENTICATION:
            status = ended.status or 401
            if not self._may_retry_authentication():
                self.error = AuthenticationError(ended.reason, status=status)
                # What runs for an earlier connection may still finish.
                self.drain(now, self._settings.drain_timeout)
                return
            at_cap = True
            if self._ever_up:
                self._emit(AuthenticationRefused(status=status, reason=ended.reason))
        delay = self._backoff.next_delay(at_cap=at_cap, floor=ended.retry_after)
        self._move(State.WAITING, now)
        self._arm(now, delay)
        self._emit(
            RetryScheduled(attempt=self._backoff.failures, seconds=delay, reason=ended.reason)
        )

    def drain(self, now: float, timeout: float) -> None:
        """Stop within `timeout` seconds, as soon as nothing runs any more."""
        if self.state is State.IDLE:
            self._move(State.STOPPED, now)
        elif self.state is not State.STOPPED:
            if self.state is not State.DRAINING:
                self._move(State.DRAINING, now)
                self._arm(now, timeout)
            elif self._timer is not None:
                self._timer = min(self._timer, now + timeout)

    def stop(self, now: float) -> None:
        """Be over."""
        if self.state is not State.STOPPED:
            self._timer = None
            self._move(State.STOPPED, now)

    @property
    def drain_expired(self) -> bool:
        """While DRAINING: the handlers' time is over."""
        return self.state is State.DRAINING and self._timer is None

    def next_timer(self) -> float | None:
        """When to call `handle_timer`."""
        return self._timer

    def handle_timer(self, now: float) -> bool:
        """Do what is due; return whether a dial has taken too long."""
        if self._timer is None or now < self._timer:
            return False
        self._timer = None
        if self.state is State.WAITING:
            self._dial(now)
            return False
        return self.state is State.DIALING

    def _dial(self, now: float) -> None:
        self._move(State.DIALING, now)
        self.dials += 1
        self.deadline = now + self._settings.open_timeout
        self._arm(now, self._settings.open_timeout)

    def _arm(self, now: float, seconds: float) -> None:
        # A timer lies ahead, even if the time is too short for the clock to show it.
        self._timer = max(now + seconds, nextafter(now, inf))

    def _may_retry_authentication(self) -> bool:
        match self._settings.auth_retry:
            case "always":
                return True
            case "never":
                return False
            case "after-success":
                return self._ever_up
            case _:
                assert_never(self._settings.auth_retry)

    def _taken_over(self, ended: Ended) -> bool:
        if ended.up_for >= TAKEN_OVER_WITHIN:
            self._short_lives = 0
        elif ended.cause is Cause.PEER_CLOSED:
            self._short_lives += 1
            if self._short_lives % TAKEN_OVER_AFTER == 0:
                self._emit(
                    TakenOver(
                        reason=f"the gateway has closed {self._short_lives} connections within "
                        f"{TAKEN_OVER_WITHIN:.0f} s of their opening; is another process serving "
                        "with this software-house-id and API key? Only one of them gets the "
                        "requests: stop the others"
                    )
                )
            return self._short_lives >= TAKEN_OVER_AFTER
        return False

    def _move(self, state: State, now: float) -> None:
        if state not in TRANSITIONS[self.state]:
            raise LocalProtocolError(f"no way from {self.state.value} to {state.value}")
        self.state = state
        self.since = now
