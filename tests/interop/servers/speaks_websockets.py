"""A gateway on websockets."""

import asyncio
from contextlib import suppress

from tests.interop.servers.bridge import REFUSAL, RETRY_AFTER, Bridge, listener, refused_with
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


class _Link:
    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        await self._connection.send(text)

    async def ping(self) -> None:
        await (await self._connection.ping())

    async def close(self, code: int) -> None:
        await self._connection.close(code)

    async def drop(self) -> None:
        self._connection.transport.abort()


def _judge(connection: ServerConnection, request: Request) -> Response | None:
    status = refused_with(request.path)
    if status is None:
        return None
    response = connection.respond(status, REFUSAL)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


async def main() -> None:
    bridge = Bridge()

    async def handle(connection: ServerConnection) -> None:
        request = connection.request
        assert request is not None
        number = bridge.opened(_Link(connection), request.path, request.headers.raw_items())
        with suppress(ConnectionClosed):
            async for message in connection:
                bridge.heard(number, str(message))
        bridge.closed(number, connection.close_code)

    async with serve(handle, sock=listener(), process_request=_judge) as server:
        await server.serve_forever()


asyncio.run(main())
