"""Rows: how the cost grows with the size of messages, and with how many are in flight.

No I/O. An exponent is the slope of a straight line through the logarithms, by least squares: with
1.0 what is ten times as much takes ten times as long, with 2.0 a hundred times as long.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import log
from statistics import linear_regression
from time import monotonic, perf_counter

import msgspec

from benchmarks.load import Answers, expect_each, framed, unmasked
from benchmarks.material import METHOD, SOFTWARE_HOUSE, TABLES, epos, order, request, settings
from benchmarks.opened import opened
from benchmarks.rows import Goal, Row
from dojo_proto import Context, Epos, Settings
from dojo_proto.contract import GetOrderByIdParams, Order
from dojo_proto.work import Returned, Run

SIZES = (100, 1_000, 10_000, 100_000, 1 << 20)
"""Bytes of a request; its answer is about as long, and never below that of an order."""
IN_FLIGHT = (1, 10, 100, 1_000, 10_000)
_PASSES = 5
_CHUNK = 65536  # bytes that come at a time
_ORDER = order(0)


class _Till:
    """A client on an open connection, driven as an adapter drives it."""

    def __init__(self, epos: Epos, settings: Settings) -> None:
        self._client, self._link = opened(epos, settings)

    def receive(self, data: bytes) -> list[Run]:
        """Take bytes; the handlers that are to be run."""
        runs = []
        for at in range(0, len(data), _CHUNK):
            self._client.receive_data(self._link, data[at : at + _CHUNK], monotonic())
            while (work := self._client.next_work()) is not None:
                if isinstance(work, Run):
                    runs.append(work)
            self._turn()
        return runs

    def answer(self, runs: Iterable[Run]) -> None:
        """Run the handlers, each in a turn of its own."""
        for run in runs:
            self._client.ran(run.call, Returned(_stepped(run)), monotonic())
            self._turn()

    def sent(self) -> bytes:
        """All that is to leave."""
        parts = []
        while data := self._client.data_to_send(self._link, monotonic()):
            parts.append(data)
        return b"".join(parts)

    def _turn(self) -> None:
        while self._client.next_event() is not None:
            pass
        self._client.next_timer()


def _stepped(run: Run) -> Order:
    """What the `async def` returns; here it has nothing to wait for."""
    try:
        run.function(run.context, run.params).send(None)
    except StopIteration as done:
        order: Order = done.value
        return order
    raise RuntimeError("the handler waits for something")


def exponent(amounts: Sequence[int], seconds: Callable[[int], float], *, passes: int) -> float:
    """The slope of the logarithm of `seconds` over that of its argument, the least of `passes`.

    A machine that has something else to do only ever makes it longer.
    """
    taken = zip(*([seconds(amount) for amount in amounts] for _ in range(passes)), strict=True)
    return linear_regression(
        [log(amount) for amount in amounts], [log(min(each)) for each in taken]
    ).slope


async def _echo(_: Context, params: GetOrderByIdParams) -> Order:
    return msgspec.structs.replace(_ORDER, id=params.order_id)


def _request_of(size: int) -> bytes:
    """A request of `size` bytes, of which its answer has to repeat most."""
    known = {"jsonrpc": "2.0", "id": "1", "method": METHOD, "params": {"orderId": ""}}
    room = size - len(msgspec.json.encode(known))
    return msgspec.json.encode(known | {"params": {"orderId": "x" * room}})


def _frame(message: bytes) -> bytes:
    """One unmasked text frame (RFC 6455 section 5.2)."""
    if len(message) < 126:
        return bytes((0x81, len(message))) + message
    if len(message) < 1 << 16:
        return framed(message)
    return b"\x81\x7f" + len(message).to_bytes(8) + message


def _payload(frame: bytes) -> bytes:
    """What one masked frame carries."""
    start = 2 + {126: 2, 127: 8}.get(frame[1] & 0x7F, 0)
    return unmasked(frame[start : start + 4], frame[start + 4 :])


def by_size(sizes: Sequence[int], *, smoke: bool) -> float:
    """The exponent of the time that a message takes, over its bytes."""
    till = Epos(software_house_id=SOFTWARE_HOUSE)
    till.on(METHOD)(_echo)
    machine = _Till(till, settings(1))

    def seconds(size: int) -> float:
        message = _request_of(size)
        frame, times = _frame(message), 3 if smoke else max(4, 400_000 // (size + 1000))
        out = b""
        before = perf_counter()
        for _ in range(times):
            machine.answer(machine.receive(frame))
            out = machine.sent()
        taken = perf_counter() - before
        answer = msgspec.json.decode(_payload(out))
        if answer["result"]["id"] != msgspec.json.decode(message)["params"]["orderId"]:
            raise RuntimeError("the answer has another id than the request")
        return taken / times

    if smoke:
        return exponent((sizes[0], sizes[-1]), seconds, passes=1)
    return exponent(sizes, seconds, passes=_PASSES)


def by_requests(*, smoke: bool) -> float:
    """The exponent of the time that all requests take that are in flight together."""
    most = IN_FLIGHT[-1]
    # Reads get three quarters of the places. What waits to leave is all that waits at once.
    roomy = msgspec.structs.replace(settings(1), max_in_flight=2 * most, max_outbound=1 << 31)
    machine = _Till(epos(), roomy)

    def seconds(number: int) -> float:
        frames = b"".join(framed(request(each)) for each in range(number))
        times = 1 if smoke else max(1, most // number // 4)
        taken = 0.0
        for _ in range(times):
            before = perf_counter()
            runs = machine.receive(frames)
            if len(runs) != number:
                raise RuntimeError(f"{len(runs)} of {number} requests are in flight")
            machine.answer(runs)
            out = machine.sent()
            taken += perf_counter() - before
            answers = Answers().receive(out)
            if len(answers) != number:
                raise RuntimeError(f"{len(answers)} answers to {number} requests")
            if number == TABLES:
                expect_each(answers)
        return taken / times

    if smoke:
        return exponent((TABLES, 4 * TABLES), seconds, passes=1)
    return exponent(IN_FLIGHT, seconds, passes=_PASSES)


ROWS = (
    Row(
        name="scaling-bytes",
        what=f"exponent of the time a message takes, from {SIZES[0]} bytes to {SIZES[-1]:,}",
        unit="",
        better="less",
        goal=Goal(limit=1.0),
        ours=partial(by_size, SIZES),
    ),
    Row(
        name="scaling-many-bytes",
        what=f"the same from {SIZES[-2]:,} bytes, where what is fixed does not count any more",
        unit="",
        better="less",
        # Linear, but that the system gives pages anew for each buffer of this size: a few per cent.
        goal=Goal(limit=1.1),
        ours=partial(by_size, SIZES[-2:]),
    ),
    Row(
        name="scaling-requests",
        what=f"exponent of the time that all of {IN_FLIGHT[0]} to {IN_FLIGHT[-1]:,} requests take "
        "which are in flight together; with 1 each costs the same however many there are",
        unit="",
        better="less",
        goal=Goal(limit=1.05),
        ours=by_requests,
    ),
)
