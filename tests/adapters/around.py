"""What is around the bytes of a link that a runtime carries."""

from typing import Any

from dojo_adapters.sockets import SocketTransport
from dojo_adapters.streams import Stream
from dojo_proto import Link

LINK = Link(number=1, server_hostname=None)


class Around:
    """What is around a transport: its engine, and its wire with the bytes that are `to_send`."""

    def __init__(self) -> None:
        self.to_send: list[bytes] = []
        self.told: list[tuple[Any, ...]] = []
        self.over = False
        self.transport: SocketTransport | Stream | None = None

    # The engine.

    def carries(self, _link: Link) -> bool:
        return not self.over

    def lost(self, link: Link, error: BaseException | None) -> None:
        self.told.append(("lost", link, error))
        self.over = True
        if self.transport is not None:
            self.transport.settle()  # as its turn does

    def turn(self) -> None:
        self.told.append(("turn",))
        if self.transport is not None:
            self.transport.settle()

    # The wire.

    def receive(self, data: bytes, _now: float) -> None:
        self.told.append(("received", data))

    def receive_eof(self, _now: float) -> None:
        self.told.append(("end",))

    def data_to_send(self, _now: float) -> bytes:
        return self.to_send.pop(0) if self.to_send else b""
