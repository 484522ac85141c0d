"""What waits to leave a connection, in which order it leaves, and how far it has got."""

from dojo_proto.framing import Framing
from dojo_proto.keepalive import Keepalive

MAX_PINGS = 16
"""Pings that are remembered until their pong comes: of a slow peer several are on their way."""

MAX_PONGS = 16
"""Pongs that wait to leave: some peers count them, and a flood of pings shall not cost memory."""


class Outbound:
    """The rest of what has begun to leave, control frames, messages, and the Close behind them.

    Driven by a connection; tells the keepalive what has left. A mark is the number of frames with
    messages that were ever put in: the peer has a message when it has all up to the message's mark.
    """

    __slots__ = (
        "_confirm",
        "_frames",
        "_keepalive",
        "_pinged",
        "_pongs",
        "_proven",
        "_queued",
        "_taken",
        "begun",
        "close",
        "ping",
        "written",
    )

    def __init__(self, keepalive: Keepalive) -> None:
        self._keepalive = keepalive
        self.begun: bytes | memoryview = b""
        """What was already made to leave, and has not left."""
        self.ping: bytes | None = None
        self.close: tuple[int | None, str] | None = None
        """Made into a frame when it leaves, so that its mask does not depend on how input came."""
        self.written = 0
        """The mark up to which messages have been written, as far as can be known."""
        # Pings that have left and have no answer yet: payload, when, and the mark before each.
        self._pinged: list[tuple[bytes, float, int]] = []
        # Payloads of pongs, and frames of messages.
        self._pongs: list[bytes] = []
        self._frames: list[bytes] = []
        self._queued = 0
        self._taken = 0
        # The mark of the newest message whose arrival is to be proven, and the one up to which it
        # has been.
        self._confirm = 0
        self._proven = 0

    def size(self) -> int:
        """Bytes of messages that wait."""
        return self._queued + len(self.begun)

    @property
    def unproven(self) -> bool:
        """Whether a message to be confirmed has left, and no ping behind it."""
        covered = self._pinged[-1][2] if self._pinged else -1
        return self.ping is None and max(covered, self._proven) < self._confirm <= self._taken

    def put(self, frame: bytes, *, confirm: bool) -> int:
        """Queue a frame with a message, or with a part of one, and return its mark.

        `confirm` if its arrival is to be proven.
        """
        self._frames.append(frame)
        self._queued += len(frame)
        mark = self._taken + len(self._frames)
        if confirm:
            self._confirm = mark
        return mark

    def pong(self, payload: bytes) -> None:
        """Queue a pong. RFC 6455 section 5.5.3: of several pings only the newest need have one."""
        self._pongs.append(payload)
        del self._pongs[:-MAX_PONGS]

    def answered(self, payload: bytes) -> tuple[float, int] | None:
        """The pong with `payload` came: when its ping left, and the mark that it proves.

        RFC 6455 section 5.5.3: it may stand for the pings before it too, which get none then.
        """
        for number, (sent, left_at, mark) in enumerate(self._pinged, start=1):
            if sent == payload:
                del self._pinged[:number]
                self._proven = mark
                return left_at, mark
        return None

    def take(self, framing: Framing | None, limit: int, now: float) -> bytes:
        """Up to `limit` bytes that leave now; all that was taken before has been written.

        Without `framing` only what has begun already: before the upgrade there are no frames.
        """
        if not self.begun:
            self.written = self._taken
            frames = self._frames
            if not (self._pongs or self.close) and self.ping is None and self._queued <= limit:
                # Messages and nothing else, or nothing at all: as it is nearly always.
                if not frames:
                    return b""
                data = b"".join(frames)
                self._note_taken(len(frames), now)
                self._queued = 0
                frames.clear()
                self._keepalive.sent(now)
                return data
        if framing is not None and len(self.begun) < limit:
            self._begin(framing, limit - len(self.begun), now)
        if len(self.begun) <= limit:
            data, self.begun = bytes(self.begun), b""
        else:
            # The rest as a view: copying it each time would be quadratic.
            view = memoryview(self.begun)
            data, self.begun = bytes(view[:limit]), view[limit:]
        self._keepalive.sent(now)
        return data

    def clear(self) -> None:
        """Nothing that waits will leave any more."""
        self.begun = b""
        self._frames.clear()
        self._queued = 0
        self._pongs.clear()
        self.ping = self.close = None

    def _note_taken(self, number: int, now: float) -> None:
        """So many more frames with messages leave."""
        if number and self._taken < self._confirm:
            # Of many that wait the last may leave much later: those that have left are not to wait
            # for it.
            self._keepalive.confirm(now)
        self._taken += number

    def _begin(self, framing: Framing, room: int, now: float) -> None:
        """Control frames go between frames, before every message (RFC 6455 section 5.4)."""
        parts = [self.begun]
        while self._pongs and room > 0:
            parts.append(framing.pong(self._pongs.pop(0)))
            room -= len(parts[-1])
        if self.ping is not None and room > 0:
            parts.append(framing.ping(self.ping))
            room -= len(parts[-1])
            self._pinged.append((self.ping, now, self._taken))
            del self._pinged[:-MAX_PINGS]
            self.ping = None
            self._keepalive.ping_left(now)
        number = 0
        while number < len(self._frames) and room > 0:
            parts.append(self._frames[number])
            room -= len(parts[-1])
            self._queued -= len(parts[-1])
            number += 1
        del self._frames[:number]
        self._note_taken(number, now)
        if self.close is not None and room > 0:
            parts.append(framing.close(*self.close))
            self.close = None
        self.begun = b"".join(parts)
