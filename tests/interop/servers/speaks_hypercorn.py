"""A gateway on hypercorn."""

import asyncio
import sys
from typing import Any, cast

from hypercorn.asyncio import serve
from hypercorn.config import Config
from tests.interop.servers.asgi import Application
from tests.interop.servers.bridge import Bridge


async def main() -> None:
    config = Config()
    config.bind = [f"fd://{sys.argv[1]}"]
    # Its types tell apart more kinds of messages than the application does.
    await serve(cast("Any", Application(Bridge())), config)


asyncio.run(main())
