"""The socket of one connection, and the machine that speaks on it."""

import asyncio
import socket
import struct
from abc import abstractmethod
from collections.abc import Callable
from typing import cast

from dojo_proto.connection import State
from dojo_proto.gateway import Gateway, GatewayEvent

# On, and for 0 seconds: the close of such a socket resets the connection (RFC 9293 section 3.10.4).
_RESET = struct.pack("hh" if hasattr(socket, "SO_EXCLUSIVEADDRUSE") else "ii", 1, 0)


class Session(asyncio.Protocol):
    """Carries bytes between a transport and a Gateway. Lives on the thread of its loop.

    `handle` is called with each of the machine's events, in order.
    """

    def __init__(self, machine: Gateway) -> None:
        self.machine = machine
        self.silent = False
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        """Done when the socket is closed."""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._writable = True

    @abstractmethod
    def handle(self, event: GatewayEvent) -> None:
        """Take an event of the machine."""

    @property
    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._loop.time()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open, and its TLS if it has any."""
        self._transport = cast("asyncio.Transport", transport)
        # The machine gives its next bytes only when the last ones have left. Not 0: asyncio's TLS
        # takes an empty buffer for a full one then, and nothing tells it that it has room.
        self._transport.set_write_buffer_limits(high=1)
        self.pump()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if not self.silent:
            self.machine.receive_data(data, self.now)
            self.pump()

    def eof_received(self) -> None:
        """The EPOS has ended the stream; the transport closes."""
        self.machine.receive_eof(self.now)
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """The socket is closed."""
        self._transport = None
        self.machine.receive_eof(self.now)
        self.pump()
        self.lost.set_result(None)

    def pause_writing(self) -> None:
        """The last write has not left yet."""
        self._writable = False

    def resume_writing(self) -> None:
        """The last write has left."""
        self._writable = True
        self.pump()

    # What the owner calls.

    def pump(self) -> None:
        """Carry what the machine has to say, until it has nothing more."""
        while True:
            while (event := self.machine.next_event()) is not None:
                self.handle(event)
            if self._transport is None or not self._writable or self.silent:
                break
            data = self.machine.data_to_send(self.now)
            if not data:
                break
            self._transport.write(data)
        self._close_if_over()
        self._set_timer()

    def drop(self) -> None:
        """Reset the connection, without a Close frame."""
        self.machine.abort(self.now)
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        self.pump()

    def later(self, seconds: float, step: Callable[..., None], *args: object) -> None:
        """Take a step of this session's connection in so many seconds."""
        self._loop.call_later(seconds, step, *args)

    def abandon(self) -> None:
        """Close the socket now, whatever has not left yet."""
        if self._transport is not None:
            self._transport.abort()

    def fall_silent(self) -> None:
        """From now on drop what comes in and send nothing, until the socket is closed."""
        self.silent = True
        self._set_timer()

    # Inside.

    def _close_if_over(self) -> None:
        over = self.machine.state is State.CLOSED and self._writable
        if over and self._transport is not None:
            self._transport.close()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        when = None if self.silent else self.machine.next_timer()
        self._timer = None if when is None else self._loop.call_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self.machine.handle_timer(self.now)
        self.pump()
