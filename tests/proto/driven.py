"""Two clients side by side, of which one takes the shortcut: nothing else may differ."""

from collections import defaultdict
from collections.abc import Callable
from math import nan
from typing import Any

import msgspec
from tests.proto.till import an_order, payment
from tests.proto.upgraded import dialed, opened
from tests.proto.wired import counting, plain

from dojo_proto import Client, Context, Dial, Epos, NotFound
from dojo_proto.contract import GetOrderByIdParams
from dojo_proto.events import Cause, Event, HandlerFailed
from dojo_proto.memory import MemoryJournal
from dojo_proto.work import Cancel, Note, Outcome, Raised, Returned, Run


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
"""How a handler may end. The fuzzer's inputs count them, so a new one goes last."""


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
    "one as deep as may be": request("GetOrderByIdV1", {"orderId": "o", "more": [[[[]]]]}),
    "one that is one too deep": request("GetOrderByIdV1", {"orderId": "o", "more": [[[[[]]]]]}),
}
"""What the gateway may send. As above, a new one goes last."""


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


def for_each_size() -> Callable[[int], bytes]:
    """Entropy that is a counter for each size.

    Whether the keys of masks are drawn before a ticket or behind it is no difference to anybody.
    """
    counters = defaultdict[int, Callable[[int], bytes]](counting)
    return lambda size: counters[size](size)


class Driven:
    """A client that is up, and all that it has asked for and sent."""

    def __init__(
        self,
        *,
        shortcut: bool = True,
        observe: bool = True,
        epos: Epos | None = None,
        entropy: Callable[[int], bytes] | None = None,
        **settings: Any,
    ) -> None:
        self.now = 1.0
        self.journal = MemoryJournal(lambda: self.now)
        self.client = Client(
            epos or till(),
            plain(workers=2, max_json_depth=6, **settings),
            entropy=entropy or for_each_size(),
            uniform=lambda: 0.0,
            state="the till's own",
            observe=observe,
            shortcut=shortcut,
            wall_offset=1e9,
        )
        self.link, upgraded = dialed(self.client, self.now)
        self.runs: list[Run] = []
        self.seen: list[Any] = []
        self.feed(upgraded)

    def dial(self) -> None:
        """If it asks for a connection, it gets an open one."""
        action = self.client.next_action()
        if isinstance(action, Dial):
            self.link, upgraded = opened(self.client, action.number, self.now)
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

    def due(self) -> None:
        """Time goes on until something is due."""
        self.wait(max(0.0, (self.client.next_timer() or 0.0) - self.now))

    def stop(self, timeout: float) -> None:
        self.client.stop(self.now, timeout)
        self.look()

    def abort(self) -> None:
        self.client.abort(self.now)
        self.look()

    def end(self) -> None:
        self.client.receive_eof(self.link, self.now)
        self.look()

    def lose(self) -> None:
        self.client.link_failed(self.link, Cause.LOST, "connection reset", self.now)
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
        self.seen += map(comparable, iter(self.client.next_event, None))
        self.seen += [self.client.status(), self.client.next_timer(), self.client.next_action()]


def work_seen(work: Any) -> Any:
    if isinstance(work, Run):
        ctx = work.context
        named = {name: getattr(ctx, name) for name in ctx.__struct_fields__}
        named["raw_params"] = bytes(ctx.raw_params)
        return work.call.number, work.function.__name__, work.is_async, work.params, named
    return (Note, work.told) if isinstance(work, Note) else (type(work), work.call.number)


def comparable(event: Event) -> Any:
    """An exception is no other's equal, though all of it is."""
    return type(event.error) if isinstance(event, HandlerFailed) else event


Step = Callable[[Driven], None]


def compare(steps: list[Step], **settings: Any) -> Driven:
    """Do `steps` with both, and see that each gives the same."""
    by_shortcut = Driven(shortcut=True, **settings)
    by_machines = Driven(shortcut=False, **settings)
    for step in steps:
        for driven in (by_shortcut, by_machines):
            driven.seen.clear()
            step(driven)
        assert by_shortcut.seen == by_machines.seen, "it makes a difference which way it took"
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
