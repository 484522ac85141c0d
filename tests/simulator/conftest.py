"""A gateway, an EPOS that does what the test says, step by step, and a till."""

import json
import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Any

import pytest
from tests.simulator.shop import Clock, run

from dojo_proto.address import parse_url
from dojo_proto.connection import Connection, ConnectionEvent, Ended, Open
from dojo_proto.framing import Framing, Message
from dojo_proto.handshake import Handshake
from dojo_proto.limits import Limits
from dojo_simulator import LocalGateway
from dojo_simulator.restaurant import Restaurant

DEADLINE = 5.0


class PlayedEpos:
    """The EPOS's end of one connection; every step blocks until it is done."""

    def __init__(
        self,
        url: str,
        *,
        key: str = "sk_sandbox_c4nary",
        tls: ssl.SSLContext | None = None,
        stream: socket.socket | None = None,
    ) -> None:
        address = parse_url("url", url, "wss", "ws")
        raw = stream or socket.create_connection((address.host, address.port), timeout=DEADLINE)
        self.socket = raw if tls is None else tls.wrap_socket(raw, server_hostname=address.host)
        handshake = Handshake(
            address=address,
            api_key=key,
            software_house_id="acme-epos",
            reseller_id=None,
            deflate=None,
            max_header_size=1 << 14,
            entropy=os.urandom,
        )
        self.machine = Connection(
            stages=[handshake],
            framing=lambda: Framing(
                client=True, entropy=os.urandom, max_message_size=1 << 20, deflate=None
            ),
            limits=Limits(
                open_deadline=monotonic() + DEADLINE,
                close_timeout=DEADLINE,
                ping_interval=3600,
                pong_timeout=3600,
                max_outbound=1 << 20,
            ),
            ends_stream=False,
            entropy=os.urandom,
            now=monotonic(),
        )
        self.events: deque[ConnectionEvent] = deque()
        self.opening = self.next_event()

    def flush(self) -> None:
        while data := self.machine.data_to_send(monotonic(), 1 << 16):
            self.socket.sendall(data)

    def next_event(self) -> ConnectionEvent:
        while (event := self.machine.next_event()) is None:
            self.flush()
            try:
                data = self.socket.recv(1 << 16)
            except ConnectionResetError:
                data = b""
            if data:
                self.machine.receive_data(data, monotonic())
            else:
                self.machine.receive_eof(monotonic())
        self.flush()
        return event

    def read_request(self) -> dict[str, Any]:
        event = self.next_event()
        assert isinstance(event, Message), event
        request: dict[str, Any] = json.loads(event.data)
        return request

    def read_end(self) -> Ended:
        event = self.next_event()
        assert isinstance(event, Ended), event
        return event

    def send(self, message: object) -> None:
        self.machine.send_text(json.dumps(message).encode(), monotonic())
        self.flush()

    def answer(self, request: dict[str, Any], result: object) -> None:
        self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    """A gateway that does not wait for an EPOS that has stopped reading."""
    with LocalGateway(close_timeout=0.01) as gateway:
        yield gateway


Connect = Callable[..., PlayedEpos]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect an EPOS; it is closed when the test ends."""
    with ExitStack() as stack:

        def connect(url: str, **options: Any) -> PlayedEpos:
            epos = PlayedEpos(url, **options)
            stack.callback(epos.close)
            return epos

        yield connect


@pytest.fixture
def serve(connect: Connect) -> Connect:
    """As `connect`, and the upgrade has succeeded."""

    def serve(url: str, **options: Any) -> PlayedEpos:
        epos = connect(url, **options)
        assert isinstance(epos.opening, Open), epos.opening
        return epos

    return serve


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def till(clock: Clock) -> Iterator[Restaurant]:
    with Restaurant(clock=clock) as till:
        yield till


@pytest.fixture
def call(till: Restaurant) -> Callable[..., Any]:
    """Call a method of the sample restaurant."""

    def call(method: str, *, state: Restaurant | None = till, **params: Any) -> Any:
        return run(method, state, params)

    return call
