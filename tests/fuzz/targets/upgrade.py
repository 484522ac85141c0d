"""The gateway's side: the request for an upgrade, and what the EPOS says then.

Input: a byte of options (1 compresses, 2 refuses), one that says where to cut, the request as a
chunk, and what follows once the upgrade is answered.
"""

from typing import Any

from tests.fuzz.reader import Reader, however_cut

from dojo_proto.connection import Ended, Open
from dojo_proto.connection import State as ConnectionState
from dojo_proto.gateway import Answered, Gateway, GatewayEvent, Unanswered
from dojo_proto.stage import Asked

MAX_HEADER = 16 << 10
CALLS = ("a", "b")
"""The ids of the requests that the EPOS gets."""


def target(data: bytes) -> None:
    """The gateway asks about sound requests only, and each of its calls has one end."""
    script = Reader(data)
    options, at, request, stream = script.byte(), script.byte(), script.chunk(), script.rest()
    asking = _Played(options)

    def ask(pieces: list[bytes]) -> list[Any]:
        nonlocal asking
        asking = _Played(options)
        asking.feed(pieces)
        return asking.seen()

    events = however_cut(ask, request, at)
    asked = [event for event in events if isinstance(event, Asked)]
    assert len(asked) <= 1, "it asked twice"
    assert not asked or (b"GET " in request and b" HTTP/1.1" in request)
    if asking.gateway.state is not ConnectionState.OPEN:
        asking.end()
        return

    def answer(pieces: list[bytes]) -> list[Any]:
        played = _Played(options)
        played.feed([request])
        played.call()
        played.feed(pieces)
        played.end()
        return played.seen()

    events = however_cut(answer, stream, at)
    numbers = [each.call for each in events if isinstance(each, Answered | Unanswered)]
    assert sorted(numbers) == sorted(set(numbers)), "a call has two ends"
    assert len(numbers) in {0, len(CALLS)}, "a call has no end"
    assert isinstance(events[0], Asked)


class _Played:
    """A gateway, and everything that comes of what it is fed."""

    def __init__(self, options: int) -> None:
        self.gateway = Gateway(
            entropy=lambda size: b"\x00" * size,
            now=0,
            max_message_size=1024,
            max_outbound=4096,
            compression=bool(options & 1),
        )
        self.refuses = bool(options & 2)
        self.events: list[GatewayEvent] = []
        self.out = b""

    def feed(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self.gateway.receive_data(piece, 1)
            self.collect()

    def call(self) -> None:
        for name in CALLS:
            if self.gateway.state is ConnectionState.OPEN:
                self.gateway.call(name, "SearchOrdersV1", {}, 1)
        self.collect()

    def collect(self) -> None:
        while (event := self.gateway.next_event()) is not None:
            self.events.append(event)
            if isinstance(event, Asked):
                _check_asked(event)
                if self.refuses:
                    self.gateway.refuse(503, "not now", 1)
                else:
                    self.gateway.accept(1)

    def end(self) -> None:
        """Drain what there is to send, and let the stream end."""
        self.seen()
        self.gateway.receive_eof(2)
        self.collect()
        self.gateway.handle_timer(100)
        self.collect()
        assert self.gateway.state is ConnectionState.CLOSED
        assert self.gateway.next_timer() is None
        ends = [isinstance(event, Ended) for event in self.events]
        assert ends.count(True) == 1, "it did not end once"
        assert ends[-1], "something happened behind the end"
        opened = [event for event in self.events if isinstance(event, Open)]
        assert len(opened) <= (not self.refuses)

    def seen(self) -> list[Any]:
        while data := self.gateway.data_to_send(1):
            self.out += data
        self.collect()
        if self.out:
            assert self.out.startswith(b"HTTP/1.1 "), "the upgrade was not answered first"
        waiting, _ = self.gateway._upgrade._http.trailing_data
        assert len(waiting) <= MAX_HEADER, f"{len(waiting)} bytes wait"
        return [*self.events, self.out]


def _check_asked(asked: Asked) -> None:
    """RFC 6455 section 4.2.1, as far as it can be told without a parser."""
    assert asked.values("sec-websocket-version") == ["13"]
    keys = asked.values("sec-websocket-key")
    assert [key.endswith("==") and len(key) == 24 for key in keys] == [True], "no sound key"
    assert "websocket" in asked.tokens("upgrade")
    assert "upgrade" in asked.tokens("connection")
    shown = repr(asked)
    for secret in asked.values("authorization"):
        assert len(secret) < 8 or secret not in shown, "the key is shown"
