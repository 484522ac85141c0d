"""From a host name to a connected socket."""

import errno
import gc
import os
import select
import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from tests.adapters.pieces import DEADLINE

from dojo_adapters import dialing

Listen = Callable[..., socket.socket]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """A socket that listens; it is closed when the test ends."""
    with ExitStack() as stack:

        def listen(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
            host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
            server = socket.create_server((host, 0), family=family, backlog=8)
            stack.enter_context(server)
            return server

        yield listen


@pytest.fixture
def silent(listen: Listen) -> Iterator[socket.socket]:
    """A socket at which a connection neither succeeds nor fails: its queue is full."""
    server = listen()
    server.listen(0)
    with ExitStack() as stack:
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield server


@pytest.fixture(autouse=True)
def no_descriptor_is_left() -> Iterator[None]:
    """Whatever becomes of a dial, all its other sockets are closed."""
    gc.collect()
    before = descriptors()
    yield
    assert descriptors() <= before
    gc.collect()  # a socket that is only forgotten is a ResourceWarning, and so an error


def descriptors() -> set[str]:
    """The open ones of this process, where the system tells."""
    directory = Path("/proc/self/fd")
    return {each.name for each in directory.iterdir()} if directory.is_dir() else set()


def connect(
    host: str, port: int, seconds: float = DEADLINE, wanted: Callable[[], bool] = lambda: True
) -> socket.socket:
    return dialing.connect(host, port, monotonic() + seconds, wanted)


def refused_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> list[Any]:
    """Have every name mean these addresses, in this order; what is asked for is returned."""
    asked: list[Any] = []

    def getaddrinfo(host: str, port: int, **_kinds: Any) -> list[Any]:
        asked.append((host, port))
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (address, at, 0, 0) if ":" in address else (address, at),
            )
            for address, at in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def ipv6_works() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not ipv6_works(), reason="this machine has no IPv6 loopback")


def test_a_socket_that_does_not_block_and_sends_without_delay(listen: Listen) -> None:
    server = listen()
    with connect("127.0.0.1", port_of(server)) as dialed, server.accept()[0] as accepted:
        assert dialed.getpeername() == server.getsockname()
        assert not dialed.getblocking()
        assert dialed.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        accepted.sendall(b"hello")
        accepted.close()
        dialed.settimeout(DEADLINE)
        assert dialed.recv(16) == b"hello"


def test_a_name_is_looked_up(listen: Listen) -> None:
    server = listen()
    with connect("localhost", port_of(server)) as dialed:
        assert dialed.getpeername()[1] == port_of(server)


@needs_ipv6
def test_ipv6(listen: Listen) -> None:
    server = listen(socket.AF_INET6)
    with connect("::1", port_of(server)) as dialed:
        assert dialed.family == socket.AF_INET6
        assert dialed.getpeername()[:2] == ("::1", port_of(server))


def test_a_port_where_nobody_listens_says_so_at_once() -> None:
    before = monotonic()
    with pytest.raises(ConnectionRefusedError) as refused:
        connect("127.0.0.1", refused_port())
    assert refused.value.strerror == os.strerror(errno.ECONNREFUSED)
    assert monotonic() - before < DEADLINE / 2


def test_a_name_that_does_not_exist_is_an_os_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_arguments: Any, **_kinds: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(OSError, match="Name or service not known"):
        connect("gateway.invalid", 443)


@pytest.mark.parametrize("host", [".example", "a..example", "x" * 64 + ".example"])
def test_a_host_that_can_be_no_name_is_an_error_of_its_own(host: str) -> None:
    with pytest.raises(UnicodeError):
        connect(host, 443)


# An address, without a look-up and without waiting.


@pytest.mark.parametrize(
    "family", [socket.AF_INET, pytest.param(socket.AF_INET6, marks=needs_ipv6)]
)
def test_an_address_is_dialed_at_once(listen: Listen, family: socket.AddressFamily) -> None:
    server = listen(family)
    host, port = server.getsockname()[:2]
    dialed = dialing.begin(host, port)
    assert dialed is not None
    with dialed, server.accept()[0]:
        assert writable(dialed)
        dialing.finish(dialed)
        assert dialed.getpeername() == server.getsockname()
        assert not dialed.getblocking()
        assert dialed.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("host", ["localhost", "gateway.example", "fe80::1%lo", "127.1"])
def test_what_has_to_be_looked_up_is_not_dialed_at_once(host: str) -> None:
    assert dialing.begin(host, 443) is None


def test_an_address_that_refuses_says_so_in_the_end() -> None:
    dialed = dialing.begin("127.0.0.1", refused_port())
    assert dialed is not None
    assert writable(dialed)
    with pytest.raises(ConnectionRefusedError):
        dialing.finish(dialed)
    assert dialed.fileno() == -1


def test_an_address_that_cannot_be_reached_at_all_is_an_error_at_once() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - which one is up to the system
        dialing.begin("255.255.255.255", 443)


def writable(sock: socket.socket) -> bool:
    return bool(select.select([], [sock], [], DEADLINE)[1])


def test_an_address_that_takes_its_time_has_it_until_the_deadline(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    class Slow(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> Any:
            nonlocal looks
            looks += 1
            return super().select(timeout) if looks > 5 else []

    def wanted() -> bool:
        clock[0] += 1.0  # far more than the next address would have to wait
        return True

    clock = [0.0]
    monkeypatch.setattr(dialing, "DefaultSelector", Slow)
    monkeypatch.setattr(dialing, "monotonic", lambda: clock[0])
    server = listen()
    with dialing.connect("127.0.0.1", port_of(server), 60.0, wanted) as dialed:
        assert dialed.getpeername() == server.getsockname()


# Several addresses.


def test_the_next_address_is_left_alone_where_the_first_one_answers(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "_STAGGER", DEADLINE)
    first, second = listen(), listen()
    second.setblocking(False)
    resolve_to(monkeypatch, first.getsockname(), second.getsockname())
    with connect("gateway.example", 443) as dialed:
        assert dialed.getpeername() == first.getsockname()
        with pytest.raises(BlockingIOError):
            second.accept()


def test_the_next_address_is_tried_at_once_when_the_first_one_refuses(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "_STAGGER", DEADLINE)
    server = listen()
    asked = resolve_to(monkeypatch, ("127.0.0.1", refused_port()), server.getsockname())
    with connect("gateway.example", 443) as dialed:
        assert dialed.getpeername() == server.getsockname()
    assert asked == [("gateway.example", 443)]


def test_an_address_that_is_silent_does_not_hold_up_the_next(
    listen: Listen, silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "_STAGGER", 0.01)
    server = listen()
    resolve_to(monkeypatch, silent.getsockname(), silent.getsockname(), server.getsockname())
    with connect("gateway.example", 443) as dialed:
        assert dialed.getpeername() == server.getsockname()


def test_the_families_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    class Refusing(socket.socket):
        def connect(self, address: Any) -> None:
            tried.append(address[0])
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    six, four = ["::1", "::2", "::3"], ["127.0.0.1", "127.0.0.2"]
    resolve_to(monkeypatch, *((address, 9) for address in (*six, *four)))
    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(ConnectionRefusedError):
        connect("gateway.example", 443)
    expected = ["::1", "127.0.0.1", "::2", "127.0.0.2", "::3"]
    if not ipv6_works():
        expected = [address for address in expected if address in tried]
    assert tried == expected


def test_a_family_that_this_machine_lacks_is_passed_over(
    listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = socket.socket
    server = listen()

    def make(family: int, kind: int, protocol: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported")
        return made(family, kind, protocol)

    resolve_to(monkeypatch, ("::1", 9), server.getsockname())
    monkeypatch.setattr(socket, "socket", make)
    with connect("gateway.example", 443) as dialed:
        assert dialed.getpeername() == server.getsockname()


def test_when_all_refuse_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, *(("127.0.0.1", refused_port()) for _ in range(3)))
    with pytest.raises(ConnectionRefusedError):
        connect("gateway.example", 443)


# Time.


def test_nobody_who_answers_until_the_deadline_is_a_timeout(silent: socket.socket) -> None:
    before = monotonic()
    with pytest.raises(TimeoutError, match="no answer in time"):
        connect("127.0.0.1", port_of(silent), 0.05)
    assert 0.05 <= monotonic() - before < DEADLINE / 2


def test_the_deadline_covers_all_addresses(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "_STAGGER", 0.01)
    resolve_to(monkeypatch, *[silent.getsockname()] * 20)
    before = monotonic()
    with pytest.raises(TimeoutError):
        connect("gateway.example", 443, 0.05)
    assert monotonic() - before < DEADLINE / 2


def test_a_deadline_that_has_passed_is_a_timeout(listen: Listen) -> None:
    with pytest.raises(TimeoutError):
        connect("127.0.0.1", port_of(listen()), -1)


def test_a_dial_that_nobody_wants_any_more_ends_soon(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialing, "_GLANCE", 0.01)
    answers = iter([True, True, False])
    before = monotonic()
    with pytest.raises(TimeoutError):
        connect("127.0.0.1", port_of(silent), wanted=lambda: next(answers))
    assert monotonic() - before < DEADLINE / 2
