"""TLS in memory: the library's client on one side, a gateway or a test on the other."""

import ssl
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import trustme
from tests.proto.wired import KEY, counting, plain, whole

from dojo_adapters.tls import Wire
from dojo_proto import Client, Epos
from dojo_proto.events import Closed, Event, Opened
from dojo_proto.gateway import Answered, Gateway
from dojo_proto.stage import Asked
from dojo_proto.work import Returned, Run

HOST = "gateway.example"
Cut = Callable[[bytes], Iterable[bytes]]


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    """A user's own context, for a private CA."""
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def server_context(
    ca: trustme.CA, host: str = HOST, not_after: datetime | None = None
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2", "http/1.1"])
    ca.issue_cert(host, not_after=not_after).configure_cert(context)
    return context


class Server:
    """The gateway behind TLS, in memory. It calls as soon as it is open."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.machine = Gateway(entropy=counting(), now=0.0)
        self.answers: list[Answered] = []
        self.failure: ssl.SSLError | None = None

    def receive(self, data: bytes) -> None:
        self._incoming.write(data)
        try:
            while data := self.tls.read(65536):
                self.machine.receive_data(data, 0.0)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self.failure = error
        while (event := self.machine.next_event()) is not None:
            if isinstance(event, Asked):
                self.machine.accept(0.0)
            elif isinstance(event, Answered):
                self.answers.append(event)

    def data_to_send(self) -> bytes:
        while data := self.machine.data_to_send(0.0):
            self.tls.write(data)
        return self._outgoing.read()


class Conversation:
    """A client with its wire on one side; what the other side says comes from the test."""

    def __init__(self, context: ssl.SSLContext | None, **settings: Any) -> None:
        epos = Epos("acme-epos")
        epos.on("SearchOrders")(lambda _ctx, params: {"data": [], "after": params.unknown["text"]})
        self.client = Client(
            epos,
            plain(**{"url": f"wss://{HOST}/epos", **settings}),
            entropy=counting(),
            uniform=lambda: 0.0,
        )
        self.client.start(0.0)
        link = self.client.dial_succeeded(1, KEY, 0.0)
        assert link is not None
        self.wire = Wire(self.client, link, context)
        self.events: list[Event] = []

    def say(self) -> bytes:
        """All that is for the socket now."""
        return b"".join(iter(lambda: self.wire.data_to_send(0.0), b""))

    def hear(self, data: bytes) -> None:
        self.wire.receive(data, 0.0)
        self.work()

    def hear_the_end(self) -> None:
        self.wire.receive_eof(0.0)
        self.work()

    def work(self) -> None:
        while (work := self.client.next_work()) is not None:
            assert isinstance(work, Run)
            outcome = Returned(work.function(work.context, work.params))
            self.client.ran(work.call, outcome, 0.0)
        while (event := self.client.next_event()) is not None:
            self.events.append(event)

    def talk(self, server: Server, cut: Cut = whole) -> None:
        """Carry bytes both ways until nobody says anything."""
        said = True
        while said:
            said = False
            up = self.say()
            for piece in cut(up):
                server.receive(piece)
            down = server.data_to_send()
            for piece in cut(down):
                self.hear(piece)
            said = bool(up or down)

    @property
    def is_open(self) -> bool:
        return any(isinstance(event, Opened) for event in self.events)

    @property
    def closed(self) -> Closed:
        [closed] = [event for event in self.events if isinstance(event, Closed)]
        return closed
