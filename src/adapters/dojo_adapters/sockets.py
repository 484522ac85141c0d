"""How a runtime that waits for sockets itself carries a link: threads, trio, asyncio."""

import socket
from abc import ABC, abstractmethod
from time import monotonic

from dojo_adapters.engine import Engine
from dojo_adapters.tls import Wire
from dojo_proto import Link

_CHUNK = 65536


class SocketTransport(ABC):
    """Carries the bytes of one link over a socket that does not block.

    The runtime calls `read` when there is something to read. It calls `settle` in each turn, and
    has a turn taken when the socket takes bytes again.
    """

    __slots__ = ("_over", "_unsent", "_wire", "engine", "link", "sock", "stuck")

    def __init__(self, engine: Engine, sock: socket.socket, link: Link, wire: Wire) -> None:
        self.engine = engine
        self.sock = sock
        self.link = link
        self._wire = wire
        self._unsent = b""
        self.stuck = False
        """The socket takes no more bytes for now."""
        self._over = False

    @abstractmethod
    def watch(self, *, stuck: bool) -> None:
        """The socket takes no more bytes, or has taken all that there were."""

    @abstractmethod
    def drop(self) -> None:
        """Stop reading and close the socket."""

    def read(self) -> None:
        """Take what has come in."""
        try:
            data = self.sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.engine.lost(self.link, error)
            return
        if data:
            self._wire.receive(data, monotonic())
        else:
            self._wire.receive_eof(monotonic())

    def settle(self) -> bool:
        """Write what waits; False when the link is over, and the socket dropped."""
        if not self._over:
            self._flush()
        # A link that is lost in the midst of this has had its own turn by now.
        if not self._over and not self.engine.carries(self.link):
            self.let_go()
        return not self._over

    def let_go(self) -> None:
        """Carry nothing any more."""
        if not self._over:
            self._over = True
            self.drop()

    def _flush(self) -> None:
        """Write as far as the socket takes it: the client keeps the rest, and counts it."""
        try:
            while data := self._unsent or self._wire.data_to_send(monotonic()):
                self._unsent = data
                self._unsent = data[self.sock.send(data) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._unsent = b""
            self.engine.lost(self.link, error)
            return
        stuck = bool(self._unsent)
        if stuck is not self.stuck:
            self.stuck = stuck
            self.watch(stuck=stuck)
