"""An EPOS with aiohttp's client."""

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from benchmarks.material import answered
from benchmarks.peers.loops import Tasks, run


async def _answer(socket: ClientWebSocketResponse, data: str) -> None:
    await socket.send_frame(await answered(data), WSMsgType.TEXT)


async def _main(port: int) -> None:
    tasks = Tasks()
    async with (
        ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{port}/") as socket,
    ):
        async for message in socket:
            tasks.start(_answer(socket, message.data))


def serve(port: int, loop: str) -> None:
    """Serve on "asyncio" or "uvloop"."""
    run(_main(port), loop)
