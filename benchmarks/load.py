"""The gateway's end: as lean as it can be, so that it is not what is measured.

It sends frames that were made beforehand and looks at nothing but the heads of the frames that come
back; only the first answers are read, to see that they are right.
"""

import base64
import hashlib
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from time import perf_counter

import msgspec

from benchmarks.child import running
from benchmarks.material import ORDERS, TABLES, Answer, order_id, request, request_id

WINDOW = 64
"""Requests that are under way at a time."""
RING = 4096
"""Different requests there are; then they come again, long after they were answered."""
PATIENCE = 30.0
"""Seconds without a byte after which a contestant counts as dead."""

_CHUNK = 1 << 18
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_decode_answer = msgspec.json.Decoder(Answer).decode
_GONE = "the contestant has closed the connection"


@contextmanager
def connected(contestant: str, loop: str = "") -> Iterator[socket.socket]:
    """Start a contestant in a process of its own; gives the socket of its open connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(PATIENCE)
        with running("benchmarks.child", contestant, port, loop) as child:
            sock = accepted(server)
            with sock:
                yield sock
                child.kill()  # before the socket is closed: nobody shall dial again


def accepted(server: socket.socket) -> socket.socket:
    """The next connection, upgraded to RFC 6455."""
    sock, _ = server.accept()
    sock.settimeout(PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    upgrade(sock)
    return sock


def upgrade(sock: socket.socket) -> None:
    """Answer the handshake of a contestant, whatever else it says."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += received(sock)
    sock.sendall(upgraded(head))


def upgraded(head: bytes) -> bytes:
    """The answer to the head of a handshake (RFC 6455 section 4.2.2)."""
    key = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", head)
    if key is None:
        raise RuntimeError("the handshake has no Sec-WebSocket-Key")
    accept = base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


@cache
def frames() -> tuple[memoryview, int]:
    """All requests of the ring as frames, one behind the other, and the size of each."""
    made = [framed(request(number)) for number in range(RING)]
    if len({len(each) for each in made}) != 1:
        raise AssertionError("requests differ in size")
    return memoryview(b"".join(made)), len(made[0])


def framed(message: bytes) -> bytes:
    """One unmasked text frame, of 126 to 65535 bytes of payload (RFC 6455 section 5.2)."""
    return b"\x81\x7e" + len(message).to_bytes(2) + message


class Answers:
    """Cuts what comes in into the payloads of masked text frames."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, data: bytes) -> list[bytes]:
        """The messages that are complete now, unmasked."""
        data = self._rest + data
        messages, at = [], 0
        while (end := _end(data, at)) is not None:
            if data[at] == 0x81:
                start = at + (4 if data[at + 1] & 0x7F == 126 else 2)
                messages.append(unmasked(data[start : start + 4], data[start + 4 : end]))
            at = end
        self._rest = data[at:]
        return messages


def _end(data: bytes, at: int) -> int | None:
    """Where the frame at `at` ends; None if its end is not there yet."""
    if len(data) - at < 8:
        return None  # a frame is at least as long but for empty ones, which nobody has to send
    length = data[at + 1] & 0x7F
    end = at + 8 + int.from_bytes(data[at + 2 : at + 4]) if length == 126 else at + 6 + length
    if length == 127 or not data[at + 1] & 0x80 or data[at] not in {0x81, 0x89, 0x8A}:
        raise RuntimeError(f"an unexpected frame: {data[at : at + 8].hex(' ')}")
    return end if end <= len(data) else None


def unmasked(mask: bytes, payload: bytes) -> bytes:
    """RFC 6455 section 5.3, by one long exclusive or."""
    size = len(payload)
    pad = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(pad)).to_bytes(size)


@contextmanager
def seeing_it_go() -> Iterator[None]:
    """A contestant that has gone may show in what is sent before it does in what is received."""
    try:
        yield
    except ConnectionError:
        raise RuntimeError(_GONE) from None


@seeing_it_go()
def check_answers(sock: socket.socket) -> None:
    """Ask for each order once, and look whether the answers are what they have to be."""
    view, size = frames()
    sock.sendall(view[: TABLES * size])
    answers, messages = Answers(), list[bytes]()
    while len(messages) < TABLES:
        messages += answers.receive(received(sock))
    expect_each(messages)


def expect_each(messages: Iterable[bytes]) -> None:
    """Raise RuntimeError if these are not the answers to the first TABLES requests."""
    found = {answer.id: answer.result for answer in map(_decode_answer, messages)}
    if found != {request_id(each): ORDERS[order_id(each)] for each in range(TABLES)}:
        raise RuntimeError("the answers are not those that were to be given")


def received(sock: socket.socket) -> bytes:
    """What comes next. Raises RuntimeError at the end, TimeoutError when nothing comes."""
    data = sock.recv(_CHUNK)
    if not data:
        raise RuntimeError(_GONE)
    return data


@seeing_it_go()
def throughput(sock: socket.socket, *, seconds: float, warm_up: float) -> float:
    """Answers a second with WINDOW requests under way, after `warm_up` seconds of the same."""
    view, size = frames()
    asked, counted, rest = WINDOW, 0, b""
    began, first = 0.0, 0
    sock.sendall(view[: WINDOW * size])
    warm = perf_counter() + warm_up
    end = warm + seconds
    while True:
        data = received(sock)
        now = perf_counter()
        if rest:
            data = rest + data
        at, last, before = 0, len(data), counted
        while last - at >= 8:
            if data[at] == 0x81 and data[at + 1] == 0xFE:
                after = at + 8 + (data[at + 2] << 8 | data[at + 3])
                if after > last:
                    break
                at = after
                counted += 1
            elif (other := _end(data, at)) is None:
                break
            else:  # a ping: none is answered within a measurement of a few seconds
                at = other
        rest = data[at:]
        if counted > asked:
            raise RuntimeError(f"{counted} answers to {asked} requests")
        if now >= end and began:
            return _finished(sock, rest, asked - counted, (counted - first) / (now - began))
        if not began and now >= warm:
            began, first = now, counted
        if fresh := counted - before:
            start = asked % RING
            asked += fresh
            if start + fresh <= RING:
                sock.sendall(view[start * size : (start + fresh) * size])
            else:
                sock.sendall(view[start * size :])
                sock.sendall(view[: (start + fresh - RING) * size])


def _finished(sock: socket.socket, rest: bytes, left: int, rate: float) -> float:
    """Wait for the answers that are left, so that none is missing and none too many."""
    answers = Answers()
    came = len(answers.receive(rest))
    while came < left:
        came += len(answers.receive(received(sock)))
    if came != left:
        raise RuntimeError(f"{came} answers to the last {left} requests")
    return rate


@seeing_it_go()
def latencies(sock: socket.socket, *, rate: float, seconds: float, warm_up: float) -> list[float]:
    """Seconds from each request to its answer, sorted, at a steady rate of requests a second.

    It spins rather than sleeps: a timer of the operating system would be late by more than is to be
    measured. A request that cannot leave on time counts from when it was due.
    """
    view, size = frames()
    answers, due_at, found = Answers(), dict[str, float](), []
    start = perf_counter()
    warm, total = round(rate * warm_up), round(rate * (warm_up + seconds))
    sock.settimeout(0)
    sent = came = 0
    while came < total:
        now = perf_counter()
        due = start + sent / rate
        if sent < total and now >= due:
            at = sent % RING
            sock.send(view[at * size : (at + 1) * size])
            if sent >= warm:
                due_at[request_id(at)] = due
            sent += 1
        try:
            data = received(sock)
        except BlockingIOError:
            if now > start + total / rate + PATIENCE:
                raise RuntimeError(f"{sent - came} answers are missing") from None
            continue
        now = perf_counter()
        for message in answers.receive(data):
            came += 1
            identity = _id(message)
            if identity in due_at:
                found.append(now - due_at.pop(identity))
    sock.settimeout(PATIENCE)
    if len(found) != total - warm:
        raise RuntimeError(f"{len(found)} answers to {total - warm} requests")
    return sorted(found)


def _id(message: bytes) -> str:
    start = message.index(b'"id":"') + 6  # the envelope's own: it comes before that of the order
    return message[start : message.index(b'"', start)].decode()
