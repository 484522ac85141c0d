"""When to ping, and when a peer is dead.

The vendor asks for a ping at least every 30 s when otherwise idle. Here a ping leaves when nothing
was *sent* for `interval`, so that the gateway never sees silence, or when nothing was *received*
for `interval`, so that a dead peer is noticed although this side keeps sending. One also leaves
soon after an answer whose arrival is to be confirmed.
"""

from enum import Enum

LATE = 1.0
"""Seconds: a timer that fires later says that this machine slept, not that the peer is dead."""

CONFIRM_AFTER = 1.0
"""Seconds from an answer that is to be confirmed to the ping that does so, one for all between."""


class Due(Enum):
    """What `Keepalive.handle_timer` asks for."""

    NOTHING = "nothing"
    PING = "ping"
    DEAD = "dead"


class Keepalive:
    """Decides on pings. Driven by its connection. All times are seconds of a monotonic clock."""

    __slots__ = (
        "_asked_at",
        "_interval",
        "_left_at",
        "_received_at",
        "_sent_at",
        "_spared",
        "_timeout",
        "_unconfirmed_at",
    )

    def __init__(self, *, interval: float, pong_timeout: float, now: float) -> None:
        self._interval = interval
        self._timeout = pong_timeout
        self._sent_at = now
        self._received_at = now
        # A ping was asked for at this time and has not left: the previous write is not finished.
        self._asked_at: float | None = None
        # The oldest unanswered ping left at this time: the pong time-out runs from here.
        self._left_at: float | None = None
        # A late timer has already been forgiven once during this silence.
        self._spared = False
        # Something whose arrival matters left at this time, and no ping has followed it.
        self._unconfirmed_at: float | None = None

    @property
    def received_at(self) -> float:
        """When the last byte came in, or the connection opened."""
        return self._received_at

    def sent(self, now: float) -> None:
        """Bytes have left."""
        self._sent_at = now

    def confirm(self, now: float) -> None:
        """Something has left whose arrival only the pong to a later ping can prove.

        So a ping follows it soon, however busy the connection is.
        """
        if self._unconfirmed_at is None:
            self._unconfirmed_at = now

    def asked(self, now: float) -> None:
        """A ping is to leave now, for a reason that is not known here."""
        self._asked_at = now

    def ping_left(self, now: float) -> None:
        """The ping that was asked for has left: the pong time-out starts."""
        self._unconfirmed_at = None
        self._sent_at = now
        self._asked_at = None
        if self._left_at is None:
            self._left_at = now

    def received(self, now: float) -> None:
        """Bytes came in. Any byte is life: the pong time-out ends."""
        self._received_at = now
        self._left_at = None
        self._spared = False

    def next_timer(self) -> float:
        """When to call `handle_timer`, in seconds of the monotonic clock."""
        dead_at = self._dead_at()
        if self._asked_at is not None and dead_at is not None:
            return dead_at
        if dead_at is not None:
            # While a pong is awaited, the peer is not to see silence either.
            return min(dead_at, self._sent_at + self._interval)
        due = min(self._sent_at, self._received_at) + self._interval
        if self._unconfirmed_at is not None:
            return min(due, self._unconfirmed_at + CONFIRM_AFTER)
        return due

    def handle_timer(self, now: float) -> Due:
        """Say what is due at `now`. Calling early or twice does no harm."""
        if now < self.next_timer():
            return Due.NOTHING
        dead_at = self._dead_at()
        if dead_at is None:
            self._spared = False  # the first ping of this silence
        elif now >= dead_at:
            if self._spared or now - dead_at <= LATE:
                return Due.DEAD
            # The machine slept through the time-out and the pong may lie unread, or be lost with a
            # peer that is well: ask once more before giving up.
            self._spared = True
            self._left_at = None
        self._asked_at = now
        return Due.PING

    def _dead_at(self) -> float | None:
        """When a peer that stays silent counts as dead; None if it was not asked."""
        if self._left_at is not None:
            return self._left_at + self._timeout
        if self._asked_at is not None:
            # A peer that neither reads nor sends is as dead as one that does not answer.
            return max(self._asked_at, self._sent_at, self._received_at) + self._timeout
        return None
