"""Opens many connections in a fresh process and keeps them: `python -m benchmarks.holding WHO …`.

The arguments are the contestant, how many connections, how many are opened at a time, the port, and
the file of the CA ("" without TLS). One line of JSON comes out when all are open: see Held.
"""

import asyncio
import gc
import resource
import ssl
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import msgspec

from benchmarks.child import end_with_parent

_PING_AFTER = 20.0  # seconds, as dojo-proto has it and websockets too

Open = Callable[[], Awaitable[object]]
"""Opens a connection. What it returns is kept."""


class Held(msgspec.Struct):
    """What the connections have cost, those that were the first in their lanes left out."""

    kib: float
    """KiB of memory that is this process's own, for each."""
    rate: float
    """Connections opened in a second of this process's CPU time, kernel included."""


def ours(port: int, context: ssl.SSLContext | None) -> Open:
    """Whole services, as somebody has them who serves many tills from one process."""
    from benchmarks.material import epos, settings  # noqa: PLC0415 - the others do without
    from dojo_adapters.asyncio import open_service  # noqa: PLC0415

    till, chosen = epos(), settings(port)
    options: dict[str, Any] = {}
    if context is not None:
        chosen = msgspec.structs.replace(chosen, url=f"wss://127.0.0.1:{port}/epos")
        options["ssl_context"] = context

    async def open_one() -> object:
        manager = open_service(till, chosen, **options)
        service = await manager.__aenter__()
        if not await service.ready():
            raise RuntimeError("the service has ended")
        return manager

    return open_one


def websockets(port: int, context: ssl.SSLContext | None) -> Open:
    """Connections with their keepalive, and a task each that reads, which is what answers pings."""
    from websockets.asyncio.client import ClientConnection, connect  # noqa: PLC0415

    async def read(connection: ClientConnection) -> None:
        async for _ in connection:
            raise RuntimeError("nothing was to come")

    async def open_one() -> object:
        connection = await connect(
            _url("ws", port, context), ssl=context, compression=None, ping_interval=_PING_AFTER
        )
        return asyncio.create_task(read(connection))

    return open_one


def aiohttp(port: int, context: ssl.SSLContext | None) -> Open:
    """Connections with a heartbeat, and a task each that reads, which is what answers pings."""
    from aiohttp import ClientSession, ClientWebSocketResponse, TCPConnector  # noqa: PLC0415

    session = ClientSession(connector=TCPConnector(limit=0))

    async def read(connection: ClientWebSocketResponse) -> None:
        async for _ in connection:
            raise RuntimeError("nothing was to come")

    async def open_one() -> object:
        connection = await session.ws_connect(
            _url("http", port, context), ssl=context or True, heartbeat=_PING_AFTER
        )
        return asyncio.create_task(read(connection))

    return open_one


def picows(port: int, context: ssl.SSLContext | None) -> Open:
    """Connections that ping by themselves."""
    from picows import WSListener, ws_connect  # noqa: PLC0415

    return partial(
        ws_connect,
        WSListener,
        _url("ws", port, context),
        ssl_context=context,
        enable_auto_ping=True,
        auto_ping_idle_timeout=_PING_AFTER,
    )


def transport(port: int, context: ssl.SSLContext | None) -> Open:
    """Nothing but asyncio's transport, after a handshake that nobody judges."""

    class Upgraded(asyncio.Protocol):
        __slots__ = ("open",)

        def __init__(self) -> None:
            self.open: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            if isinstance(transport, asyncio.WriteTransport):
                transport.write(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: 0\r\n\r\n")

        def data_received(self, data: bytes) -> None:
            if self.open is not None and data.startswith(b"HTTP/1.1 101"):
                self.open.set_result(None)
                self.open = None

    async def open_one() -> object:
        loop = asyncio.get_running_loop()
        made, protocol = await loop.create_connection(Upgraded, "127.0.0.1", port, ssl=context)
        if protocol.open is not None:
            await protocol.open
        return made

    return open_one


CONTESTANTS = {each.__name__: each for each in (ours, websockets, aiohttp, picows, transport)}


def _url(scheme: str, port: int, context: ssl.SSLContext | None) -> str:
    return f"{scheme}{'' if context is None else 's'}://127.0.0.1:{port}/epos"


async def _hold(who: str, number: int, lanes: int, port: int, ca: str) -> None:
    context = ssl.create_default_context(cafile=ca) if ca else None
    open_one = CONTESTANTS[who](port, context)
    held: list[object] = []

    async def lane(count: int) -> None:
        held.extend([await open_one() for _ in range(count)])

    await asyncio.gather(*(lane(1) for _ in range(lanes)))
    size, taken = _own_kib(), process_time()
    await asyncio.gather(*(lane((number + at) // lanes) for at in range(lanes)))
    taken = process_time() - taken
    await asyncio.sleep(0.1)  # for what follows an opening: threads end, tickets of TLS come
    # Less than a page cannot be told.
    grown = max(4, _own_kib() - size)
    found = Held(kib=grown / number, rate=number / taken)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _own_kib() -> int:
    """KiB that would be free without this process."""
    gc.collect()
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def allow_many_sockets() -> None:
    """As many as the system lets this process have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    end_with_parent()
    allow_many_sockets()
    who, *numbers, ca = sys.argv[1:]
    number, lanes, port = map(int, numbers)
    asyncio.run(_hold(who, number, lanes, port, ca))
