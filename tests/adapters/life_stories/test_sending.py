"""How answers leave: whole, few writes for many, and only as fast as the peer reads."""

import socket
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import DEADLINE, Runtime

from dojo_adapters.engine import Engine
from dojo_adapters.tls import Wire
from dojo_proto import Context, Epos
from dojo_proto.events import Cause, Closed, Event, RequestFinished

SMALL = 4096
"""Bytes of a system's buffer, as asked for; what it gives is of that order."""


@pytest.fixture
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service's sockets take little that has not left."""
    succeeded = Engine.dial_succeeded

    def with_small_buffer(
        engine: Engine, number: int, api_key: str, sock: socket.socket, now: float
    ) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        succeeded(engine, number, api_key, sock, now)

    monkeypatch.setattr(Engine, "dial_succeeded", with_small_buffer)


@pytest.mark.usefixtures("small_buffers")
def test_a_large_answer_arrives_whole_though_every_write_is_taken_in_part(serve: Serve) -> None:
    data = "".join(f"{number:08}" for number in range(32_000))
    epos = Epos("acme-epos")
    epos.on("SearchOrders")(lambda _ctx, _params: {"data": [], "after": data})
    with PlayedGateway(buffer=16 * SMALL) as gateway:
        # Longer than the peer waits: no timer has the rest written, the socket alone can.
        serve(epos, url=gateway.url, ping_interval=1.5 * DEADLINE, read_timeout=3 * DEADLINE)
        peer = gateway.accept_epos()
        peer.send(*(peer.request(number, "SearchOrdersV1") for number in (1, 2)))
        answers = [peer.next_answer() for _ in range(2)]
        assert {answer["id"] for answer in answers} == {1, 2}
        assert all(answer["result"] == {"data": [], "after": data} for answer in answers)


@pytest.mark.usefixtures("small_buffers")
def test_what_a_peer_does_not_read_is_kept_by_the_client_and_counted(serve: Serve) -> None:
    epos = Epos("acme-epos")
    epos.on("SearchOrders")(lambda _ctx, _params: {"data": [], "after": "x" * 1024})
    with PlayedGateway(buffer=SMALL) as gateway:
        service = serve(epos, url=gateway.url, max_outbound=4096)
        peer = gateway.accept_epos()
        # Less than what an event loop would hold on its own: 64 KiB by default.
        for number in range(1, 49):
            peer.send(peer.request(number, "SearchOrdersV1"))
            service.wait_for_event(Event, is_end, count=number)
            if closed(service.events):
                break
        assert [event.cause for event in closed(service.events)] == [Cause.UNREAD]


def is_end(event: Event) -> bool:
    """Whether a request or a connection is over with it."""
    return isinstance(event, RequestFinished | Closed)


def closed(events: list[Event]) -> list[Closed]:
    return [event for event in events if isinstance(event, Closed)]


def test_answers_that_are_ready_in_one_turn_leave_in_few_writes(
    serve: Serve, runtime: Runtime, played: PlayedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    epos = Epos("acme-epos")
    epos.on("ListAreas")(lambda _ctx, _params: [])

    async def search(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        await runtime.sleep(0)
        return {"data": []}

    # Handlers in threads share no turn: without one, a request is refused in that in which it came.
    if runtime.allows_async:
        epos.on("SearchOrders")(search)

    writes: list[bytes] = []
    data_to_send = Wire.data_to_send

    def noted(wire: Wire, now: float, *limit: int) -> bytes:
        data = data_to_send(wire, now, *limit)
        if data:
            writes.append(data)
        return data

    serve(epos, url=played.url, max_in_flight=100)
    peer = played.accept_epos()
    monkeypatch.setattr(Wire, "data_to_send", noted)
    peer.send(*(peer.request(number, "SearchOrdersV1") for number in range(100)))
    assert {peer.next_answer()["id"] for _ in range(100)} == set(range(100))
    assert len(writes) <= 10
