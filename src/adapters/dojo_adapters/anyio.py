"""Serve an EPOS with anyio, on asyncio or on trio."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Unpack

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread

from dojo_adapters.engine import BRIEFLY, Options
from dojo_adapters.service import Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.structured import StructuredEngine
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
    engine = _AnyioEngine(epos, settings, **options)
    service = Service(engine)
    failure: Exception | None = None
    try:
        async with anyio.create_task_group() as group:
            engine.start_soon = group.start_soon
            group.start_soon(engine.tick)
            group.start_soon(engine.listen)
            try:
                engine.start()
                yield service
                await service.stop()
            except Exception as error:  # noqa: BLE001 - raised below, since the group would wrap it
                failure = error
            finally:
                engine.close()
                group.cancel_scope.cancel()
    finally:
        if not engine.release(BRIEFLY):
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(engine.release)
    if (failure := failure or engine.error) is not None:
        raise failure


class _AnyioEngine(StructuredEngine):
    """The engine in a task group, woken through a socket pair on either backend."""

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        super().__init__(epos, settings, library=anyio, **options)
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


class _Transport:
    """Carries the bytes of one link: a reader, and a writer that sleeps until it is woken."""

    def __init__(self, engine: _AnyioEngine, sock: socket.socket, link: Link, wire: Wire) -> None:
        self._engine = engine
        self._sock = sock
        self._link = link
        self._wire = wire
        self._scope = anyio.CancelScope()
        self._woken = anyio.Event()

    def wake(self) -> None:
        """Have the writer look for bytes; end both when the link is over."""
        if self._engine.carries(self._link):
            self._woken.set()
        else:
            self._scope.cancel()

    async def run(self) -> None:
        """Carry bytes until the link is over, then drop the socket."""
        try:
            stream = await anyio.abc.SocketStream.from_socket(self._sock)
        except (OSError, ValueError) as error:  # the peer has reset it already
            self._sock.close()
            self._engine.lost(self._link, error)
            return
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._read, stream)
                    await self._write(stream)
        finally:
            # Not aclose_forcefully: before anyio 4.16 a cancelled aclose waits for what is unsent.
            with anyio.CancelScope(shield=True):
                await stream.aclose()

    async def _read(self, stream: anyio.abc.SocketStream) -> None:
        while True:
            try:
                data = await stream.receive(_CHUNK)
            except anyio.EndOfStream:
                self._wire.receive_eof(monotonic())
                self._engine.turn()
                return
            except anyio.BrokenResourceError as error:
                self._engine.lost(self._link, error)
                return
            self._wire.receive(data, monotonic())
            self._engine.turn()

    async def _write(self, stream: anyio.abc.SocketStream) -> None:
        while True:
            self._woken = anyio.Event()
            data = self._wire.data_to_send(monotonic())
            if not data:
                await self._woken.wait()
                continue
            try:
                await stream.send(data)
            except anyio.BrokenResourceError as error:
                self._engine.lost(self._link, error)
                return
