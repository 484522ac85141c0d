"""The listening socket of the simulator's servers."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from errno import EMFILE
from typing import Any, NoReturn, Self

import pytest
import trustme

from dojo_simulator.listener import Listener, streams


class Greeter(asyncio.Protocol):
    """Says hello and ends the stream."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")
        transport.close()


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        yield runner


async def _read(port: int, host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    with closing(writer):
        return await reader.read()


def test_each_connection_gets_a_protocol_until_it_is_closed(runner: asyncio.Runner) -> None:
    async def serve() -> None:
        listener = Listener(Greeter, "127.0.0.1", 0)
        assert listener.port > 0
        assert [await _read(listener.port) for _ in range(2)] == [b"hello", b"hello"]
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            await _read(listener.port)

    runner.run(serve())


def test_a_name_will_do_for_an_address(runner: asyncio.Runner) -> None:
    async def serve() -> None:
        listener = Listener(Greeter, "localhost", 0)
        assert await _read(listener.port, "localhost") == b"hello"
        listener.close()

    runner.run(serve())


def test_who_was_accepted_when_it_closes_is_served_all_the_same(runner: asyncio.Runner) -> None:
    # CPython 3.13 trips over an assertion here if asyncio's own server does it.
    async def serve() -> bytes:
        listener = Listener(Greeter, "127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", listener.port)) as client:
            listener._accept()
            listener.close()
            await listener.settle()
            client.settimeout(5)
            return await asyncio.to_thread(client.recv, 100)

    assert runner.run(serve()) == b"hello"


def test_nobody_there_to_accept_is_no_error(runner: asyncio.Runner) -> None:
    async def serve() -> None:
        listener = Listener(Greeter, "127.0.0.1", 0)
        listener._accept()  # as when the client has gone between the wake-up and the accept
        await listener.settle()
        listener.close()

    runner.run(serve())


def test_a_tls_handshake_that_takes_long_is_ended(runner: asyncio.Runner) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)

    async def serve() -> bytes:
        listener = Listener(Greeter, "127.0.0.1", 0, tls=tls)
        with socket.create_connection(("127.0.0.1", listener.port)) as client:
            listener._accept()
            await listener.settle()
            client.settimeout(5)
            listener.close()
            return await asyncio.to_thread(client.recv, 100)

    assert runner.run(serve()) == b""


def test_what_is_no_tls_harms_nobody(runner: asyncio.Runner) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)

    async def serve() -> None:
        listener = Listener(Greeter, "127.0.0.1", 0, tls=tls)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await reader.read()
        writer.close()
        await listener.settle()
        listener.close()

    runner.run(serve())


def test_streams_are_given_to_a_function(runner: asyncio.Runner) -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    async def serve() -> bytes:
        listener = Listener(streams(shout), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"hello\n")
        answer = await reader.read()
        writer.close()
        listener.close()
        return answer

    assert runner.run(serve()) == b"HELLO\n"


class Scarce:
    """A system that is out of file descriptors while the block runs; it writes down what it did."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.refused = 0
        self.told: list[str] = []
        self.pauses: list[asyncio.TimerHandle] = []
        self._patch = pytest.MonkeyPatch()
        self._call_later = loop.call_later
        self._patch.setattr(socket.socket, "accept", self._accept)
        self._patch.setattr(loop, "call_later", self._pause)
        loop.set_exception_handler(lambda _loop, context: self.told.append(context["message"]))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Once the loop has had many a turn to ask, and to ask again."""
        for _ in range(1000):
            await asyncio.sleep(0)
        self._patch.undo()

    def _accept(self, *_socket: object) -> NoReturn:
        self.refused += 1
        raise OSError(EMFILE, "too many open files")

    def _pause(self, *arguments: Any) -> asyncio.TimerHandle:
        self.pauses.append(self._call_later(*arguments))
        return self.pauses[-1]


def test_out_of_file_descriptors_it_says_so_and_pauses(runner: asyncio.Runner) -> None:
    async def serve() -> None:
        listener = Listener(Greeter, "127.0.0.1", 0)
        async with Scarce(asyncio.get_running_loop()) as scarce:
            reading = asyncio.create_task(_read(listener.port))
        assert await reading == b"hello"
        listener.close()
        assert 0 < scarce.refused < 100  # it is one, unless the machine stands still
        said = "no socket to accept a connection with: it is tried again in 0.2 s"
        assert scarce.told == [said] * scarce.refused

    runner.run(serve())


def test_it_can_be_closed_while_it_pauses(runner: asyncio.Runner) -> None:
    async def serve() -> None:
        listener = Listener(Greeter, "127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", listener.port)):
            async with Scarce(asyncio.get_running_loop()) as scarce:
                pass
            listener.close()
        assert scarce.pauses[-1].cancelled()

    runner.run(serve())
