"""How a link is carried over a transport of the loop's, and what becomes of its socket."""

import asyncio
import os
import socket
from collections.abc import Iterator
from errno import EINVAL
from typing import Any, cast

import pytest
from tests.adapters.around import LINK, Around

from dojo_adapters.engine import Engine
from dojo_adapters.streams import Stream
from dojo_adapters.tls import Wire


class Transport:
    """A loop's, that pauses its protocol after so many writes."""

    def __init__(self, stream: Stream, room: int) -> None:
        self.did: list[Any] = []
        self.room = room
        self._stream = stream

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == 0

    def write(self, data: bytes) -> None:
        self.did.append(data)
        self.room -= 1
        if self.room == 0:
            self._stream.pause_writing()

    def abort(self) -> None:
        self.did.append("abort")


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        yield sock


@pytest.fixture
def stream(around: Around, sock: socket.socket) -> Stream:
    stream = Stream(cast("Engine", around), sock, LINK, cast("Wire", around))
    around.transport = stream
    return stream


def taken(stream: Stream, room: int = 99) -> Transport:
    """The transport with which the loop has taken the socket of `stream`."""
    transport = Transport(stream, room)
    stream.taken_up().connection_made(cast("asyncio.Transport", transport))
    return transport


def test_all_that_waits_is_written_in_one_turn(stream: Stream, around: Around) -> None:
    around.to_send = [b"one", b"two", b"three"]
    assert taken(stream).did == [b"one", b"two", b"three"]


def test_what_the_loop_does_not_take_is_kept_until_it_does(stream: Stream, around: Around) -> None:
    around.to_send = [b"one", b"two", b"three"]
    transport = taken(stream, room=1)
    stream.settle()
    assert (transport.did, around.to_send) == ([b"one"], [b"two", b"three"])
    stream.resume_writing()
    assert transport.did == [b"one", b"two", b"three"]
    assert around.told == [("turn",)]


def test_the_last_bytes_of_a_link_that_is_over_are_written_before_it_is_dropped(
    stream: Stream, around: Around
) -> None:
    transport = taken(stream)
    around.to_send, around.over = [b"close frame"], True
    stream.settle()
    assert transport.did == [b"close frame", "abort"]


def test_a_socket_that_the_loop_has_closed_is_lost_and_gets_nothing_more(
    stream: Stream, around: Around, sock: socket.socket
) -> None:
    error = ConnectionResetError("by the peer")

    async def main() -> list[Any]:
        transport = taken(stream)
        stream.connection_lost(error)
        around.to_send = [b"late"]
        stream.settle()
        await stream.closed.wait()
        await asyncio.sleep(0)
        return transport.did

    descriptor = sock.fileno()
    assert asyncio.run(main()) == []
    assert around.told == [("lost", LINK, error)]
    assert sock.fileno() == -1
    os.close(descriptor)  # which the loop would have done


def test_a_socket_that_the_loop_does_not_take_is_closed_and_lost(
    stream: Stream, around: Around, sock: socket.socket
) -> None:
    error = OSError(EINVAL, "no such socket")
    stream.failed(error)
    assert sock.fileno() == -1
    assert around.told == [("lost", LINK, error)]
    asyncio.run(stream.closed.wait())


def test_one_that_it_is_not_to_take_any_more_is_closed_once_by_whoever_has_it(
    around: Around,
) -> None:
    for begun in (False, True):
        with socket.socket() as sock:
            descriptor = sock.fileno()
            stream = Stream(cast("Engine", around), sock, LINK, cast("Wire", around))
            if begun:
                stream.taken_up()
            stream.cancelled()
            assert sock.fileno() == -1
            if begun:
                os.close(descriptor)  # the loop's to close, and still open
            else:
                with pytest.raises(OSError, match="Bad file descriptor"):
                    os.fstat(descriptor)
            asyncio.run(stream.closed.wait())
    assert around.told == [("lost", LINK, None)] * 2
