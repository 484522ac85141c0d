"""The shortcut makes no difference: a client that takes it does what one does that cannot.

Where an observer hears of every request, all of them go by the machines. So two clients that differ
in that alone have to ask for the same work, send the same bytes and wait for the same times,
whatever comes in, in any order.
"""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

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
    sent,
    stopped,
    waited,
)

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


LAST: list[Step] = [fed(CLOSE), stopped(0.0), stopped(60.0), Driven.end]

tight = st.fixed_dictionaries(
    {
        "max_in_flight": st.sampled_from([1, 4, 64]),
        "max_queued": st.sampled_from([0, 2, 256]),
        "max_outbound": st.sampled_from([1024, 1 << 20]),
        "echo_method": st.booleans(),
    }
)


@given(data=st.data(), settings=tight)
def test_which_way_a_read_took_makes_no_difference(
    frame: MakeFrame, data: st.DataObject, settings: dict[str, Any]
) -> None:
    before = data.draw(st.lists(steps(frame), max_size=12))
    end = data.draw(st.sampled_from(LAST))
    after = data.draw(st.lists(steps(frame), max_size=6))
    compare([*before, sent(), end, *after, sent()], **settings)


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
    driven = Driven(observe=False)
    driven.feed(frame(TEXT, ORDINARY))
    [run] = driven.runs
    driven.ran(0, OUTCOMES["a result"])
    with pytest.raises(LocalProtocolError, match="was not running"):
        driven.client.ran(run.call, OUTCOMES["a result"], driven.now)


def test_reads_that_wait_for_a_place_get_it_when_one_is_free(frame: MakeFrame) -> None:
    arrivals = fed(*[frame(TEXT, ORDINARY)] * 8)
    both = compare([arrivals, *[ran("a result")] * 8, sent()], max_in_flight=1, max_queued=4)
    assert not both.runs


def test_a_read_that_nobody_waits_for_any_more_is_not_answered(frame: MakeFrame) -> None:
    compare([fed(frame(TEXT, ORDINARY)), waited(100.0), ran("a result"), sent()])


def test_a_peer_that_leaves_answers_unread_loses_the_connection(frame: MakeFrame) -> None:
    arrivals = fed(*[frame(TEXT, ORDINARY)] * 9)
    both = compare([arrivals, *[ran("a long result")] * 9], max_outbound=1024)
    assert both.client.status().state == "waiting"


def test_a_client_that_stops_starts_no_read(frame: MakeFrame) -> None:
    read = fed(frame(TEXT, ORDINARY))
    both = compare([read, stopped(60.0), read, sent(), ran("a result"), sent()])
    assert not both.runs


def test_ordinary_reads_do_take_the_shortcut(frame: MakeFrame) -> None:
    driven = Driven(observe=False)
    assert not asked(lambda: driven.feed(frame(TEXT, ORDINARY))) & {"Connection.receive_data"}
    assert not asked(lambda: driven.ran(0, OUTCOMES["a result"])) & {"Dispatch.ran"}
    assert asked(lambda: driven.feed(frame(BINARY, ORDINARY))) & {"Connection.receive_data"}
    assert asked(lambda: driven.ran(0, OUTCOMES["a fault"])) & {"Dispatch.ran"}


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
