"""Serve an EPOS with trio."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Unpack

import trio

from dojo_adapters.engine import BRIEFLY, Options
from dojo_adapters.service import Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.structured import StructuredEngine
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
    engine = _TrioEngine(epos, settings, **options)
    service = Service(engine)
    failure: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            engine.start_soon = nursery.start_soon
            nursery.start_soon(engine.tick)
            try:
                engine.start()
                yield service
                await service.stop()
            except Exception as error:  # noqa: BLE001 - raised below, since the nursery would wrap it
                failure = error
            finally:
                engine.close()
                nursery.cancel_scope.cancel()
    finally:
        if not engine.release(BRIEFLY):
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(engine.release)
    if (failure := failure or engine.error) is not None:
        raise failure


class _TrioEngine(StructuredEngine):
    """The engine in a nursery, woken through trio's token."""

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        self._token = trio.lowlevel.current_trio_token()
        super().__init__(epos, settings, library=trio, **options)

    def wake(self) -> None:
        # RunFinishedError says that the loop has ended: nobody is interested any more.
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self.drain_inbox)

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        transport = _Transport(self, trio.socket.from_stdlib_socket(sock), link, wire)
        self.transport = transport
        self.start_soon(transport.run)


class _Transport:
    """Carries the bytes of one link: a reader, and a writer that sleeps until it is woken."""

    def __init__(
        self, engine: _TrioEngine, sock: trio.socket.SocketType, link: Link, wire: Wire
    ) -> None:
        self._engine = engine
        self._stream = trio.SocketStream(sock)
        self._link = link
        self._wire = wire
        self._scope = trio.CancelScope()
        self._woken = trio.Event()

    def wake(self) -> None:
        """Have the writer look for bytes; end both when the link is over."""
        if self._engine.carries(self._link):
            self._woken.set()
        else:
            self._scope.cancel()

    async def run(self) -> None:
        """Carry bytes until the link is over, then drop the socket."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read)
                    await self._write()
        finally:
            await trio.aclose_forcefully(self._stream)

    async def _read(self) -> None:
        while True:
            try:
                data = await self._stream.receive_some(_CHUNK)
            except trio.BrokenResourceError as error:
                self._engine.lost(self._link, error)
                return
            if data:
                self._wire.receive(data, monotonic())
            else:
                self._wire.receive_eof(monotonic())
            self._engine.turn()
            if not data:
                return

    async def _write(self) -> None:
        while True:
            self._woken = trio.Event()
            data = self._wire.data_to_send(monotonic())
            if not data:
                await self._woken.wait()
                continue
            try:
                await self._stream.send_all(data)
            except trio.BrokenResourceError as error:
                self._engine.lost(self._link, error)
                return
