"""Rows: bytes in, handler, bytes out, and no I/O at all.

The frames come to a machine one by one, or 64 at a time as they do after a busy moment; the same
handler is called inline. The floor is what nobody can do without: decoding and encoding the JSON.
"""

from collections.abc import Callable, Iterable
from functools import partial
from time import monotonic, perf_counter

from benchmarks.load import Answers, expect_each, frames, upgraded
from benchmarks.material import TABLES, answered_blocking, epos, settings
from benchmarks.opened import opened
from benchmarks.rows import Goal, Measure, Row
from dojo_proto.work import Returned, Run

Feed = Callable[[bytes], bytes]
"""Takes what comes in, and gives what goes out."""


def ours() -> Feed:
    """The client on an open connection, driven as an adapter drives it."""
    client, link = opened(epos(blocking=True), settings(1))

    def feed(data: bytes) -> bytes:
        now = monotonic()
        client.receive_data(link, data, now)
        while (work := client.next_work()) is not None:
            if isinstance(work, Run):
                client.ran(work.call, Returned(work.function(work.context, work.params)), now)
        while client.next_event() is not None:
            pass
        out = client.data_to_send(link, now)
        while more := client.data_to_send(link, now):
            out += more
        return out

    return feed


def websockets() -> Feed:
    """The sans-I/O protocol of websockets on an open connection."""
    from websockets.client import ClientProtocol  # noqa: PLC0415 - only where it is measured
    from websockets.frames import Frame, Opcode  # noqa: PLC0415
    from websockets.uri import parse_uri  # noqa: PLC0415

    protocol = ClientProtocol(parse_uri("ws://127.0.0.1/epos"))
    protocol.send_request(protocol.connect())
    protocol.receive_data(upgraded(b"".join(protocol.data_to_send())))
    protocol.events_received()

    def feed(data: bytes) -> bytes:
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                protocol.send_text(answered_blocking(bytes(event.data)))
        return b"".join(protocol.data_to_send())

    return feed


def seconds(make: Callable[[], Feed], together: int, *, smoke: bool) -> float:
    """Seconds a message, `together` of which come at a time."""
    feed, (view, size) = make(), frames()
    expect_each(Answers().receive(_fed(feed, [view[: TABLES * size]])))
    number = 256 if smoke else len(view) // size
    step = together * size
    chunks = [bytes(view[at : at + step]) for at in range(0, number * size, step)]
    before = perf_counter()
    out = _fed(feed, chunks)
    taken = perf_counter() - before
    if len(Answers().receive(out)) != number:
        raise RuntimeError(f"expected {number} answers")
    return taken / number


def _fed(feed: Feed, chunks: Iterable[bytes | memoryview]) -> bytes:
    return b"".join([feed(bytes(chunk)) for chunk in chunks])


def rate(make: Callable[[], Feed], together: int, *, smoke: bool) -> float:
    """Messages a second."""
    return 1 / seconds(make, together, smoke=smoke)


def microseconds(make: Callable[[], Feed], together: int, *, smoke: bool) -> float:
    """Microseconds a message."""
    return 1e6 * seconds(make, together, smoke=smoke)


def floor(*, smoke: bool) -> float:
    """Microseconds to decode a request, and to encode its answer."""
    view, size = frames()
    messages = [bytes(view[at + 4 : at + size]) for at in range(0, len(view), size)]
    if smoke:
        messages = messages[:256]
    before = perf_counter()
    for message in messages:
        answered_blocking(message)
    return 1e6 * (perf_counter() - before) / len(messages)


def _rows(together: int) -> Iterable[Row]:
    name = "dispatch" if together == 1 else f"dispatch-{together}"
    come = "come one by one" if together == 1 else f"come {together} at a time"
    theirs: dict[str, Measure] = {"websockets": partial(rate, websockets, together)}
    yield Row(
        name=name,
        what=f"messages a second from bytes to handler to bytes without I/O, when they {come}",
        unit="/s",
        better="more",
        goal=Goal(factor=2.0),
        ours=partial(rate, ours, together),
        peers=theirs,
    )
    yield Row(
        name=f"{name}-floor",
        what="time of one of them, beside decoding and encoding of the JSON and nothing else",
        unit="µs",
        better="less",
        goal=Goal(factor=2.5, against="floor"),
        ours=partial(microseconds, ours, together),
        peers={"floor": floor},
        references=["floor"],
    )


ROWS = (*_rows(1), *_rows(64))
