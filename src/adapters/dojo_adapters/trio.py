"""Serve an EPOS with trio."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf
from time import monotonic
from typing import Unpack

import trio

from dojo_adapters.crew import Crew
from dojo_adapters.engine import BRIEFLY
from dojo_adapters.options import Options
from dojo_adapters.service import AsyncEngine, Service
from dojo_adapters.signals import owned_signals
from dojo_adapters.sockets import SocketTransport
from dojo_adapters.tls import Wire
from dojo_proto import Epos, Link, Settings, Status
from dojo_proto.call import Call
from dojo_proto.work import Run

__all__ = ["Service", "open_service", "run", "serve"]


def run(epos: Epos, settings: Settings | None = None, **options: Unpack[Options]) -> Status:
    """Serve until SIGINT or SIGTERM, which drain; a second one stops at once.

    `settings` come from the environment if None. Returns the status at the end: `cut_off` says
    whether something was. Raises ConfigurationError, or AuthenticationError if the gateway refuses
    the key.
    """

    async def main() -> Status:
        async with open_service(epos, settings, **options) as service:
            with owned_signals(service.request_stop, service.request_abort):
                await service.wait()
            return service.status()

    return trio.run(main)


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
            engine.enter(nursery)
            try:
                engine.start()
                yield service
                await service.stop()
            except Exception as error:  # noqa: BLE001 - raised below: the nursery would wrap it
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


class _TrioEngine(AsyncEngine):
    """The engine in a nursery: a ticker, a task that takes turns, a transport, and a crew."""

    def __init__(self, epos: Epos, settings: Settings | None, **options: Unpack[Options]) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._nursery: trio.Nursery
        self._crew: Crew
        self._transport: _Transport | None = None
        self._asked = trio.Event()
        # A turn is to be taken when all handlers have had their first step.
        self._begins = False
        self._sleeping = trio.CancelScope()
        self._sleeps_until = inf
        super().__init__(epos, settings, event=trio.Event, **options)

    def enter(self, nursery: trio.Nursery) -> None:
        """All of it runs in `nursery`. Before `start`."""
        self._nursery = nursery
        self._crew = Crew(nursery.start_soon, self.ran, self._all_begun)
        nursery.start_soon(self._tick)
        nursery.start_soon(self._take_turns)

    def wake(self) -> None:
        # RunFinishedError says that the loop has ended: nobody is interested any more.
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self.drain_inbox)

    def carry(self, sock: socket.socket, link: Link, wire: Wire) -> None:
        self._transport = _Transport(self, sock, link, wire)
        self._nursery.start_soon(self._transport.carry)

    def start_task(self, run: Run) -> bool:
        self._crew.submit(run)
        return True

    def cancel_task(self, call: Call) -> None:
        self._crew.cancel(call)

    def turn_soon(self) -> None:
        if not self._begins:
            self._asked.set()

    def turn_behind_first_steps(self) -> None:
        self._begins = True

    def _all_begun(self) -> None:
        if self._begins:
            self._begins = False
            self.turn()

    async def _take_turns(self) -> None:
        """Take a turn when one was asked for, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            self.turn()

    def settle(self) -> None:
        if self._transport is not None and not self._transport.settle():
            self._transport = None
        if self._timer_or_inf() < self._sleeps_until:
            self._sleeping.cancel()

    async def _tick(self) -> None:
        """Call `handle_timer` when it is time, until cancelled."""
        while True:
            self._sleeps_until = self._timer_or_inf()
            with trio.CancelScope() as self._sleeping:
                await trio.sleep(max(0.0, self._sleeps_until - monotonic()))
                self._sleeps_until = -inf
                await trio.lowlevel.checkpoint()  # what is readable is fed first
                self.handle_timer()

    def _timer_or_inf(self) -> float:
        timer = self.next_timer()
        return inf if timer is None else timer


class _Transport(SocketTransport):
    """Waits in two tasks: one reads, the other waits until a socket that was full has room."""

    def __init__(self, engine: _TrioEngine, sock: socket.socket, link: Link, wire: Wire) -> None:
        super().__init__(engine, sock, link, wire)
        self._scope = trio.CancelScope()
        self._full = trio.Event()

    def watch(self, *, stuck: bool) -> None:
        if stuck:
            self._full.set()

    def drop(self) -> None:
        self._scope.cancel()

    async def carry(self) -> None:
        """Carry bytes until the link is over, then close the socket."""
        with self.sock, self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._wait_for_room)
                while True:
                    await trio.lowlevel.wait_readable(self.sock)
                    self.read()
                    self.engine.respond()

    async def _wait_for_room(self) -> None:
        while True:
            await self._full.wait()
            self._full = trio.Event()
            while self.stuck:
                await trio.lowlevel.wait_writable(self.sock)
                self.engine.turn()
