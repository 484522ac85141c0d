"""No contestant: it answers each request with the same frame, whatever was asked.

How fast the load is against this is how fast it can be.
"""

import asyncio
from typing import cast

from benchmarks.load import frames, unmasked
from benchmarks.material import answered_blocking, request
from benchmarks.peers.loops import run

_MASK = b"mask"


def _answer() -> bytes:
    payload = answered_blocking(request(0))
    return b"\x81\xfe" + len(payload).to_bytes(2) + _MASK + unmasked(_MASK, payload)


class _Sink(asyncio.Protocol):
    def __init__(self) -> None:
        self._frame, self._size = _answer(), frames()[1]
        self._rest = 0
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(
            b"GET /epos HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/"):
            data = data.partition(b"\r\n\r\n")[2]
        count, self._rest = divmod(self._rest + len(data), self._size)
        self._transport.write(self._frame * count)


async def _main(port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_connection(_Sink, "127.0.0.1", port)
    await loop.create_future()


def serve(port: int, loop: str) -> None:
    """Serve on "asyncio" or "uvloop"."""
    run(_main(port), loop)
