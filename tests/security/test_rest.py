"""A REST API that is hostile: answers without an end, slow, in tiny chunks."""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from threading import Thread
from time import monotonic, process_time
from typing import Any, Self

import pytest
from tests.proto.wired import KEY, bytewise, plain
from tests.security.attacked import repeated
from tests.security.measure import KIB, MIB, Cost, measured

from dojo_adapters.rest import Rest
from dojo_proto import exchange, rest
from dojo_proto.registration import LIST
from dojo_proto.rest import MAX_ANSWER, Answer, Failure, RestCall, RestOutcome

GOOD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LONG = b"Content-Length: %d\r\n\r\n" % 2**63

Stream = Callable[[], Iterable[bytes]]


def endless(first: bytes, piece: bytes, size: int = 8 * MIB) -> Stream:
    return lambda: chain((first,), repeated(piece, size))


def play(stream: Stream, **settings: object) -> tuple[RestOutcome | None, int, Cost]:
    """What becomes of one call, how many bytes it has read, and what that cost."""
    call = RestCall(LIST, settings=plain(**settings), software_house_id="acme", api_key=KEY)
    while call.data_to_send(call.link, 0.0, 65536):
        pass
    fed = 0
    with measured() as cost:
        for piece in stream():
            if call.outcome is not None:
                break
            call.receive_data(call.link, piece, 0.0)
            fed += len(piece)
    return call.outcome, fed, cost


ENDLESS: dict[str, tuple[Stream, str]] = {
    "interim answers": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "interim answers"),
    "header lines": (endless(GOOD, b"X-Filler: 0\r\n"), "larger than 16384"),
    "one line": (endless(b"", b"x"), "not HTTP/1.1"),
    "a body": (endless(GOOD + LONG, b"x"), "too large"),
    "a body without a length": (endless(GOOD + b"\r\n", b"x"), "too large"),
    "large chunks": (endless(GOOD + CHUNKED, b"4000\r\n" + b"x" * 0x4000 + b"\r\n"), "too large"),
    "a page": (endless(GOOD + LONG, b"<p>"), "too large"),
    "a refusal": (endless(b"HTTP/1.1 500 No\r\n" + LONG, b"x"), "status 500"),
    "a chunk's extension": (endless(GOOD + CHUNKED + b"1;", b"x"), "cut off"),
    "a redirect": (endless(b"HTTP/1.1 302 Go\r\nLocation: /\r\n" + LONG, b"x"), "not followed"),
}


def refused(stream: Stream) -> Failure:
    """Why the call failed, in bounded time and memory."""
    outcome, fed, cost = play(stream)
    assert isinstance(outcome, Failure)
    assert fed < 2 * MIB
    assert cost.peak < 4 * MIB
    assert cost.seconds < 3
    assert len(outcome.reason) < 1000
    assert KEY not in outcome.reason
    return outcome


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_an_end_is_cut_short(name: str) -> None:
    stream, reason = ENDLESS[name]
    assert reason in refused(stream).reason


def test_it_is_red_where_an_answer_may_be_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rest, "MAX_ANSWER", 1 << 40)
    with pytest.raises(AssertionError):
        refused(ENDLESS["a body"][0])


def seconds_for_tiny_chunks(behind: int) -> float:
    """Of the processor, for tiny chunks that come behind so many bytes of the body."""
    head = GOOD + CHUNKED + (b"%x\r\n%b\r\n" % (behind, b"x" * behind) if behind else b"")
    call = RestCall(LIST, settings=plain(), software_house_id="acme", api_key=KEY)
    call.receive_data(call.link, head, 0.0)
    began = process_time()
    call.receive_data(call.link, b"1\r\nx\r\n" * 3000, 0.0)
    took = process_time() - began
    call.receive_data(call.link, b"0\r\n\r\n", 0.0)
    assert isinstance(call.outcome, Answer)
    assert len(call.outcome.body) == behind + 3000
    return took


def tiny_chunks() -> None:
    # In turns, so that a machine which is busy for a while is no slower for one of them.
    runs = [(seconds_for_tiny_chunks(MIB - 32 * KIB), seconds_for_tiny_chunks(0)) for _ in range(5)]
    late, early = map(min, zip(*runs, strict=True))
    assert late < 4 * early


def test_a_tiny_chunk_costs_the_same_however_much_came_before_it() -> None:
    tiny_chunks()


def test_it_is_red_where_a_body_is_joined_anew_with_each_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Rejoined(bytearray):
        def __iadd__(self, more: Any) -> Self:  # type: ignore[misc] # narrower than its base
            for _ in range(4):
                bytes(self)
            self.extend(more)
            return self

    monkeypatch.setattr(exchange, "bytearray", Rejoined, raising=False)
    with pytest.raises(AssertionError):
        tiny_chunks()


# Over a socket, where time is real.


@contextmanager
def api(stream: Stream) -> Iterator[str]:
    """A server that says `stream` to whoever comes, as fast as it is read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    for piece in stream():
                        connection.sendall(piece)

        thread = Thread(target=serve, name="hostile-api")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.close()
            thread.join(10)
            assert not thread.is_alive()


def test_an_answer_that_drips_in_has_one_deadline() -> None:
    with api(
        lambda: bytewise(GOOD + b"X-Filler: 0\r\n" * 1000 + CHUNKED + b"1\r\nx\r\n" * 20_000)
    ) as url:
        began = monotonic()
        outcome = Rest(plain(api_url=url, api_timeout=0.05), "acme-epos").perform(LIST)
        took = monotonic() - began
    assert isinstance(outcome, Failure)
    assert KEY not in outcome.reason
    assert took < 5


def test_a_large_endless_body_over_a_socket_ends_by_its_size() -> None:
    with api(endless(GOOD + LONG, b"x" * 1000, 1 << 40)) as url:
        outcome = Rest(plain(api_url=url), "acme-epos").perform(LIST)
    assert isinstance(outcome, Failure)
    assert f"too large after {MAX_ANSWER} bytes" in outcome.reason
