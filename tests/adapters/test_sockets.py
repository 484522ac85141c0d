"""How a link is carried over a socket that does not block, whatever that answers."""

import socket
from collections.abc import Iterator
from errno import ECONNRESET, EPIPE
from os import strerror
from typing import Any, cast

import pytest
from tests.adapters.around import LINK, Around

from dojo_adapters.engine import Engine
from dojo_adapters.sockets import SocketTransport
from dojo_adapters.tls import Wire


class Socket:
    """Answers each call with the next of `answers`: bytes to read, a number to take, an error."""

    def __init__(self) -> None:
        self.answers: list[bytes | int | Exception] = []
        self.sent: list[bytes] = []

    def recv(self, _most: int) -> Any:
        return self._answer()

    def send(self, data: bytes) -> Any:
        taken = self._answer() if self.answers else len(data)
        self.sent.append(bytes(data[:taken]))
        return taken

    def _answer(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Carrying(SocketTransport):
    """A transport whose runtime notes down what it is to do."""

    __slots__ = ("did",)

    def __init__(self, around: Around, sock: Socket) -> None:
        self.did: list[object] = []
        super().__init__(
            cast("Engine", around), cast("socket.socket", sock), LINK, cast("Wire", around)
        )

    def watch(self, *, stuck: bool) -> None:
        self.did.append("stuck" if stuck else "free")

    def drop(self) -> None:
        self.did.append("drop")


@pytest.fixture
def sock() -> Socket:
    return Socket()


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def transport(around: Around, sock: Socket) -> Iterator[Carrying]:
    around.transport = Carrying(around, sock)
    yield around.transport
    around.transport = None


# Reading.


def test_what_has_come_in_goes_to_the_wire_and_so_does_the_end(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    sock.answers = [b"one", b"two", b""]
    for _ in range(3):
        transport.read()
    assert around.told == [("received", b"one"), ("received", b"two"), ("end",)]


@pytest.mark.parametrize("error", [BlockingIOError(), InterruptedError()])
def test_a_socket_that_was_woken_in_vain_is_none_that_is_lost(
    error: Exception, transport: Carrying, around: Around, sock: Socket
) -> None:
    sock.answers = [error, b"one"]
    transport.read()
    assert around.told == []
    transport.read()
    assert around.told == [("received", b"one")]


def test_a_socket_that_fails_to_read_is_lost_and_dropped_once(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    reset = ConnectionResetError(ECONNRESET, strerror(ECONNRESET))
    sock.answers = [reset]
    transport.read()
    assert around.told == [("lost", LINK, reset)]
    assert not transport.settle()
    transport.let_go()
    assert transport.did == ["drop"]


# Writing.


def test_all_that_waits_is_written_and_the_socket_needs_no_watching(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    around.to_send = [b"one", b"two"]
    assert transport.settle()
    assert sock.sent == [b"one", b"two"]
    assert not transport.stuck
    assert transport.did == []


def test_what_is_taken_in_part_goes_on_where_it_stopped_and_nothing_overtakes_it(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    around.to_send = [b"payment", b"next"]
    sock.answers = [3, 2]
    assert transport.settle()
    assert sock.sent == [b"pay", b"me", b"nt", b"next"]


@pytest.mark.parametrize("error", [BlockingIOError(), InterruptedError()])
def test_a_socket_that_takes_no_more_is_watched_until_it_has_taken_all(
    error: Exception, transport: Carrying, around: Around, sock: Socket
) -> None:
    around.to_send = [b"payment", b"next"]
    for answers in ([error], [3, error], [error]):
        sock.answers = [*answers]
        assert transport.settle()
        assert (transport.did, around.to_send) == (["stuck"], [b"next"])
    assert transport.settle()
    assert (transport.did, sock.sent) == (["stuck", "free"], [b"pay", b"ment", b"next"])


def test_a_socket_that_fails_to_write_is_lost_and_dropped_once_and_nothing_more_written(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    broken = BrokenPipeError(EPIPE, strerror(EPIPE))
    around.to_send = [b"payment"]
    sock.answers = [3, broken]
    assert not transport.settle()
    assert around.told == [("lost", LINK, broken)]
    around.to_send = [b"next"]
    assert not transport.settle()
    assert transport.did == ["drop"]
    assert sock.sent == [b"pay"]


def test_a_socket_that_fails_while_it_takes_no_more_is_not_watched_once_it_is_dropped(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    around.to_send = [b"payment"]
    sock.answers = [BlockingIOError()]
    assert transport.settle()
    sock.answers = [BrokenPipeError(EPIPE, strerror(EPIPE))]
    assert not transport.settle()
    assert transport.did == ["stuck", "free", "drop"]


def test_the_last_bytes_of_a_link_that_is_over_are_written_before_it_is_dropped(
    transport: Carrying, around: Around, sock: Socket
) -> None:
    around.to_send, around.over = [b"close frame"], True
    assert not transport.settle()
    assert sock.sent == [b"close frame"]
    assert transport.did == ["drop"]
    assert not transport.settle()
    assert transport.did == ["drop"]
