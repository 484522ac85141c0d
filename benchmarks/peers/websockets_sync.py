"""An EPOS with websockets, in threads."""

from concurrent.futures import ThreadPoolExecutor

from websockets.sync.client import ClientConnection, connect

from benchmarks.material import answered_blocking
from benchmarks.peers.loops import workers


def _answer(socket: ClientConnection, data: bytes) -> None:
    socket.send(answered_blocking(data), text=True)


def serve(port: int, loop: str) -> None:
    """Serve with as many threads as ours has."""
    with (
        ThreadPoolExecutor(workers(loop)) as pool,
        connect(f"ws://127.0.0.1:{port}/", proxy=None) as socket,
    ):
        while True:
            pool.submit(_answer, socket, socket.recv(decode=False))
