"""An EPOS with picows."""

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.material import answered
from benchmarks.peers.loops import Tasks, run


async def _answer(transport: WSTransport, data: bytes) -> None:
    transport.send(WSMsgType.TEXT, await answered(data))


class _Listener(WSListener):
    def __init__(self) -> None:
        self._tasks = Tasks()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._tasks.start(_answer(transport, frame.get_payload_as_bytes()))


async def _main(port: int) -> None:
    transport, _ = await ws_connect(_Listener, f"ws://127.0.0.1:{port}/")
    await transport.wait_disconnected()


def serve(port: int, loop: str) -> None:
    """Serve on "asyncio" or "uvloop"."""
    run(_main(port), loop)
