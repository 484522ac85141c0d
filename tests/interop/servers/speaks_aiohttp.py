"""A gateway on aiohttp."""

import asyncio

from aiohttp import WSMsgType, web
from tests.interop.servers.bridge import REFUSAL, RETRY_AFTER, Bridge, listener, refused_with


class _Link:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._socket = socket
        self._pongs: dict[bytes, asyncio.Future[None]] = {}

    async def send(self, text: str) -> None:
        await self._socket.send_str(text)

    async def ping(self) -> None:
        payload = str(len(self._pongs)).encode()
        pong = self._pongs[payload] = asyncio.get_running_loop().create_future()
        await self._socket.ping(payload)
        await pong

    def ponged(self, payload: bytes) -> None:
        if payload in self._pongs:
            self._pongs[payload].set_result(None)

    async def close(self, code: int) -> None:
        await self._socket.close(code=code)

    async def drop(self) -> None:
        assert self._request.transport is not None
        self._request.transport.abort()


async def main() -> None:
    bridge = Bridge()

    async def handle(request: web.Request) -> web.StreamResponse:
        status = refused_with(request.path)
        if status is not None:
            headers = {"Retry-After": RETRY_AFTER}
            return web.Response(status=status, text=REFUSAL, headers=headers)
        socket = web.WebSocketResponse(autoping=False)  # with it, nobody would hear of a pong
        await socket.prepare(request)
        link = _Link(request, socket)
        number = bridge.opened(link, request.path_qs, request.headers.items())
        async for message in socket:
            if message.type is WSMsgType.PING:
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                link.ponged(bytes(message.data))
            elif message.type is WSMsgType.TEXT:
                bridge.heard(number, message.data)
        bridge.closed(number, socket.close_code)
        return socket

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.SockSite(runner, listener()).start()
    await asyncio.Event().wait()


asyncio.run(main())
