"""The local gateway's inside: who may connect, and what becomes of them. Lives on its loop."""

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Callable
from http.client import responses

import msgspec

from dojo_proto.connection import Ended, Open
from dojo_proto.exchange import Header, check_header_value
from dojo_proto.framing import GOING_AWAY
from dojo_proto.gateway import Gateway, GatewayEvent
from dojo_proto.stage import Asked
from dojo_simulator.connection import EposConnection
from dojo_simulator.errors import SimulatorError
from dojo_simulator.events import (
    Connected,
    Disconnected,
    FaultInjected,
    HandshakeRefused,
    Listening,
    ObserverEvent,
    masked,
)
from dojo_simulator.faults import Faults
from dojo_simulator.listener import Listener
from dojo_simulator.loop import LoopThread
from dojo_simulator.session import Session
from dojo_simulator.waiting import Waiting


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """How to answer an upgrade in place of 101."""

    status: int
    reason: str
    headers: list[Header]
    body: bytes


def refusal(
    status: int,
    retry_after: float | str | None = None,
    headers: list[Header] | None = None,
    body: bytes = b"",
) -> Refusal:
    """One with `status`, 300 to 599; see `LocalGateway.refuse_next`.

    Raises SimulatorError for another status, ConfigurationError for what no header may carry.
    """
    if not 300 <= status <= 599:
        raise SimulatorError(f"status: expected 300 to 599, got {status}")
    fields = list(headers or [])
    if retry_after is not None:
        seconds = retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
        fields.append(("Retry-After", seconds))
    return Refusal(
        status=status,
        reason=responses.get(status, f"status {status}"),
        headers=[(name, check_header_value(name, value)) for name, value in fields],
        body=body,
    )


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What every connection keeps to; times are in seconds."""

    open_timeout: float
    close_timeout: float
    ping_interval: float
    pong_timeout: float
    compression: bool


class Server:
    """Listens, accepts or refuses, and keeps what was opened. Driven by LocalGateway."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None,
        options: Options,
        loop: LoopThread,
        waiting: Waiting,
        faults: Faults,
        on_event: Callable[[ObserverEvent], None] | None,
    ) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.options = options
        self.loop = loop
        self.waiting = waiting
        self.faults = faults
        self.connections: list[EposConnection] = []
        self.refused = 0
        self.refusals: deque[Refusal] = deque()
        self.silent = False
        self.leaving = False
        self.visits: set[Visit] = set()
        self._on_event = on_event
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """Where an EPOS connects to."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ws' if self.tls is None else 'wss'}://{host}:{self.port}/epos"

    def emit(self, event: ObserverEvent) -> None:
        """Tell the observer: soon, so that what it raises harms no connection."""
        if self._on_event is not None:
            asyncio.get_running_loop().call_soon(self._on_event, event)

    def next_refusal(self) -> Refusal | None:
        """How to answer the next upgrade in place of 101, if it is to be refused."""
        if self.refusals:
            return self.refusals.popleft()
        fault = self.faults.of_upgrade()
        if fault is None:
            return None
        self.emit(FaultInjected(connection=None, fault=str(fault), id=None, method=None))
        return refusal(int(fault.amount), fault.retry_after)

    async def listen(self) -> None:
        """Listen, unless it does, and open connections that are not silent."""
        self.silent = False
        if self._listener is None:
            self._listener = Listener(lambda: Visit(self), self.host, self.port, tls=self.tls)
            self.port = self._listener.port
            self.emit(Listening(url=self.url))

    def stop_listening(self) -> None:
        """Close the listening socket; open connections stay."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def fall_silent(self) -> None:
        """Silence what is open, and what will be."""
        self.silent = True
        for visit in self.visits:
            if visit.connection is not None:
                visit.fall_silent()

    async def leave(self) -> None:
        """Say Close to everybody, and return when all sockets are closed."""
        self.leaving = True
        listener = self._listener
        self.stop_listening()
        if listener is not None:
            await listener.settle()
        visits = list(self.visits)
        for visit in visits:
            visit.leave()
        await asyncio.gather(*(visit.over for visit in visits))
        for visit in visits:
            visit.abandon()
        await asyncio.gather(*(visit.lost for visit in visits))


class Visit(Session):
    """One socket, from its accept: somebody who asks, and once it is open, a connection."""

    def __init__(self, server: Server) -> None:
        options = server.options
        machine = Gateway(
            entropy=os.urandom,
            now=asyncio.get_running_loop().time(),
            open_timeout=options.open_timeout,
            close_timeout=options.close_timeout,
            ping_interval=options.ping_interval,
            pong_timeout=options.pong_timeout,
            compression=options.compression,
        )
        super().__init__(machine)
        self._server = server
        self._asked: Asked | None = None
        self.connection: EposConnection | None = None
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the machine has ended."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open, and its TLS if it has any."""
        self._server.visits.add(self)
        super().connection_made(transport)
        if self._server.leaving:
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        super().connection_lost(exc)
        self._server.visits.discard(self)

    def leave(self) -> None:
        """End: with a Close frame if that can be said."""
        if self.silent:
            self.drop()
        else:
            self.machine.close(self.now, GOING_AWAY)
            self.pump()

    def handle(self, event: GatewayEvent) -> None:
        """Take an event of the machine."""
        match event:
            case Asked():
                self._asked = event
                self._decide()
            case Open() if self._asked is not None:
                self._open(self._asked)
            case _ if self.connection is not None:
                self.connection.handle(event)
            case Ended():
                self._never_opened(event)
            case _:
                pass  # nothing else comes before Open
        if isinstance(event, Ended):
            self.over.set_result(None)

    def _decide(self) -> None:
        refusal = self._server.next_refusal()
        if refusal is None:
            self.machine.accept(self.now)
            return
        self.machine.refuse(
            refusal.status, refusal.reason, self.now, headers=refusal.headers, body=refusal.body
        )

    def _open(self, asked: Asked) -> None:
        server = self._server
        number = len(server.connections) + 1
        self.connection = EposConnection(
            number,
            asked,
            self,
            loop=server.loop,
            waiting=server.waiting,
            faults=server.faults,
            emit=server.emit,
        )
        server.emit(
            Connected(connection=number, target=asked.target, headers=masked(asked.headers))
        )
        with server.waiting.change():
            server.connections.append(self.connection)
        if server.silent:
            asyncio.get_running_loop().call_soon(self.fall_silent)  # when the 101 has left

    def _never_opened(self, ended: Ended) -> None:
        if ended.status is None:
            self._server.emit(
                Disconnected(
                    connection=None,
                    cause=ended.cause,
                    reason=ended.reason,
                    code=ended.code,
                    up_for=ended.up_for,
                )
            )
            return
        headers = () if self._asked is None else masked(self._asked.headers)
        self._server.emit(HandshakeRefused(status=ended.status, headers=headers))
        with self._server.waiting.change():
            self._server.refused += 1
