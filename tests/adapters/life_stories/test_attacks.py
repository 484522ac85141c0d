"""Gateways that attack, over real sockets: every runtime ends it, soon and in little memory."""

import socket
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from struct import pack
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import Peer, PlayedGateway
from wsproto.events import Ping

from dojo_adapters.engine import Engine
from dojo_proto import Epos, handshake, outbound
from dojo_proto.events import Cause, Closed, RequestFinished
from dojo_proto.handshake import accept_token

ONCE: dict[str, Any] = {"backoff_initial": 300, "backoff_max": 300}
"""Settings that leave it at one dial."""
MIB = 1 << 20


@contextmanager
def within(peak: int) -> Iterator[None]:
    """Everything in this process together allocates at most so many bytes at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < peak
    finally:
        tracemalloc.stop()


def pour(peer: Peer, block: bytes, times: int = 1 << 30) -> None:
    """Send `block` again and again, until it is over or the client has gone."""
    with suppress(OSError):
        for _ in range(times):
            peer.socket.sendall(block)


def right_101(peer: Peer, *more: bytes) -> bytes:
    """The answer to the upgrade, which is read."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += peer.socket.recv(1 << 16)
    key = head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0].decode()
    accept = b"Sec-WebSocket-Accept: " + accept_token(key).encode()
    start = (b"HTTP/1.1 101 Go", b"Upgrade: websocket", b"Connection: Upgrade", accept)
    return b"\r\n".join((*start, *more, b"", b""))


def wrong_accept(peer: Peer) -> None:
    peer.socket.sendall(right_101(peer).replace(b"Accept: ", b"Accept: A"))


def doubled_accept(peer: Peer) -> None:
    peer.socket.sendall(right_101(peer, b"Sec-WebSocket-Accept: AAAA"))


def extension(peer: Peer) -> None:
    peer.socket.sendall(right_101(peer, b"Sec-WebSocket-Extensions: permessage-deflate"))


def subprotocol(peer: Peer) -> None:
    peer.socket.sendall(right_101(peer, b"Sec-WebSocket-Protocol: mqtt"))


def endless_headers(peer: Peer) -> None:
    peer.socket.sendall(b"HTTP/1.1 101 Go\r\n")
    pour(peer, b"X-Filler: 0123456789\r\n" * 100)


def endless_chunks(peer: Peer) -> None:
    peer.socket.sendall(b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n")
    pour(peer, b"1\r\nx\r\n" * 100)


def endless_body(peer: Peer) -> None:
    peer.socket.sendall(b"HTTP/1.1 404 No\r\nConnection: keep-alive\r\n")
    pour(peer, b"Content-Length: 9000000000000000000\r\n\r\n" + b"x" * 4096, 1)


def endless_interim_answers(peer: Peer) -> None:
    pour(peer, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def masked_frame(peer: Peer) -> None:
    peer.upgrade()
    peer.socket.sendall(b"\x81\x82\x01\x02\x03\x04\x7a\x7f")


def impossible_length(peer: Peer) -> None:
    peer.upgrade()
    peer.socket.sendall(b"\x82\x7f" + pack("!Q", 1 << 63))


def enormous_message(peer: Peer) -> None:
    peer.upgrade()
    peer.socket.sendall(b"\x82\x7f" + pack("!Q", (1 << 63) - 1))
    pour(peer, b"x" * 65536)


ATTACKS: dict[Callable[[Peer], None], tuple[Cause, int | None]] = {
    wrong_accept: (Cause.BAD_HANDSHAKE, 101),
    doubled_accept: (Cause.BAD_HANDSHAKE, 101),
    extension: (Cause.BAD_HANDSHAKE, 101),
    subprotocol: (Cause.BAD_HANDSHAKE, 101),
    endless_headers: (Cause.BAD_HANDSHAKE, None),
    endless_chunks: (Cause.UNAVAILABLE, 503),
    endless_body: (Cause.REJECTED, 404),
    endless_interim_answers: (Cause.BAD_HANDSHAKE, None),
    masked_frame: (Cause.PROTOCOL_ERROR, None),
    impossible_length: (Cause.PROTOCOL_ERROR, None),
    enormous_message: (Cause.PROTOCOL_ERROR, None),
}


def attack(
    assault: Callable[[Peer], None], serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    with within(16 * MIB):
        service = serve(epos, url=played.url, close_timeout=0.05, **ONCE)
        assault(played.accept())
        closed = service.wait_for_event(Closed)
    assert (closed.cause, closed.status) == ATTACKS[assault]
    assert "sk_sandbox" not in closed.reason


@pytest.mark.parametrize("assault", ATTACKS, ids=lambda assault: assault.__name__)
def test_it_ends_with_its_reason(
    assault: Callable[[Peer], None], serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    attack(assault, serve, epos, played)


def test_it_is_red_where_no_101_is_judged(
    serve: Serve, epos: Epos, played: PlayedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(handshake.Handshake, "_fault", lambda _self, _head: "")
        planted.setattr("tests.adapters.life_stories.serving.DEADLINE", 0.3)
        with pytest.raises(AssertionError, match="never told"):
            attack(wrong_accept, serve, epos, played)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system takes little on the way: what a client piles up is its own memory."""
    succeeded = Engine.dial_succeeded

    def narrowed(
        engine: Engine, number: int, api_key: str, sock: socket.socket, now: float
    ) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        succeeded(engine, number, api_key, sock, now)

    monkeypatch.setattr(Engine, "dial_succeeded", narrowed)


def ping_flood(serve: Serve, epos: Epos) -> None:
    """20,000 pings and a request by a gateway that reads nothing until all is done."""
    with PlayedGateway(buffer=4096) as played:
        service = serve(epos, url=played.url, **ONCE)
        peer = played.accept_epos()
        block = peer.bytes_of(*[Ping(payload=b"p" * 125)] * 500)
        with within(2 * MIB):
            pour(peer, block, 40)
            peer.send(peer.request(1, "SearchOrdersV1"))
            service.wait_for_event(RequestFinished)
        assert peer.next_answer()["result"] == {"data": []}


@pytest.mark.usefixtures("narrow")
def test_a_flood_of_pings_costs_little_and_the_next_request_is_answered(
    serve: Serve, epos: Epos
) -> None:
    ping_flood(serve, epos)


@pytest.mark.usefixtures("narrow")
def test_it_is_red_where_every_ping_is_remembered(
    serve: Serve, epos: Epos, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "MAX_PONGS", 1 << 30)
    with pytest.raises(AssertionError, match=r"assert \d+ < "):
        ping_flood(serve, epos)


def request_flood(serve: Serve, epos: Epos, max_outbound: int) -> Closed:
    """The gateway asks for 24 MiB of answers and reads nothing."""
    request = b'{"jsonrpc":"2.0","id":"%s","method":"NoSuchMethod"}' % (b"9" * 8000)
    frames = (b"\x81\x7e" + pack("!H", len(request)) + request) * 8
    with PlayedGateway(buffer=4096) as played:
        service = serve(epos, url=played.url, max_outbound=max_outbound, **ONCE)
        peer = played.accept_epos()
        with within(8 * MIB):
            pour(peer, frames, 390)
        return service.wait_for_event(Closed)


def test_a_flood_of_requests_by_a_gateway_that_reads_nothing_ends_the_connection(
    serve: Serve, epos: Epos
) -> None:
    closed = request_flood(serve, epos, 256 << 10)
    assert closed.cause is Cause.UNREAD
    assert "are allowed" in closed.reason


def test_it_is_red_where_answers_pile_up(serve: Serve, epos: Epos) -> None:
    with pytest.raises(AssertionError, match=r"assert \d+ < "):
        request_flood(serve, epos, 1 << 30)
