"""A listening socket on a running event loop.

`asyncio.Server` is not used: when it is closed between an accept and the connection's beginning, as
a test that stops listening does, CPython 3.13 fails an assertion and leaves the accepted socket
open.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

_BACKLOG = 100
_SCARCE = {EMFILE, ENFILE, ENOBUFS, ENOMEM}
_PAUSE = 0.2
"""Seconds: who is not accepted stays in the backlog, so that the loop would try at every turn."""
_SETTLE = 0.2
"""Seconds: without TLS a connection begins at once."""


class Listener:
    """Listens from when it is made, on its running loop, until `close`.

    Each connection gets a protocol from `make`. `port` 0 takes a free one. Raises OSError if it
    cannot listen.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.BaseProtocol],
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._make = make
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[None]] = set()
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._socket = socket.create_server(address, family=family, backlog=_BACKLOG)
        self._socket.settimeout(0)
        self.port: int = self._socket.getsockname()[1]
        """Where it listens; never 0."""
        self._pause: asyncio.TimerHandle | None = None
        self._listen()

    def close(self) -> None:
        """Accept nobody any more. Who was accepted stays."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    async def settle(self) -> None:
        """Return when everybody who was accepted has a protocol; a TLS that takes long is ended."""
        if self._beginning:
            _, late = await asyncio.wait(self._beginning, timeout=_SETTLE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _listen(self) -> None:
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        try:
            accepted, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # whoever it was has gone already
        except OSError as error:
            if error.errno not in _SCARCE:
                raise
            self._loop.remove_reader(self._socket)
            self._pause = self._loop.call_later(_PAUSE, self._listen)
            message = f"no socket to accept a connection with: it is tried again in {_PAUSE:g} s"
            self._loop.call_exception_handler({"message": message, "exception": error})
            return
        accepted.settimeout(0)
        task = self._loop.create_task(self._begin(accepted))
        self._beginning.add(task)
        task.add_done_callback(self._beginning.discard)

    async def _begin(self, accepted: socket.socket) -> None:
        with suppress(OSError):  # ssl.SSLError among them: a handshake that could not go on
            await self._loop.connect_accepted_socket(self._make, accepted, ssl=self._tls)


def streams(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    limit: int = 1 << 16,
) -> Callable[[], asyncio.BaseProtocol]:
    """Protocols for a Listener that have `serve` called with streams; lines of up to `limit`."""
    return lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(limit), serve)
