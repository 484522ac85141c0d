"""A gateway on uvicorn."""

import asyncio

from tests.interop.servers.asgi import Application
from tests.interop.servers.bridge import Bridge, listener
from uvicorn import Config, Server


async def main() -> None:
    config = Config(Application(Bridge()), ws="websockets-sansio", log_level="warning")
    await Server(config).serve(sockets=[listener()])


asyncio.run(main())
