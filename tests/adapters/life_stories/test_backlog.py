"""What leaves long after it was answered, since the peer did not read: time runs from then."""

import socket

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.tills import order, payment
from wsproto.events import Ping

from dojo_adapters.engine import Engine
from dojo_proto import Epos
from dojo_proto.events import RequestFinished

SMALL = 4096
"""Bytes of each system's buffer, as asked for; what it gives is of that order."""


def test_a_ping_follows_a_payment_soon_after_that_has_left(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dial_succeeded(
        engine: Engine, number: int, api_key: str, sock: socket.socket, now: float
    ) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        succeeded(engine, number, api_key, sock, now)

    succeeded = Engine.dial_succeeded
    monkeypatch.setattr(Engine, "dial_succeeded", dial_succeeded)
    epos = Epos("acme-epos")
    epos.on("SearchOrders")(lambda _ctx, _params: {"data": [], "after": "x" * 64 * SMALL})
    epos.on("RecordOrderPaymentById")(lambda _ctx, _params: order("order-1", "intent-1"))
    with PlayedGateway(buffer=SMALL) as gateway:
        service = serve(epos, url=gateway.url, ping_interval=30)
        peer = gateway.accept_epos()
        peer.send(peer.request(1, "SearchOrdersV1"))
        service.wait_for_event(RequestFinished)
        paying = payment("order-1", "intent-1")
        peer.send(peer.request(2, "RecordOrderPaymentByIdV1", paying))
        service.wait_for_event(RequestFinished, count=2)
        assert [peer.next_answer()["id"] for _ in range(2)] == [1, 2]
        # Well within `ping_interval`, when one would come anyway.
        assert isinstance(peer.next_event(), Ping)
