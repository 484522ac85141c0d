"""Joins a WebSocket server to the test that has started it.

The server's process is told what to do on its standard input and tells what happens on its standard
output, one JSON object a line:

    in   {"link": 1, "do": "send", "text": "…"}, and "ping", "close" with a "code", "drop"
    out  {"link": 1, "is": "open", "target": "/epos", "headers": {…}},
         and "text" with the "text", "pong", "closed" with the "code"

`link` numbers the connections of the process from 1. The process ends with its standard input.
"""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterable
from threading import Thread
from typing import Any, Protocol

REFUSE = "/refuse/"
"""A path that begins so is refused, with the status that follows."""
REFUSAL = "not today"
"""The body of a refusal."""
RETRY_AFTER = "7"


class Link(Protocol):
    """One connection, as its framework would have it."""

    async def send(self, text: str) -> None:
        """Send a text message."""

    async def ping(self) -> None:
        """Send a ping, and return when its pong has come."""

    async def close(self, code: int) -> None:
        """Say Close."""

    async def drop(self) -> None:
        """End the connection as rudely as the framework lets one."""


class Bridge:
    """The end of a server's process that the test talks to. Lives on the server's loop."""

    def __init__(self) -> None:
        self._links: list[Link] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        Thread(target=self._read, daemon=True).start()

    def opened(self, link: Link, target: str, headers: Iterable[tuple[str, str]]) -> int:
        """Tell of a connection, and return its number."""
        self._links.append(link)
        number = len(self._links)
        named = {name.lower(): value for name, value in headers}
        self._tell(number, "open", target=target, headers=named)
        return number

    def heard(self, number: int, text: str) -> None:
        """Tell of a message."""
        self._tell(number, "text", text=text)

    def closed(self, number: int, code: int | None) -> None:
        """Tell of the end; no code stands for a connection that just ended."""
        self._tell(number, "closed", code=1006 if code is None else code)

    def _read(self) -> None:
        for line in sys.stdin:
            self._loop.call_soon_threadsafe(self._start, json.loads(line))
        os._exit(0)

    def _start(self, order: dict[str, Any]) -> None:
        task = self._loop.create_task(self._follow(**order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _follow(self, *, link: int, do: str, text: str = "", code: int = 1000) -> None:
        peer = self._links[link - 1]
        match do:
            case "send":
                await peer.send(text)
            case "ping":
                await peer.ping()
                self._tell(link, "pong")
            case "close":
                await peer.close(code)
            case "drop":
                await peer.drop()
            case _:
                raise ValueError(do)

    def _tell(self, link: int, what: str, **more: object) -> None:
        print(json.dumps({"link": link, "is": what, **more}), flush=True)


def refused_with(path: str) -> int | None:
    """The status with which an upgrade to `path` is to be refused, if it is."""
    return int(path.removeprefix(REFUSE)) if path.startswith(REFUSE) else None


def listener() -> socket.socket:
    """The listening socket that the test has opened: its descriptor is the first argument."""
    return socket.socket(fileno=int(sys.argv[1]))
