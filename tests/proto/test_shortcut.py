"""The shortcut makes no difference: a client that takes it does what one does that cannot.

Where an observer hears of every request, all of them go by the machines. So two clients that differ
in that alone have to ask for the same work, send the same bytes and wait for the same times,
whatever comes in, in any order.
"""

import sys
from collections.abc import Callable
from math import nan
from types import FrameType
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proto.till import an_order, payment
from tests.proto.upgraded import dialed
from tests.proto.wired import counting, plain

from dojo_proto import Client, Context, Epos, NotFound
from dojo_proto.contract import GetOrderByIdParams
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Event, RequestFinished, RequestStarted
from dojo_proto.memory import MemoryJournal
from dojo_proto.work import Cancel, Note, Outcome, Raised, Returned, Run

MakeFrame = Callable[..., bytes]

TEXT, BINARY, PING = 1, 2, 9
CLOSE = b"\x88\x02\x03\xe8"


class Awaited(msgspec.Struct):
    """It would fit as a result."""

    id: str = "o"
    status: str = "Accepted"
    details: Any = msgspec.Raw(b'{"orderType":"DineIn","dineIn":{"tableId":"7"}}')

    def __await__(self) -> Any:
        raise NotImplementedError


OUTCOMES: dict[str, Outcome] = {
    "a result": Returned(an_order("o")),
    "a long result": Returned(an_order("o", note="x" * 5000)),
    "nothing": Returned(None),
    "a misfit": Returned({"id": 7}),
    "what JSON cannot carry": Returned(object()),
    "no number": Returned({"x": nan}),
    "something to await": Returned(Awaited()),
    "a refusal": Raised(NotFound("there is none")),
    "a fault": Raised(ValueError("no")),
}


def request(method: str, params: Any = None, **more: Any) -> bytes:
    params = {"orderId": "o"} if params is None else params
    whole = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params, **more}
    return msgspec.json.encode({name: value for name, value in whole.items() if value != "none"})


ORDINARY = request("GetOrderByIdV1")
MESSAGES = {
    "an ordinary read": ORDINARY,
    "another one": request("GetOrderByIdV1", id=2),
    "one with white space": b' {"jsonrpc": "2.0", "id": 1.0, "method": "GetOrderByIdV1",'
    b' "params": {"orderId": "\xc3\xb6"} } ',
    "one without an id": request("GetOrderByIdV1", id="none"),
    "one whose id is null": request("GetOrderByIdV1", id=None),
    "one whose id is no id": request("GetOrderByIdV1", id=[1]),
    "one without params": request("GetOrderByIdV1", "none"),
    "one with params that do not fit": request("GetOrderByIdV1", {"orderId": 7}),
    "one with a member more": request("GetOrderByIdV1", more=1),
    "one in a thread": request("GetOrderBillByIdV1"),
    "one that nests deeply": request("GetOrderByIdV1", {"orderId": "o", "more": [[[[[[]]]]]]}),
    "one of another version": request("GetOrderByIdV1", jsonrpc="1.0"),
    "a payment": request("RecordOrderPaymentByIdV1", payment()),
    "a lock": request("CreateOrderLockV1", {"orderId": "o", "lockId": "l"}),
    "what nobody serves": request("SearchTablesV1"),
    "what there is not": request("Nonsense"),
    "an answer": b'{"jsonrpc":"2.0","id":8,"result":{}}',
    "a batch": b"[%b,%b]" % (ORDINARY, request("GetOrderByIdV1", id="none")),
    "no JSON": b'{"jsonrpc":',
    "nothing": b"",
}


def till() -> Epos:
    epos = Epos("acme-epos")

    async def get(_: Context, params: GetOrderByIdParams) -> Any:
        raise NotImplementedError(params)

    def bill(_: Context, params: Any) -> Any:
        raise NotImplementedError(params)

    epos.on("GetOrderById")(get)
    epos.on("GetOrderBillById")(bill)
    epos.on("RecordOrderPaymentById")(bill)
    epos.on("CreateOrderLock")(bill)
    return epos


class Driven:
    """A client that is up, and all that it has asked for and sent."""

    def __init__(self, *, observe: bool, **settings: Any) -> None:
        self.now = 1.0
        self.journal = MemoryJournal(lambda: self.now)
        self.client = Client(
            till(),
            plain(workers=2, max_json_depth=6, **settings),
            entropy=counting(),
            uniform=lambda: 0.0,
            state="the till's own",
            observe=observe,
            wall_offset=1e9,
        )
        self.link, upgraded = dialed(self.client, self.now)
        self.runs: list[Run] = []
        self.seen: list[Any] = []
        self.feed(upgraded)

    def feed(self, data: bytes) -> None:
        self.client.receive_data(self.link, data, self.now)
        self.look()

    def ran(self, index: int, outcome: Outcome) -> None:
        """One of the handlers that run is done."""
        if self.runs:
            run = self.runs.pop(index % len(self.runs))
            self.client.ran(run.call, outcome, self.now)
            self.look()

    def send(self, limit: int) -> None:
        self.seen.append(self.client.data_to_send(self.link, self.now, limit))
        self.look()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.client.handle_timer(self.now)
        self.look()

    def stop(self, timeout: float) -> None:
        self.client.stop(self.now, timeout)
        self.look()

    def end(self) -> None:
        self.client.receive_eof(self.link, self.now)
        self.look()

    def look(self) -> None:
        """What the client has to say to whoever drives it."""
        while (work := self.client.next_work()) is not None:
            self.seen.append(work_seen(work))
            if isinstance(work, Run):
                self.runs.append(work)
            elif not isinstance(work, Cancel | Note):
                [found] = self.journal.perform([work])
                if found is None:
                    self.client.committed(work.call, self.now)
                else:
                    self.client.begun(work.call, found, self.now)  # type: ignore[arg-type] # no step fails here
        events = [event for event in iter(self.client.next_event, None) if not of_requests(event)]
        self.seen += [type(event) for event in events]
        self.seen += [self.client.status(), self.client.next_timer(), self.client.next_action()]


def work_seen(work: Any) -> Any:
    if isinstance(work, Run):
        ctx = work.context
        named = {name: getattr(ctx, name) for name in ctx.__struct_fields__}
        named["raw_params"] = bytes(ctx.raw_params)
        return work.call.number, work.function.__name__, work.is_async, work.params, named
    return (Note, work.told) if isinstance(work, Note) else (type(work), work.call.number)


def of_requests(event: Event) -> bool:
    return isinstance(event, RequestStarted | RequestFinished)


Step = Callable[[Driven], None]


def compare(steps: list[Step], **settings: Any) -> Driven:
    """Do `steps` with both, and see that each gives the same."""
    by_shortcut = Driven(observe=False, **settings)
    by_machines = Driven(observe=True, **settings)
    for step in steps:
        for driven in (by_shortcut, by_machines):
            driven.seen.clear()
            step(driven)
        assert by_shortcut.seen == by_machines.seen
    return by_shortcut


def fed(*frames: bytes) -> Step:
    return lambda driven: driven.feed(b"".join(frames))


def ran(outcome: str, index: int = 0) -> Step:
    return lambda driven: driven.ran(index, OUTCOMES[outcome])


def sent(limit: int = 65536) -> Step:
    return lambda driven: driven.send(limit)


def waited(seconds: float) -> Step:
    return lambda driven: driven.wait(seconds)


def stopped(timeout: float) -> Step:
    return lambda driven: driven.stop(timeout)


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
