"""Serve an EPOS with trio."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Unpack

import trio

from dojo_adapters.engine import Options
from dojo_adapters.service import Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.structured import StructuredEngine, StructuredTransport, opened
from dojo_adapters.tls import Wire
from dojo_proto import Epos, Link, Settings

__all__ = ["Service", "open_service", "run", "serve"]

_CHUNK = 65536


def run(epos: Epos, settings: Settings | None = None, **options: Unpack[Options]) -> None:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None. Raises ConfigurationError, or AuthenticationError
    if the gateway refuses the key.
    """

    async def main() -> None:
        async with open_service(epos, settings, **options) as service:
            with owned_signals(service.request_stop, service.request_abort):
                await service.wait()

    trio.run(main)


async def serve(
    epos: Epos,
    settings: Settings | None = None,
    *,
    task_status: trio.TaskStatus[Service] = trio.TASK_STATUS_IGNORED,
    **options: Unpack[Options],
) -> None:
    """Serve until cancelled, which is a hard stop: nothing more is answered.

    `await nursery.start(serve, epos, …)` returns the Service at once; `ready()` waits for the
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
    async with opened(_TrioEngine(epos, settings, **options)) as service:
        yield service


class _TrioEngine(StructuredEngine):
    """The engine in a nursery, woken through trio's token."""

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        self._token = trio.lowlevel.current_trio_token()
        super().__init__(epos, settings, library=trio, open_group=trio.open_nursery, **options)

    def wake(self) -> None:
        # RunFinishedError says that the loop has ended: nobody is interested any more.
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self.drain_inbox)

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        transport = _Transport(self, trio.socket.from_stdlib_socket(sock), link, wire)
        self.transport = transport
        self.start_soon(transport.run)


class _Transport(StructuredTransport):
    """Over a trio.SocketStream."""

    def __init__(
        self, engine: _TrioEngine, sock: trio.socket.SocketType, link: Link, wire: Wire
    ) -> None:
        super().__init__(engine, link, wire)
        self._stream = trio.SocketStream(sock)

    async def run(self) -> None:
        """Carry bytes until the link is over, then drop the socket."""
        try:
            await self.carry()
        finally:
            await trio.aclose_forcefully(self._stream)

    async def receive(self) -> bytes:
        return await self._stream.receive_some(_CHUNK)

    async def send(self, data: bytes) -> None:
        await self._stream.send_all(data)
