"""A gateway as an ASGI application, for every server that hosts one.

ASGI knows no ping, and no way to end a connection without a Close frame.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tests.interop.servers.bridge import REFUSAL, RETRY_AFTER, Bridge, refused_with

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class _Link:
    def __init__(self, send: Send) -> None:
        self._send = send

    async def send(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def ping(self) -> None:
        raise LookupError("ASGI has no ping")

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})

    async def drop(self) -> None:
        await self.close(1011)


class Application:
    """The ASGI callable."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for phase in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{phase}.complete"})
            return
        await receive()  # websocket.connect
        status = refused_with(scope["path"])
        if status is None:
            await self._carry(scope, receive, send)
        else:
            headers = [(b"retry-after", RETRY_AFTER.encode())]
            response = "websocket.http.response"
            await send({"type": f"{response}.start", "status": status, "headers": headers})
            await send({"type": f"{response}.body", "body": REFUSAL.encode()})

    async def _carry(self, scope: Any, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})
        headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
        number = self._bridge.opened(_Link(send), scope["path"], headers)
        while (message := await receive())["type"] == "websocket.receive":
            self._bridge.heard(number, message["text"])
        self._bridge.closed(number, message.get("code"))
