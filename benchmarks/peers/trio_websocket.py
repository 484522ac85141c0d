"""An EPOS with trio-websocket."""

import trio
from trio_websocket import WebSocketConnection, open_websocket_url

from benchmarks.material import answered


async def _answer(socket: WebSocketConnection, data: str | bytes) -> None:
    await socket.send_message((await answered(data)).decode())


async def _main(port: int) -> None:
    async with (
        open_websocket_url(f"ws://127.0.0.1:{port}/") as socket,
        trio.open_nursery() as nursery,
    ):
        while True:
            nursery.start_soon(_answer, socket, await socket.get_message())


def serve(port: int, loop: str) -> None:  # noqa: ARG001 - there is only trio's own
    """Serve on trio."""
    trio.run(_main, port)
