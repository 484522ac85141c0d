"""What holds for a client whatever comes in, and however it is cut."""

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.proto.till import Till, payment
from tests.proto.upgraded import dialed
from tests.proto.wired import bytewise, counting, plain

from dojo_proto import Client
from dojo_proto.events import Closed, Event, HandlerFailed
from dojo_proto.memory import MemoryJournal
from dojo_proto.work import Begin, Cancel, Note, Raised, Returned, Run

MakeFrame = Callable[..., bytes]

TEXT, BINARY, PING, PONG = 1, 2, 9, 10

PAYMENT = msgspec.json.encode(payment())
MESSAGES = [
    b'{"jsonrpc":"2.0","id":1,"method":"SearchOrdersV1"}',
    b'{"jsonrpc":"2.0","id":"a","method":"GetOrderByIdV1","params":{"orderId":"table-7"}}',
    b'{"jsonrpc":"2.0","id":2,"method":"GetOrderByIdV1","params":{"orderId":"table-8"}}',
    b'{"jsonrpc":"2.0","id":2,"method":"GetOrderByIdV1","params":{}}',
    b'{"jsonrpc":"2.0","id":3,"method":"RecordOrderPaymentByIdV1","params":%b}' % PAYMENT,
    b'{"jsonrpc":"2.0","id":3,"method":"RecordOrderPaymentByIdV1","params":{"orderId":"table-7"}}',
    b'{"jsonrpc":"2.0","id":4,"method":"Nonsense"}',
    b'{"jsonrpc":"2.0","method":"SearchOrdersV1"}',
    b'[{"jsonrpc":"2.0","id":5,"method":"SearchOrdersV1"},{"id":6},{"jsonrpc":"2.0","id":7}]',
    b'{"jsonrpc":"2.0","id":8,"result":{}}',
    b"no JSON",
    b"",
]

ENDS = [b"", b"\x88\x02\x03\xe8", b"\x88\x00", b"\x83\x00", b"\x81\x01\xff", b"\x88\x01x"]
"""Nothing, Close frames, and what breaks the protocol."""


def frames(frame: MakeFrame) -> st.SearchStrategy[bytes]:
    """A stream of sound frames."""
    message = st.sampled_from(MESSAGES)
    one = st.one_of(
        message.map(lambda data: frame(TEXT, data)),
        message.map(lambda data: frame(BINARY, data)),
        message.map(lambda data: frame(TEXT, data[:9], fin=False) + frame(0, data[9:])),
        st.binary(max_size=4).map(lambda data: frame(PING, data)),
        st.binary(max_size=4).map(lambda data: frame(PONG, data)),
    )
    return st.lists(one, max_size=8).map(b"".join)


class Played:
    """A client that is up, and everything that comes of what it is fed."""

    def __init__(self, **settings: Any) -> None:
        self.till = Till()
        self.journal = MemoryJournal(lambda: 0.0)
        self.client = Client(
            self.till.epos,
            plain(**settings),
            entropy=counting(),
            uniform=lambda: 0.0,
            observe=True,
        )
        self.link, self.upgraded = dialed(self.client, 0)

    def feed(self, pieces: Iterable[bytes]) -> "Played":
        for piece in pieces:
            self.client.receive_data(self.link, piece, 1)
        return self

    def seen(self) -> tuple[list[Any], bytes, list[Any]]:
        """The events, the output and the work, each drained to its end."""
        events = [comparable(event) for event in iter(self.client.next_event, None)]
        work = self.do_work()
        events += [comparable(event) for event in iter(self.client.next_event, None)]
        return events, self.drain(), work

    def do_work(self) -> list[Any]:
        done: list[Any] = []
        while (work := self.client.next_work()) is not None:
            if isinstance(work, Note):
                done.append((Note, work.told))
                continue
            done.append((type(work), work.call.number))
            if isinstance(work, Cancel):
                continue
            if isinstance(work, Run):
                try:
                    outcome: Any = Returned(work.function(work.context, work.params))
                except Exception as error:  # noqa: BLE001 - as an adapter does
                    outcome = Raised(error)
                self.client.ran(work.call, outcome, 1)
            elif isinstance(work, Begin):
                [found] = self.journal.perform([work])
                self.client.begun(work.call, found, 1)  # type: ignore[arg-type] # a Begin gives no None
            else:
                self.journal.perform([work])
                self.client.committed(work.call, 1)
        return done

    def drain(self) -> bytes:
        return b"".join(iter(lambda: self.client.data_to_send(self.link, 1), b""))


def comparable(event: Event) -> Any:
    """An exception is no other's equal, though all of it is."""
    return type(event.error) if isinstance(event, HandlerFailed) else event


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    return [
        data[a:b] for a, b in pairwise([0, *sorted(c % (len(data) + 1) for c in cuts), len(data)])
    ]


@given(st.data(), st.lists(st.integers(0, 10_000), max_size=6), st.booleans())
def test_the_same_stream_gives_the_same_however_it_is_cut(
    frame: MakeFrame, data: st.DataObject, cuts: list[int], small: bool
) -> None:
    # With little room for answers, the stream may go on behind the end of the connection.
    settings: dict[str, Any] = {"max_outbound": 1024} if small else {}
    stream = Played().upgraded + data.draw(frames(frame)) * data.draw(st.sampled_from([1, 9]))
    stream += data.draw(st.sampled_from(ENDS))
    whole = Played(**settings).feed([stream]).seen()
    assert Played(**settings).feed(cut(stream, cuts)).seen() == whole
    assert Played(**settings).feed(bytewise(stream)).seen() == whole


@given(st.binary(max_size=200))
def test_nothing_that_comes_raises_and_nothing_ends_twice(data: bytes) -> None:
    for before in (b"", Played().upgraded):
        played = Played().feed([before + data])
        played.client.receive_eof(played.link, 2)
        events, _, _ = played.seen()
        assert len([event for event in events if isinstance(event, Closed)]) == 1
