"""What the load makes of answers: of right ones, and of all others."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

import pytest
from benchmarks.load import (
    WINDOW,
    Answers,
    check_answers,
    expect_each,
    frames,
    latencies,
    throughput,
    unmasked,
    upgraded,
)
from benchmarks.material import TABLES, answered_blocking, request

MASK = b"\x01\x02\x03\x04"


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """A final frame of a client."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
    return bytes([0x80 | opcode]) + length + MASK + unmasked(MASK, payload)


def answers(first: int, count: int) -> bytes:
    """The right ones to these requests."""
    return b"".join(masked(answered_blocking(request(at))) for at in range(first, first + count))


@contextmanager
def peer(answer: Callable[[int, int], bytes | None]) -> Iterator[socket.socket]:
    """The load's socket; `answer(first, count)` says what the requests that came get, None ends."""
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    size = frames()[1]

    def serve() -> None:
        came, rest = 0, 0
        while data := theirs.recv(1 << 16):
            count, rest = divmod(rest + len(data), size)
            if (out := answer(came, count)) is None:
                theirs.shutdown(socket.SHUT_RDWR)
                return
            came += count
            theirs.sendall(out)

    thread = Thread(target=serve)
    thread.start()
    with theirs:
        with ours:
            yield ours
            ours.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_frames_are_cut_out_wherever_the_stream_is_split() -> None:
    sent = [b"x" * 200, b"short", b"y" * 300]
    stream = masked(b"ping", 9).join(map(masked, sent))
    for at in range(len(stream)):
        each = Answers()
        assert each.receive(stream[:at]) + each.receive(stream[at:]) == sent


@pytest.mark.parametrize(
    "frame",
    [b"\x81\x05hello!!!", masked(b"1234567", 8), masked(b"1234567", 2), b"\x81\xff12345678"],
    ids=["unmasked", "a Close", "binary", "64 bits of length"],
)
def test_what_no_contestant_has_to_send_is_an_error(frame: bytes) -> None:
    with pytest.raises(RuntimeError, match="an unexpected frame"):
        Answers().receive(frame)


def test_right_answers_in_any_order_are_right() -> None:
    expect_each(answered_blocking(request(at)) for at in reversed(range(TABLES)))


def test_the_answer_to_another_request_is_wrong() -> None:
    right = [answered_blocking(request(at)) for at in range(TABLES)]
    wrong = right[1].replace(b"000000000001", b"000000000002", 1)
    with pytest.raises(RuntimeError, match="not those that were to be given"):
        expect_each([right[0], wrong, *right[2:]])


def test_a_contestant_that_answers_right_is_checked_and_counted() -> None:
    with peer(answers) as sock:
        check_answers(sock)
    with peer(lambda _, count: answers(0, count)) as sock:
        assert throughput(sock, seconds=0.02, warm_up=0.01) > 0


def test_the_time_of_each_request_is_taken_once() -> None:
    with peer(answers) as sock:
        found = latencies(sock, rate=1000.0, seconds=0.05, warm_up=0.01)
    assert len(found) == 50
    assert found == sorted(found)
    assert found[0] > 0


MEASUREMENTS = (
    check_answers,
    partial(throughput, seconds=0.02, warm_up=0.01),
    partial(latencies, rate=1000.0, seconds=0.02, warm_up=0.01),
)


@pytest.mark.parametrize("measure", MEASUREMENTS, ids=["check", "throughput", "latency"])
def test_a_contestant_that_goes_away_gives_no_measurement(
    measure: Callable[[socket.socket], object],
) -> None:
    with (
        peer(lambda *_: None) as sock,
        pytest.raises(RuntimeError, match="has closed the connection"),
    ):
        measure(sock)


def test_answers_that_nobody_asked_for_are_an_error() -> None:
    with (
        peer(lambda _, count: answers(0, 2 * count)) as sock,
        pytest.raises(RuntimeError, match=f"{2 * WINDOW} answers to {WINDOW} requests"),
    ):
        throughput(sock, seconds=0.02, warm_up=0.01)


def test_a_handshake_is_answered_as_the_rfc_says() -> None:
    head = b"GET / HTTP/1.1\r\nSEC-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in upgraded(head)


def test_a_handshake_without_its_key_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no Sec-WebSocket-Key"):
        upgraded(b"GET / HTTP/1.1\r\n\r\n")
