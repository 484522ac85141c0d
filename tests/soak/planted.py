"""Defects of each kind that the soak is there to find: they prove that it would.

Those of the library are put into it here, in the process of the till.
"""

import os
import socket
from collections.abc import Callable, Sequence
from itertools import count
from threading import Event, Thread
from time import sleep
from typing import Any

from tests.soak.asked import order
from tests.soak.till import Till, find

from dojo_adapters.engine import Engine
from dojo_proto import Context, memory
from dojo_proto.connection import Connection
from dojo_proto.journal import Entry, Found, Row, judge

_kept: list[object] = []
_numbers = count(1)

EVERY = 400
"""Requests, of which the handler goes wrong with one."""


def keep_contexts(till: Till) -> None:
    """Keeps what each request came with."""

    def found(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        _kept.append((ctx, params))
        return find(ctx, params)

    till.find = found


def keep_buffers(till: Till) -> None:
    """Keeps memory that is none of Python's small pieces."""

    def found(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        _kept.append(os.urandom(16384))
        return find(ctx, params)

    till.find = found


def keep_descriptors(_till: Till) -> None:
    """Keeps a descriptor for each connection."""
    _at_each_dial(lambda _sock: _kept.append(os.open(os.devnull, os.O_RDONLY)))


def keep_threads(_till: Till) -> None:
    """Keeps a thread for each connection."""

    def start(_sock: socket.socket) -> None:
        Thread(target=Event().wait, name="kept", daemon=True).start()

    _at_each_dial(start)


def keep_tasks(till: Till) -> None:
    """Keeps a task, of asyncio's, for each so many requests."""
    import asyncio  # noqa: PLC0415 - only where it runs

    async def wait() -> None:
        await asyncio.Event().wait()

    def found(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        if next(_numbers) % EVERY == 0:
            _kept.append(asyncio.get_running_loop().create_task(wait()))
        return find(ctx, params)

    till.find = found


def forget_to_close(_till: Till) -> None:
    """Leaves it to the garbage collector to close a socket."""
    _at_each_dial(lambda _sock: [socket.socket()].clear())


def block_the_loop(till: Till) -> None:
    """Waits in an `async def` without awaiting."""

    def found(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        if next(_numbers) % EVERY == 0:
            sleep(0.1)
        return find(ctx, params)

    till.find = found


def answer_twice(_till: Till) -> None:
    """Sends a message twice."""
    send_text = Connection.send_text

    def twice(self: Connection, *arguments: Any, **options: Any) -> int | None:
        if next(_numbers) % EVERY == 0:
            send_text(self, *arguments, **options)
        return send_text(self, *arguments, **options)

    setattr(Connection, "send_text", twice)  # noqa: B010 - mypy lets nobody assign to a method


def answer_another(till: Till) -> None:
    """Gives an order that was not asked for."""

    def found(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        if next(_numbers) % EVERY == 0:
            return order({"orderId": "order-0"})
        return find(ctx, params)

    till.find = found


def book_twice(_till: Till) -> None:
    """Books a payment again when it is asked for again."""

    def forgetful(entry: Entry, _rows: Sequence[Row]) -> Found:
        return judge(entry, [])

    setattr(memory, "judge", forgetful)  # noqa: B010 - as above


def _at_each_dial(step: Callable[[socket.socket], object]) -> None:
    succeeded = Engine.dial_succeeded

    def stepped(engine: Engine, number: int, api_key: str, sock: socket.socket, now: float) -> None:
        step(sock)
        succeeded(engine, number, api_key, sock, now)

    setattr(Engine, "dial_succeeded", stepped)  # noqa: B010 - as above


PLANTED: dict[str, Callable[[Till], None]] = {
    "contexts": keep_contexts,
    "buffers": keep_buffers,
    "descriptors": keep_descriptors,
    "threads": keep_threads,
    "tasks": keep_tasks,
    "unclosed": forget_to_close,
    "blocking": block_the_loop,
    "twice": answer_twice,
    "another": answer_another,
    "doubled": book_twice,
}
"""By a short name."""
