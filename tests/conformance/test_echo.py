"""The driver in one role against itself in the other, without the suite."""

import socket
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from tests.conformance import echo

from dojo_proto.connection import Connection, ConnectionEvent, Open
from dojo_proto.framing import Message

SAID = [
    Message(b"text"),
    Message(b"\xff\x00", binary=True),
    Message(b"x" * 1_000_000),
    Message(b"x" * 1_000_000, binary=True),
    Message(b""),
]


@pytest.mark.parametrize("echoes", ["gateway", "client"])
def test_text_and_binary_come_back_as_they_went(echoes: str) -> None:
    heard: list[Message] = []

    def talk(connection: Connection, event: ConnectionEvent) -> None:
        if isinstance(event, Open):
            for message in SAID:
                echo.send(connection, message)
        elif isinstance(event, Message):
            heard.append(event)
            if len(heard) == len(SAID):
                connection.close(1000, "", monotonic())

    gateway, client = (echo.echoing, talk) if echoes == "gateway" else (talk, echo.echoing)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(10)
        asked = pool.submit(echo.ask, f"ws://127.0.0.1:{listener.getsockname()[1]}/", client)
        echo.answer(listener.accept()[0], gateway)
        asked.result(10)
    assert heard == SAID
