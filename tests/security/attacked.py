"""The client as a hostile gateway meets it: bytes in, and time that passes as the test says."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from tests.proto.till import Till
from tests.proto.wired import KEY, counting, plain

from dojo_proto import Client
from dojo_proto.events import Closed, Event
from dojo_proto.framing import CloseFrame, Framing
from dojo_proto.handshake import accept_token
from dojo_proto.work import Begin, Run

READ = 65536
"""Bytes that an adapter reads at once, at most."""


def repeated(piece: bytes, size: int) -> Iterator[bytes]:
    """`size` bytes or a little more of a stream that repeats `piece`, as an adapter reads them."""
    block = piece * max(1, READ // len(piece))
    return islice(iter(lambda: block, None), max(1, size // len(block)))


class Attacked:
    """One connection of the client. Handlers never return, and nothing is read unless told."""

    def __init__(self, *, observe: bool = False, **settings: Any) -> None:
        self.now = 0.0
        self.client = Client(
            Till().epos, plain(**settings), entropy=counting(), uniform=lambda: 0.0, observe=observe
        )
        self.client.start(self.now)
        link = self.client.dial_succeeded(1, KEY, self.now)
        assert link is not None
        self.link = link
        self.request = self.client.data_to_send(link, self.now)
        self.events: list[Event] = []
        self.runs = 0
        self.begins = 0
        self.fed = 0

    def upgraded(self, extensions: str = "") -> "Attacked":
        """Be a gateway that is well, up to here."""
        self.hear(
            self.answer(*((f"Sec-WebSocket-Extensions: {extensions}",) if extensions else ()))
        )
        assert self.client.status().state == "up"
        return self

    def answer(self, *more: str, accept: str = "", status: str = "101 Go") -> bytes:
        """The head of an answer to the upgrade: right, but for what the test says."""
        accept = accept or self.accept
        lines = (
            f"HTTP/1.1 {status}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept}",
            *more,
        )
        return "\r\n".join((*lines, "", "")).encode()

    @property
    def accept(self) -> str:
        """The right token."""
        [key] = [
            line.partition(": ")[2]
            for line in self.request.decode().split("\r\n")
            if line.lower().startswith("sec-websocket-key:")
        ]
        return accept_token(key)

    def hear(self, *pieces: bytes) -> None:
        self.suffer(pieces)

    def suffer(self, stream: Iterable[bytes], *, seconds_each: float = 0.0) -> None:
        """Take a stream piece by piece until the connection is over or the stream is."""
        for piece in stream:
            if self.closed is not None:
                return
            self.client.receive_data(self.link, piece, self.now)
            self.fed += len(piece)
            self._attend()
            self.pass_time(seconds_each)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.client.handle_timer(self.now)
        self._attend()

    def read(self) -> bytes:
        """All that it wants to send now."""
        return b"".join(iter(lambda: self.client.data_to_send(self.link, self.now), b""))

    @property
    def closed(self) -> Closed | None:
        return next((event for event in self.events if isinstance(event, Closed)), None)

    def over(self) -> Closed:
        """How the connection ended, which it has."""
        assert self.closed is not None, self.client.status()
        return self.closed

    def close_code(self) -> int:
        """The code of the Close frame that it says, which ends what it has to say."""
        server = Framing(client=False, entropy=counting(), max_message_size=1 << 20)
        [*_, last] = server.receive_data(self.read())
        assert isinstance(last, CloseFrame), last
        return last.code

    def _attend(self) -> None:
        while (work := self.client.next_work()) is not None:
            self.runs += isinstance(work, Run)
            self.begins += isinstance(work, Begin)
        while (event := self.client.next_event()) is not None:
            self.events.append(event)
