"""An echo on plain blocking sockets, in both roles, around the library's own connections.

Client and gateway are put together as in production; only what they make of a message is replaced.
"""

import os
import socket
from collections.abc import Callable
from time import monotonic

from dojo_proto import Settings
from dojo_proto.connecting import connect
from dojo_proto.connection import Connection, ConnectionEvent, State
from dojo_proto.framing import Message
from dojo_proto.gateway import Gateway
from dojo_proto.stage import Asked

_MAX_MESSAGE = 32 << 20
"""Bytes; the largest message of the suite has 16 MiB."""
_MAX_OUTBOUND = 256 << 20
_PIECE = 1 << 16
"""Bytes that are read or written at once."""
_PATIENCE = 30.0
"""Seconds that a write, or the peer's end of the stream, may take."""

Take = Callable[[Connection, ConnectionEvent], None]
"""What is made of a connection's events."""


def ask(url: str, take: Take) -> None:
    """Connect to `url` as an EPOS does, and `take` what happens until the connection is over."""
    settings = Settings(
        api_key="sk_sandbox_conformance",
        url=url,
        compression=True,
        max_message_size=_MAX_MESSAGE,
        max_outbound=_MAX_OUTBOUND,
    )
    connection = connect(
        settings,
        software_house_id="conformance",
        api_key="sk_sandbox_conformance",
        deadline=monotonic() + settings.open_timeout,
        entropy=os.urandom,
        now=monotonic(),
    )
    address = settings.address
    with socket.create_connection((address.host, address.port)) as sock:
        _converse(sock, connection, take)


def answer(sock: socket.socket, take: Take) -> None:
    """Let in whoever has connected, as the gateway does, and `take` what happens until the end."""
    gateway = Gateway(
        entropy=os.urandom,
        now=monotonic(),
        compression=True,
        max_message_size=_MAX_MESSAGE,
        max_outbound=_MAX_OUTBOUND,
    )

    # Below its JSON-RPC, which has no use for an echo.
    def let_in(connection: Connection, event: ConnectionEvent) -> None:
        if isinstance(event, Asked):
            connection.settle(gateway._upgrade.accept(), monotonic())
        else:
            take(connection, event)

    with sock:
        _converse(sock, gateway._connection, let_in)


def echoing(connection: Connection, event: ConnectionEvent) -> None:
    """Send each message back."""
    if isinstance(event, Message):
        send(connection, event)


def send(connection: Connection, message: Message) -> None:
    """Queue `message`. The library sends nothing binary: that frame differs in its opcode alone."""
    if connection.send_text(message.data, monotonic()) is not None and message.binary:
        frames = connection._outbound._frames
        # RFC 6455 section 11.8: 1 is text, 2 is binary.
        frames[-1] = bytes([frames[-1][0] + 1]) + frames[-1][1:]


def _converse(sock: socket.socket, connection: Connection, take: Take) -> None:
    """Carry bytes both ways until the connection is over and the peer has ended the stream."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        while (event := connection.next_event()) is not None:
            take(connection, event)
        if data := connection.data_to_send(monotonic(), _PIECE):
            sock.settimeout(_PATIENCE)
            try:
                sock.sendall(data)
            except OSError:
                connection.receive_eof(monotonic())
        elif connection.state is State.CLOSED:
            break
        else:
            _receive(sock, connection)
    _linger(sock)


def _receive(sock: socket.socket, connection: Connection) -> None:
    """Wait for bytes, the end of the stream, or the timer, and tell the connection."""
    timer = connection.next_timer()
    assert timer is not None
    sock.settimeout(max(timer - monotonic(), 0.001))
    try:
        data = sock.recv(_PIECE)
    except TimeoutError:
        connection.handle_timer(monotonic())
        return
    except OSError:
        data = b""  # a reset
    if data:
        connection.receive_data(data, monotonic())
    else:
        connection.receive_eof(monotonic())


def _linger(sock: socket.socket) -> None:
    """End the stream, and read until the peer has: a reset would take the Close frame with it."""
    sock.settimeout(_PATIENCE)
    try:
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(_PIECE):
            pass
    except OSError:
        pass  # the peer was quicker
