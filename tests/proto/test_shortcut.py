"""The shortcut makes no difference: a client that takes it does what one does that has none.

Both have to ask for the same work, send the same bytes, tell of the same and wait for the same
times, whatever comes in, in any order.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proto.driven import (
    MESSAGES,
    ORDINARY,
    OUTCOMES,
    Driven,
    Step,
    compare,
    fed,
    ran,
    request,
    sent,
    stopped,
    waited,
)

from dojo_proto import Context, Epos
from dojo_proto.errors import LocalProtocolError

MakeFrame = Callable[..., bytes]

TEXT, BINARY, PING = 1, 2, 9
CLOSE = b"\x88\x02\x03\xe8"


def steps(frame: MakeFrame) -> st.SearchStrategy[Step]:
    """Anything that may happen to a client that is up."""
    message = st.sampled_from(sorted(MESSAGES)).map(MESSAGES.__getitem__)
    likely = st.one_of(st.just(ORDINARY), message)
    piece = st.one_of(
        likely.map(lambda data: frame(TEXT, data)),
        likely.map(lambda data: frame(TEXT, data)),
        message.map(lambda data: frame(BINARY, data)),
        message.map(lambda data: frame(TEXT, data, masked=True)),
        message.map(lambda data: frame(TEXT, data[:9], fin=False) + frame(0, data[9:])),
        st.just(frame(PING, b"p")),
    )
    arrivals = st.lists(piece, min_size=1, max_size=6).map(b"".join)
    return st.one_of(
        arrivals.map(fed),
        st.tuples(arrivals, st.integers(1, 400)).map(lambda cut: fed(cut[0][: cut[1]])),
        st.builds(ran, st.just("a result"), st.integers(0, 9)),
        st.builds(ran, st.sampled_from(sorted(OUTCOMES)), st.integers(0, 9)),
        st.builds(sent, st.sampled_from([1, 100, 65536])),
        st.builds(waited, st.sampled_from([0.0, 0.5, 10.0, 100.0])),
    )


ENDS: list[Step] = [fed(CLOSE), stopped(0.0), stopped(60.0), Driven.end, Driven.lose, Driven.abort]

tight = st.fixed_dictionaries(
    {
        "observe": st.booleans(),
        "max_in_flight": st.sampled_from([1, 4, 64]),
        "max_queued": st.sampled_from([0, 2, 256]),
        "max_outbound": st.sampled_from([1024, 1 << 20]),
        "echo_method": st.booleans(),
    }
)


@given(data=st.data(), settings=tight)
def test_which_way_it_took_makes_no_difference(
    frame: MakeFrame, data: st.DataObject, settings: dict[str, Any]
) -> None:
    before = data.draw(st.lists(steps(frame), max_size=12))
    end = data.draw(st.sampled_from(ENDS))
    after = data.draw(st.lists(steps(frame), max_size=6))
    again = [waited(10.0), Driven.dial]
    compare([*before, sent(), end, *after, sent(), *again, *before, *after, sent()], **settings)


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_by_itself_behind_and_before_an_ordinary_one(
    frame: MakeFrame, message: str
) -> None:
    frames = [frame(TEXT, data) for data in (ORDINARY, MESSAGES[message], ORDINARY)]
    compare([fed(frames[1]), *[ran("a result")] * 2, sent(), fed(*frames), sent()])


@pytest.mark.parametrize("echo_method", [False, True])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_each_outcome_of_a_handler(frame: MakeFrame, outcome: str, echo_method: bool) -> None:
    compare([fed(frame(TEXT, ORDINARY)), ran(outcome), sent()], echo_method=echo_method)


def test_a_handler_returns_once(frame: MakeFrame) -> None:
    driven = Driven()
    driven.feed(frame(TEXT, ORDINARY))
    [run] = driven.runs
    driven.ran(0, OUTCOMES["a result"])
    with pytest.raises(LocalProtocolError, match="was not running"):
        driven.client.ran(run.call, OUTCOMES["a result"], driven.now)
    assert not run.call.waiters


def test_reads_that_wait_for_a_place_get_it_when_one_is_free(frame: MakeFrame) -> None:
    arrivals = fed(*[frame(TEXT, ORDINARY)] * 8)
    both = compare([arrivals, *[ran("a result")] * 8, sent()], max_in_flight=1, max_queued=4)
    assert not both.runs


def test_a_read_that_nobody_waits_for_any_more_is_not_answered(frame: MakeFrame) -> None:
    compare([fed(frame(TEXT, ORDINARY)), waited(100.0), ran("a result"), sent()])


def test_a_read_of_the_second_link_ends_with_that(frame: MakeFrame) -> None:
    read = fed(frame(TEXT, ORDINARY))
    again: list[Step] = [waited(10.0), Driven.dial]
    compare([read, Driven.lose, *again, read, ran("a result"), Driven.end, *again, read, sent()])


def test_a_peer_that_leaves_answers_unread_loses_the_connection(frame: MakeFrame) -> None:
    arrivals = fed(*[frame(TEXT, ORDINARY)] * 9)
    both = compare([arrivals, *[ran("a long result")] * 9], max_outbound=1024)
    assert both.client.status().state == "waiting"


def test_what_comes_behind_an_answer_that_ends_the_connection_is_not_looked_at(
    frame: MakeFrame,
) -> None:
    refused = frame(TEXT, MESSAGES["what there is not"])
    fills = [fed(frame(TEXT, ORDINARY)), ran("a long result")]
    both = compare([*fills, fed(refused, frame(TEXT, ORDINARY))], max_outbound=1024)
    assert not both.runs


def test_an_answer_that_cannot_be_sent_keeps_no_place(frame: MakeFrame) -> None:
    def scarce(size: int) -> bytes:
        if size == 256:  # for masks
            raise MemoryError
        return bytes(size)

    driven = Driven(entropy=scarce)
    driven.feed(frame(TEXT, ORDINARY))
    with pytest.raises(MemoryError):
        driven.ran(0, OUTCOMES["a result"])
    assert driven.client.status().in_flight == 0


def test_a_client_that_stops_starts_no_read(frame: MakeFrame) -> None:
    read = fed(frame(TEXT, ORDINARY))
    both = compare([read, stopped(60.0), read, sent(), ran("a result"), sent()])
    assert not both.runs


def test_what_comes_is_a_sign_of_life_whichever_way_it_takes(frame: MakeFrame) -> None:
    arrival = fed(frame(TEXT, ORDINARY))
    compare([waited(30.0), sent(), waited(1.0), arrival, sent(), waited(30.0), sent()])


def test_a_text_amidst_another_message_or_frame_is_none_by_itself(frame: MakeFrame) -> None:
    arrival = fed(frame(TEXT, ORDINARY))
    compare([fed(frame(TEXT, b'{"a"', fin=False)), arrival, sent()])
    compare([fed(b"\x81"), arrival, sent()])
    compare([fed(frame(TEXT, ORDINARY)[:9]), arrival, sent()])


class Odd(msgspec.Struct):
    """Params of the user's own, which raise as they like."""

    order_id: str = msgspec.field(name="orderId")
    made: ClassVar[list[str]] = []

    def __post_init__(self) -> None:
        self.made.append(self.order_id)
        if self.order_id == "no":
            raise ValueError("no such order")
        if self.order_id == "stop":
            raise KeyboardInterrupt


def odd() -> Epos:
    epos = Epos("acme-epos")

    async def get(_: Context, params: Odd) -> Any:
        raise NotImplementedError(params)

    epos.on("GetOrderById")(get)
    epos.on("CreateOrderLock")(get)
    return epos


def test_what_is_turned_away_or_misfits_is_decoded_once(frame: MakeFrame) -> None:
    Odd.made.clear()
    driven = Driven(epos=odd(), max_in_flight=1, max_queued=0)
    orders = ["a", "b", "no", "c"]
    reads = [request("GetOrderByIdV1", {"orderId": order}) for order in orders]
    driven.feed(b"".join(frame(TEXT, read) for read in reads))
    assert Odd.made == orders
    assert len(driven.runs) == 1


def test_what_comes_behind_what_a_user_interrupts_is_not_lost(frame: MakeFrame) -> None:
    def interrupted(driven: Driven) -> None:
        with pytest.raises(KeyboardInterrupt):
            driven.feed(arrival[:-5])

    lock = frame(TEXT, request("CreateOrderLockV1", {"orderId": "o", "lockId": "l"}))
    stop = frame(TEXT, request("GetOrderByIdV1", {"orderId": "stop"}))
    arrival = stop + lock + frame(TEXT, ORDINARY)
    both = compare([interrupted, fed(arrival[-5:]), sent()], epos=odd())
    assert {run.context.method for run in both.runs} == {"CreateOrderLockV1", "GetOrderByIdV1"}


@pytest.mark.parametrize("shortcut", [False, True])
def test_the_shortcut_is_taken_where_there_is_one(frame: MakeFrame, shortcut: bool) -> None:
    driven = Driven(shortcut=shortcut)
    by_machines = {"Connection.receive_data", "Dispatch.ran"}
    asked_for = asked(lambda: driven.feed(frame(TEXT, ORDINARY)))
    asked_for |= asked(lambda: driven.ran(0, OUTCOMES["a result"]))
    assert asked_for & by_machines == (set() if shortcut else by_machines)


def asked(do: Callable[[], None]) -> set[str]:
    """The functions that are called while it is done."""
    names: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            names.add(frame.f_code.co_qualname)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        do()
    finally:
        sys.setprofile(before)
    return names
