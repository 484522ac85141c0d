"""The transcript tells the same, however the bytes were cut."""

import os

import pytest

from dojo_proto.framing import Framing
from dojo_simulator.check.transcript import Transcript

HEAD = b"GET /epos HTTP/1.1\r\nHost: here\r\nAuthorization: Basic sk_sandbox_c4nary\r\n\r\n"
ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def spoken() -> bytes:
    framing = Framing(client=True, entropy=os.urandom, max_message_size=0)
    frames = (
        framing.text(b'{"id": "1", "result": {}}'),
        framing.ping(b"p"),
        framing.pong(b"q"),
        framing.text(b"no JSON"),
    )
    return HEAD + b"".join(frames)


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_the_epos_says(size: int) -> None:
    transcript = Transcript(1)
    stream = spoken()
    for start in range(0, len(stream), size):
        transcript.from_epos(stream[start : start + size])
    assert transcript.request_line == "GET /epos HTTP/1.1"
    assert transcript.headers == [("host", "here"), ("authorization", "Basic sk_sandbox_c4nary")]
    assert [message.value for message in transcript.messages] == [{"id": "1", "result": {}}, None]
    assert [message.raw for message in transcript.answers("1")] == [b'{"id": "1", "result": {}}']
    assert len(transcript.pings) == 1
    assert [payload for _, payload in transcript.pongs] == [b"q"]


def test_it_is_open_from_the_101_to_its_end() -> None:
    transcript = Transcript(1)
    assert (transcript.status, transcript.is_open) == (None, False)
    for byte in ACCEPTED:
        transcript.from_gateway(bytes([byte]))
    assert (transcript.status, transcript.is_open) == (101, True)
    transcript.ended = 1.0
    assert not transcript.is_open


def test_a_refusal_opens_nothing() -> None:
    transcript = Transcript(1)
    transcript.from_gateway(b"HTTP/1.1 401 Unauthorized\r\n\r\n")
    assert (transcript.status, transcript.is_open) == (401, False)
