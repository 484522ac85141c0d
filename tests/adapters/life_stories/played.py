"""A gateway that does what a story says, byte by byte where it has to."""

import json
import socket
import struct
from types import TracebackType
from typing import Any, Self

from tests.adapters.life_stories.serving import DEADLINE
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)

_RESET = struct.pack("ii", 1, 0)  # on, and for 0 seconds: closing resets the connection


class Peer:
    """The gateway's end of one connection, on the server side of wsproto. Every step blocks."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(DEADLINE)
        self.socket = sock
        self._machine = WSConnection(ConnectionType.SERVER)
        self._events: list[Event] = []
        self._text = ""

    def read_upgrade(self) -> Request:
        request = self.next_event()
        assert isinstance(request, Request), request
        return request

    def upgrade(self) -> None:
        self.read_upgrade()
        self.send(AcceptConnection())

    def bytes_of(self, *events: Event) -> bytes:
        return b"".join(self._machine.send(event) for event in events)

    def send(self, *events: Event) -> None:
        self.socket.sendall(self.bytes_of(*events))

    def request(self, id: int, method: str, params: object = None) -> TextMessage:
        """The message that calls `method`."""
        call = {"jsonrpc": "2.0", "id": id, "method": method, "params": params or {}}
        return TextMessage(data=json.dumps(call))

    def next_event(self) -> Event:
        while not self._events:
            data = self.socket.recv(1 << 18)
            self._machine.receive_data(data or None)
            self._events.extend(self._machine.events())
        return self._events.pop(0)

    def next_answer(self) -> dict[str, Any]:
        """The next message, whole and decoded; pings before it are answered, pongs passed over."""
        while True:
            event = self.next_event()
            if isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished:
                    answer: dict[str, Any] = json.loads(self._text)
                    self._text = ""
                    return answer
            elif isinstance(event, Ping):
                self.send(event.response())
            else:
                assert isinstance(event, Pong), event

    def close(self, *before: Event) -> None:
        """Say Close in one breath with what goes `before`, and hear the answer to that."""
        self.send(*before, CloseConnection(code=1001))
        event = self.next_event()
        assert isinstance(event, CloseConnection), event
        self.socket.close()

    def reset(self) -> None:
        """Reset the TCP connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.socket.close()


class PlayedGateway:
    """Listens on this machine, and accepts when told to.

    With `buffer`, in bytes, the system keeps little of what a peer has not read yet.
    """

    def __init__(self, *, buffer: int | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        if buffer is not None:  # the connections inherit it
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self._listener.settimeout(DEADLINE)
        self._peers: list[Peer] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/epos"

    def accept(self) -> Peer:
        """Accept a TCP connection; nothing is read yet."""
        peer = Peer(self._listener.accept()[0])
        self._peers.append(peer)
        return peer

    def accept_epos(self) -> Peer:
        """Accept a connection and its upgrade."""
        peer = self.accept()
        peer.upgrade()
        return peer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()
        for peer in self._peers:
            peer.socket.close()
