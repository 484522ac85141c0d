"""The proxy: tunnels, credentials and refusals, over real sockets."""

import socket
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dojo_proto.events import Cause
from dojo_simulator import ConnectProxy, LocalGateway, SimulatorError


@pytest.fixture
def echo() -> Iterator[socket.socket]:
    """A listening socket: what tunnels lead to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        yield listener


def target(listener: socket.socket) -> str:
    host, port = listener.getsockname()
    return f"{host}:{port}"


def ask(proxy: ConnectProxy, request: str) -> tuple[socket.socket, bytes]:
    """Send a request; the socket, and the head of the answer."""
    stream = socket.create_connection((proxy.host, proxy.port), timeout=5)
    stream.sendall(request.encode())
    answer = b""
    while b"\r\n\r\n" not in answer and (data := stream.recv(4096)):
        answer += data
    return stream, answer


def connect(proxy: ConnectProxy, where: str, *headers: str) -> tuple[socket.socket, bytes]:
    return ask(
        proxy, "\r\n".join((f"CONNECT {where} HTTP/1.1", f"Host: {where}", *headers, "", ""))
    )


def test_a_tunnel_carries_bytes_both_ways_and_each_end(echo: socket.socket) -> None:
    with ConnectProxy() as proxy:
        near, answer = connect(proxy, target(echo))
        assert answer.startswith(b"HTTP/1.1 200 ")
        far, _ = echo.accept()
        with near, far:
            near.sendall(b"ping")
            assert far.recv(10) == b"ping"
            far.sendall(b"pong")
            assert near.recv(10) == b"pong"
            near.shutdown(socket.SHUT_WR)
            assert far.recv(10) == b""
            far.sendall(b"the rest")
            far.close()
            assert near.recv(10) == b"the rest"
            assert near.recv(10) == b""
        assert proxy.tunnels == (target(echo),)
        assert proxy.connections == 1


def test_bytes_behind_the_request_go_into_the_tunnel(echo: socket.socket) -> None:
    with ConnectProxy() as proxy:
        near, _ = ask(proxy, f"CONNECT {target(echo)} HTTP/1.1\r\nHost: x\r\n\r\nearly")
        far, _ = echo.accept()
        with near, far:
            assert far.recv(10) == b"early"


def test_leaving_the_block_ends_open_tunnels(echo: socket.socket) -> None:
    with ConnectProxy() as proxy:
        near, _ = connect(proxy, target(echo))
        far, _ = echo.accept()
    with near, far:
        far.settimeout(5)
        assert far.recv(1) == b""
        assert near.recv(1) == b""


def test_without_the_right_credentials_it_asks_for_them(echo: socket.socket) -> None:
    with ConnectProxy(credentials=("till", "s3cret")) as proxy:
        for headers in ([], ["Proxy-Authorization: Basic bm9ib2R5Om5v"]):
            stream, answer = connect(proxy, target(echo), *headers)
            stream.close()
            assert answer.startswith(b"HTTP/1.1 407 ")
            assert b"\r\nProxy-Authenticate: Basic realm=" in answer
        right = b64encode(b"till:s3cret").decode()
        stream, answer = connect(proxy, target(echo), f"Proxy-Authorization: Basic {right}")
        stream.close()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert proxy.connections == 3
        assert len(proxy.tunnels) == 1


def test_it_refuses_everybody_when_told_to(echo: socket.socket) -> None:
    with ConnectProxy(refuse=503) as proxy:
        stream, answer = connect(proxy, target(echo))
        stream.close()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert proxy.tunnels == ()
    with pytest.raises(SimulatorError, match="expected 300 to 599, got 200"):
        ConnectProxy(refuse=200)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET http://example.com/ HTTP/1.1\r\nHost: example.com", 405),
        ("CONNECT no-port HTTP/1.1\r\nHost: x", 502),
        ("this is no HTTP", 400),
    ],
)
def test_what_is_no_tunnel_is_answered_so(request_line: str, status: int) -> None:
    with ConnectProxy() as proxy:
        stream, answer = ask(proxy, f"{request_line}\r\n\r\n")
        stream.close()
        assert answer.startswith(b"HTTP/1.1 %d " % status)


def test_a_target_that_refuses_is_a_bad_gateway() -> None:
    with ConnectProxy() as proxy, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        stream, answer = connect(proxy, target(deaf))
        stream.close()
        assert answer.startswith(b"HTTP/1.1 502 ")


def test_a_client_that_leaves_early_harms_nobody(echo: socket.socket) -> None:
    with ConnectProxy() as proxy:
        with socket.create_connection((proxy.host, proxy.port), timeout=5) as early:
            early.shutdown(socket.SHUT_WR)
            assert early.recv(1) == b""
        stream, answer = connect(proxy, target(echo))
        stream.close()
        assert answer.startswith(b"HTTP/1.1 200 ")


def test_the_end_of_the_gateway_reaches_the_epos_through_the_tunnel(
    gateway: LocalGateway, serve: Callable[..., Any]
) -> None:
    with ConnectProxy() as proxy:
        stream, _ = connect(proxy, f"{gateway.host}:{gateway.port}")
        epos = serve(gateway.url, stream=stream)
        gateway.wait_for_epos().drop()
        assert epos.read_end().cause is Cause.LOST
