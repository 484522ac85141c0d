"""Keeps Dojo informed over REST: of what the EPOS serves, and of what has changed at the till.

It decides what to send next, when to try again and what to give up. It knows nothing of sockets:
somebody makes the calls that `next_request` asks for, one at a time, and brings their outcome.
"""

from collections.abc import Callable
from enum import Enum
from math import inf

import msgspec

from dojo_proto import registration
from dojo_proto.backoff import Backoff
from dojo_proto.errors import ConfigurationError, LocalProtocolError
from dojo_proto.events import ApiCallFailed, Event, NoticesDropped, Registered, Unregistered
from dojo_proto.notices import Notice, Outbox
from dojo_proto.registration import Comparison
from dojo_proto.rest import Failure, RestOutcome, RestRequest
from dojo_proto.settings import API_URL, Settings
from dojo_proto.timers import earlier

LAST_WORDS = 2.0
"""Seconds that notices get to leave when the service stops."""


class Phase(Enum):
    """How far the registration is."""

    OFF = "off"
    """Nobody wants it."""
    READING = "reading"
    """What is registered?"""
    WRITING = "writing"
    """Not what is served: register that."""
    CONFIRMING = "confirming"
    """What is registered now?"""
    DONE = "done"
    """Dojo has said what it has registered."""


TRANSITIONS: dict[Phase, frozenset[Phase]] = {
    Phase.OFF: frozenset({Phase.READING}),
    Phase.READING: frozenset({Phase.WRITING, Phase.DONE}),
    Phase.WRITING: frozenset({Phase.CONFIRMING}),
    Phase.CONFIRMING: frozenset({Phase.DONE}),
    Phase.DONE: frozenset(),
}


class _Retries:
    """One kind of call: its failures, and when the next one may be made."""

    __slots__ = ("_backoff", "due")

    def __init__(self, settings: Settings, uniform: Callable[[], float]) -> None:
        self.due = -inf
        self._backoff = Backoff(
            initial=settings.backoff_initial,
            maximum=settings.backoff_max,
            jitter=settings.jitter,
            uniform=uniform,
        )

    def succeeded(self) -> None:
        """Dojo has done what was asked."""
        self._backoff.reset()

    def failed(self, failure: Failure, now: float) -> ApiCallFailed:
        """Set the next try."""
        seconds = self._backoff.next_delay(at_cap=not failure.passing, floor=failure.retry_after)
        self.due = now + seconds
        return ApiCallFailed(
            reason=failure.reason,
            status=failure.status,
            attempt=self._backoff.failures,
            seconds=seconds,
        )


class Registrar:
    """Driven by whoever makes the calls, and by the user's notices. Times are seconds.

    `uniform` gives a number in [0, 1) for the jitter; `emit` takes events, from inside the methods.
    """

    __slots__ = (
        "_emit",
        "_linked",
        "_mismatch",
        "_notifying",
        "_outbox",
        "_registering",
        "_served",
        "_under_way",
        "_until",
        "dropped",
        "over",
        "phase",
    )

    def __init__(
        self, settings: Settings, *, uniform: Callable[[], float], emit: Callable[[Event], None]
    ) -> None:
        self.phase = Phase.OFF
        self.over = False
        """Nothing is to be sent any more."""
        self.dropped = 0
        """Notices of which Dojo was not told."""
        self._mismatch = mismatch(settings)
        self._emit = emit
        self._registering = _Retries(settings, uniform)
        self._notifying = _Retries(settings, uniform)
        self._served: tuple[str, ...] = ()
        self._outbox = Outbox()
        self._under_way: Notice | Phase | None = None
        self._linked = False
        self._until: float | None = None  # stopping: when it has to be over

    # What the user wants.

    def register(self, capabilities: tuple[str, ...]) -> None:
        """Have exactly `capabilities` registered. Called once.

        Raises ConfigurationError if the API is not the one that belongs to the gateway.
        """
        if self._mismatch:
            raise ConfigurationError(f"register: {self._mismatch}")
        self._served = capabilities
        self._move(Phase.READING)

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change, as soon as there is a connection on which it can then ask.

        Raises ConfigurationError for anything else than a notice.
        """
        pushed_out = self._outbox.put(notice)
        if self.over or self._mismatch:
            self._drop(self._outbox.clear(), self._mismatch or "the service has ended")
        elif pushed_out is not None:
            self._drop(1, _TOO_MANY)

    def linked(self, *, up: bool) -> None:
        """The connection on which Dojo asks has opened, or ended."""
        self._linked = up

    def stop(self, now: float) -> None:
        """Let the notices that wait leave, for LAST_WORDS at most and one try each, and be over."""
        if self._until is None:
            self._until = now + LAST_WORDS
            self._end_if_done()

    def abort(self, reason: str = "the service was stopped before Dojo could be told") -> None:
        """Be over at once."""
        self.over = True
        left = self.waiting
        self._outbox.clear()
        self._under_way = None
        if left:
            self._drop(left, reason, certainly=True)

    # What is said of it.

    @property
    def waiting(self) -> int:
        """Notices that are still to be sent, one under way included."""
        return len(self._outbox) + isinstance(self._under_way, Notice)

    @property
    def registration(self) -> str:
        """As in Status."""
        return self.phase.value if self.phase in {Phase.OFF, Phase.DONE} else "pending"

    # What makes the calls asks, and brings.

    def next_request(self, now: float) -> RestRequest | None:
        """What to send now, or None; its outcome goes to `ended`.

        Raises LocalProtocolError while another call is under way.
        """
        if self._under_way is not None:
            raise LocalProtocolError("a call is under way: expected its outcome first")
        if self._registers and self._registering.due <= now:
            self._under_way = self.phase
            if self.phase is Phase.WRITING:
                return registration.write(self._served)
            return registration.READ
        if self._notifies and (self._until is not None or self._notifying.due <= now):
            notice = self._under_way = self._outbox.take()
            return registration.notify(notice)
        return None

    def next_timer(self) -> float | None:
        """When to ask again, if nothing happens before."""
        if self._until is not None and not self.over:
            return self._until
        return earlier(
            self._registering.due if self._registers else None,
            self._notifying.due if self._notifies else None,
        )

    def handle_timer(self, now: float) -> None:
        """Do what is due: the time for last words may be over."""
        if self._until is not None and self._until <= now:
            self.abort()

    def ended(self, outcome: RestOutcome, now: float) -> None:
        """The call that `next_request` asked for has an outcome."""
        under_way, self._under_way = self._under_way, None
        if self.over or under_way is None:
            return  # it was given up
        if isinstance(under_way, Phase):
            self._end_registering(outcome, now)
        else:
            self._end_notice(under_way, outcome, now)
        self._end_if_done()

    # Inside.

    @property
    def _registers(self) -> bool:
        return self.registration == "pending" and self._until is None and not self.over

    @property
    def _notifies(self) -> bool:
        # Once it is over, nothing waits.
        return len(self._outbox) > 0 and (self._linked or self._until is not None)

    def _end_registering(self, outcome: RestOutcome, now: float) -> None:
        if isinstance(outcome, Failure):
            self._fail_registering(outcome, now)
        elif self.phase is Phase.WRITING:
            self._registering.succeeded()
            self._move(Phase.CONFIRMING)
        else:
            registered = registration.read_registered(outcome)
            if isinstance(registered, Failure):
                self._fail_registering(registered, now)
            else:
                self._registering.succeeded()
                self._end_reading(registration.compare(self._served, registered))

    def _end_reading(self, found: Comparison) -> None:
        if self.phase is Phase.READING and not found.is_same:
            self._move(Phase.WRITING)
            return
        if found.missing:
            self._emit(Unregistered(capabilities=found.missing))
        else:
            changed = self.phase is Phase.CONFIRMING
            self._emit(Registered(capabilities=found.both, changed=changed))
        self._move(Phase.DONE)

    def _fail_registering(self, failure: Failure, now: float) -> None:
        for_good = not failure.passing and not failure.is_authentication
        if for_good and self.phase is Phase.READING:
            # Perhaps there is nothing yet that could be read; to write is what matters.
            self._move(Phase.WRITING)
            return
        event = self._registering.failed(failure, now)
        if for_good and self.phase is Phase.CONFIRMING:
            event = msgspec.structs.replace(event, seconds=None)
            self._move(Phase.DONE)
        self._emit(event)

    def _end_notice(self, notice: Notice, outcome: RestOutcome, now: float) -> None:
        if not isinstance(outcome, Failure):
            self._notifying.succeeded()
        elif not outcome.passing and not outcome.is_authentication:
            self._drop(1, outcome.reason, certainly=True)  # another try would end the same way
        else:
            if self._outbox.put_back(notice) is not None:
                self._drop(1, _TOO_MANY)
            if self._until is None:
                self._emit(self._notifying.failed(outcome, now))
            else:
                self.abort(outcome.reason)

    def _end_if_done(self) -> None:
        if self._until is not None and not self.waiting:
            self.over = True

    def _drop(self, count: int, reason: str, *, certainly: bool = False) -> None:
        """Count what was dropped, and say so: each time, or each time that it is twice as much."""
        before, self.dropped = self.dropped, self.dropped + count
        if certainly or self.dropped.bit_length() > before.bit_length():
            self._emit(NoticesDropped(count=self.dropped, reason=reason))

    def _move(self, phase: Phase) -> None:
        if phase not in TRANSITIONS[self.phase]:
            raise LocalProtocolError(f"no way from {self.phase.value} to {phase.value}")
        self.phase = phase


_TOO_MANY = "too many wait: Dojo could not be told for a long time"


def mismatch(settings: Settings) -> str:
    """What keeps the API from being called at all, or nothing."""
    if settings.address.is_loopback and settings.api_url == API_URL:
        return (
            "the gateway is on this machine and api_url is Dojo's own, which knows nothing of it; "
            "set api_url (DOJO_API_URL) to the REST side of the local gateway"
        )
    return ""
