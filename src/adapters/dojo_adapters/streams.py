"""How a loop of asyncio's that has sockets of its own carries a link: uvloop, and Windows' loop."""

import asyncio
import socket
from threading import local
from time import monotonic
from typing import Self, cast

from dojo_adapters.engine import Engine
from dojo_adapters.service import Latch
from dojo_adapters.tls import Wire
from dojo_proto import Link

_CHUNK = 65536


class _Room(local):
    """Where reads put what has come in: one for a thread, since it is taken at once.

    With a plain Protocol the loop gets memory for each read, and far more than is needed.
    """

    def __init__(self) -> None:
        self.view = memoryview(bytearray(_CHUNK))


_room = _Room()


class Stream(asyncio.BufferedProtocol):
    """Carries the bytes of one link over a transport of the loop's. Driven by the loop."""

    __slots__ = ("_engine", "_link", "_paused", "_sock", "_taken", "_transport", "_wire", "closed")

    def __init__(self, engine: Engine, sock: socket.socket, link: Link, wire: Wire) -> None:
        self._engine = engine
        self._sock = sock
        self._link = link
        self._wire = wire
        self._transport: asyncio.Transport | None = None
        # The loop has begun to take the socket, and will close it.
        self._taken = False
        self._paused = False
        self.closed = Latch(asyncio.Event)
        """The socket is closed, or was never carried."""

    def taken_up(self) -> Self:
        """The loop takes the socket, and asks for its protocol: this."""
        self._taken = True
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has taken the socket."""
        self._transport = cast("asyncio.Transport", transport)
        # Paused until the buffer is empty: the client keeps what waits, and counts it.
        self._transport.set_write_buffer_limits(high=0)
        self.settle()

    def get_buffer(self, _sizehint: int) -> memoryview:
        """Where the next read goes."""
        return _room.view

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes came in."""
        self._wire.receive(bytes(_room.view[:nbytes]), monotonic())
        self._engine.respond()

    def eof_received(self) -> bool:
        """The peer has ended the stream."""
        self._wire.receive_eof(monotonic())
        self._engine.turn()
        return True  # the engine closes the socket

    def connection_lost(self, exc: Exception | None) -> None:
        """The loop has closed the socket."""
        self._transport = None
        # A socket that is lost at once is closed by uvloop and stays open to Python, which would
        # close it again, whosever its number is by then. Elsewhere it is closed in the next turn.
        asyncio.get_running_loop().call_soon(self._sock.detach)
        self.closed.set()
        self._engine.lost(self._link, exc)

    def failed(self, error: BaseException | None) -> None:
        """The loop did not take the socket."""
        self._sock.close()
        self.closed.set()
        self._engine.lost(self._link, error)

    def cancelled(self) -> None:
        """The loop was not to take the socket any more."""
        if self._taken:
            self._sock.detach()  # the loop has closed it by now; uvloop says nothing of that
        self.failed(None)

    def pause_writing(self) -> None:
        """The socket takes no more bytes for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """The socket has taken all that there were."""
        self._paused = False
        self._engine.turn()  # not only to write: a ping may be due soon after what leaves now

    def settle(self) -> bool:
        """Write what waits, and drop the socket when its link is over.

        True, since that takes the loop a while: somebody has to wait until it is `closed`.
        """
        if self._transport is not None:
            while not self._paused and (data := self._wire.data_to_send(monotonic())):
                self._transport.write(data)
            if not self._engine.carries(self._link):
                self._transport.abort()
        return True
