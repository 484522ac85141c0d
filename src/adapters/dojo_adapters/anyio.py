"""Serve an EPOS with anyio, on asyncio or on trio."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Unpack

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread

from dojo_adapters.engine import Options
from dojo_adapters.service import Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.structured import StructuredEngine, StructuredTransport, opened
from dojo_adapters.tls import Wire
from dojo_proto import Epos, Link, Settings

__all__ = ["Service", "open_service", "run", "serve"]

_CHUNK = 65536


def run(
    epos: Epos,
    settings: Settings | None = None,
    *,
    backend: str = "asyncio",
    backend_options: dict[str, Any] | None = None,
    **options: Unpack[Options],
) -> None:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None; `backend` and `backend_options` are those of
    `anyio.run`. Raises ConfigurationError, or AuthenticationError if the gateway refuses the key.
    """

    async def main() -> None:
        async with open_service(epos, settings, **options) as service:
            with owned_signals(service.request_stop, service.request_abort):
                await service.wait()

    anyio.run(main, backend=backend, backend_options=backend_options)


async def serve(
    epos: Epos,
    settings: Settings | None = None,
    *,
    task_status: anyio.abc.TaskStatus[Service] = anyio.TASK_STATUS_IGNORED,
    **options: Unpack[Options],
) -> None:
    """Serve until cancelled, which is a hard stop: nothing more is answered.

    `await task_group.start(serve, epos, …)` returns the Service at once; `ready()` waits for the
    connection. Takes and raises what `run` does.
    """
    async with open_service(epos, settings, **options) as service:
        task_status.started(service)
        await service.wait()


@asynccontextmanager
async def open_service(
    epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
) -> AsyncIterator[Service]:
    """Serve while the block runs. Leaving it drains; an exception or a cancellation stops at once.

    Takes what `run` does. Raises what ended the service when the block is left.
    """
    async with opened(_AnyioEngine(epos, settings, **options)) as service:
        yield service


class _AnyioEngine(StructuredEngine):
    """The engine in a task group, woken through a socket pair on either backend."""

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        super().__init__(
            epos, settings, library=anyio, open_group=anyio.create_task_group, **options
        )
        self._waking, self._waker = socket.socketpair()
        self._waking.settimeout(0)
        self._waker.settimeout(0)

    async def listen(self) -> None:
        """Drain the inbox when another thread wakes the loop, until cancelled."""
        with self._waking, self._waker:
            while True:
                await anyio.wait_readable(self._waking)
                with suppress(BlockingIOError):
                    self._waking.recv(_CHUNK)
                self.drain_inbox()

    def wake(self) -> None:
        # A full buffer wakes as well; OSError says that the service has ended.
        with suppress(OSError):
            self._waker.send(b"\0")

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        transport = _Transport(self, sock, link, wire)
        self.transport = transport
        self.start_soon(transport.run)


class _Transport(StructuredTransport):
    """Over an anyio SocketStream, which is made of the socket when it is run."""

    def __init__(self, engine: _AnyioEngine, sock: socket.socket, link: Link, wire: Wire) -> None:
        super().__init__(engine, link, wire)
        self._sock = sock
        self._stream: anyio.abc.SocketStream

    async def run(self) -> None:
        """Carry bytes until the link is over, then drop the socket."""
        try:
            self._stream = await anyio.abc.SocketStream.from_socket(self._sock)
        except (OSError, ValueError) as error:  # the peer has reset it already
            self._sock.close()
            self.engine.lost(self.link, error)
            return
        try:
            await self.carry()
        finally:
            # Not aclose_forcefully: before anyio 4.16 a cancelled aclose waits for what is unsent.
            with anyio.CancelScope(shield=True):
                await self._stream.aclose()

    async def receive(self) -> bytes:
        try:
            return await self._stream.receive(_CHUNK)
        except anyio.EndOfStream:
            return b""

    async def send(self, data: bytes) -> None:
        await self._stream.send(data)
