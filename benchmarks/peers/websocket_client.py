"""An EPOS with websocket-client, in threads."""

from concurrent.futures import ThreadPoolExecutor

from websocket import ABNF, WebSocket, create_connection

from benchmarks.material import answered_blocking
from benchmarks.peers.loops import workers


def _answer(socket: WebSocket, data: bytes) -> None:
    socket.send(answered_blocking(data), ABNF.OPCODE_TEXT)


def serve(port: int, loop: str) -> None:
    """Serve with as many threads as ours has."""
    socket = create_connection(f"ws://127.0.0.1:{port}/", enable_multithread=True)
    with ThreadPoolExecutor(workers(loop)) as pool:
        while True:
            pool.submit(_answer, socket, socket.recv_data()[1])
