"""An EPOS with websockets, on asyncio."""

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.material import answered
from benchmarks.peers.loops import Tasks, run


async def _answer(socket: ClientConnection, data: bytes) -> None:
    await socket.send(await answered(data), text=True)


async def _main(port: int) -> None:
    tasks = Tasks()
    async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as socket:
        while True:
            tasks.start(_answer(socket, await socket.recv(decode=False)))


def serve(port: int, loop: str) -> None:
    """Serve on "asyncio" or "uvloop"."""
    run(_main(port), loop)
