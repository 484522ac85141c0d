"""The REST side as a test plays it: a server on loopback that keeps what it was asked."""

import socket
import ssl
from collections import deque
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, Self

import msgspec
from tests.adapters.pieces import DEADLINE


class Asked(msgspec.Struct, frozen=True):
    """One request that came in."""

    line: str
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def listed(*names: str) -> bytes:
    """The answer that has these capabilities registered."""
    capabilities = [{"name": name, "version": "v1"} for name in names]
    return answer(200, msgspec.json.encode([{"capabilities": capabilities}]))


class PlayedApi:
    """Answers each request with the next of `answers`, or else as Dojo would.

    An answer is bytes, and the connection ends behind it; None is a peer that never answers. With
    nothing prepared it keeps the list that was PUT, and accepts every event. A context manager.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: deque[bytes | None] = deque()
        self.asked: list[Asked] = []
        self.registered: list[dict[str, str]] = []
        self._tls = tls
        self._changed = Condition()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._accepting = Thread(target=self._accept, name="played-api")

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._listener.getsockname()[1]}"

    def wait(self, number: int) -> list[Asked]:
        """All requests, as soon as there are `number`."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self.asked) >= number, DEADLINE)
            assert there, f"{len(self.asked)} of {number} requests came"
            return list(self.asked)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):  # it is closed
            while True:
                connection, _ = self._listener.accept()
                thread = Thread(target=self._serve, args=(connection,), name="played-api")
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        self._open.add(connection)
        with suppress(OSError), connection:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.add(connection)
            with connection, connection.makefile("rb") as stream:
                asked = _read(stream)
                with self._changed:
                    reply = self.answers.popleft() if self.answers else self._as_dojo(asked)
                    self.asked.append(asked)
                    self._changed.notify_all()
                if reply is None:
                    stream.read()
                else:
                    connection.sendall(reply)

    def _as_dojo(self, asked: Asked) -> bytes:
        if asked.line.startswith("PUT"):
            self.registered = asked.json["capabilities"]
        integrations = [{"capabilities": self.registered}]
        if asked.line.startswith("GET /epos/integrations/ws "):
            return answer(200, msgspec.json.encode(integrations))
        if asked.line.startswith("GET"):
            body = {"wsIntegrations": integrations, "restIntegrations": []}
            return answer(200, msgspec.json.encode(body))
        return answer(204)


def _read(stream: Any) -> Asked:
    line = stream.readline().decode().strip()
    headers = {}
    while header := stream.readline().decode().strip():
        name, _, value = header.partition(": ")
        headers[name.lower()] = value
    body = stream.read(int(headers.get("content-length", 0)))
    return Asked(line, headers, body)
