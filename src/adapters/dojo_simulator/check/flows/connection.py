"""The connection itself: how it is opened, kept alive, lost and found again."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from time import monotonic

from dojo_proto.events import TakenOver
from dojo_simulator.check import stock
from dojo_simulator.check.answers import expect, expect_true
from dojo_simulator.check.bench import Bench, Pending
from dojo_simulator.check.framework import Failed, Flow, Json, Source
from dojo_simulator.check.hosting import HOLD
from dojo_simulator.check.pace import LONGEST_PAUSE
from dojo_simulator.check.transcript import Transcript
from dojo_simulator.errors import WaitTimedOut
from dojo_simulator.events import masked

flow = Flow("Connection")

PING_WITHIN = 30.0
"""Seconds after which an idle EPOS has to have said something (vendor)."""
SLACK = 3.0
"""Seconds that a busy machine may be late."""
_BURST = 16
_QUICK = 0.1
"""Seconds that nobody minds to wait for."""
_STABLE = 33.0
_DROPS = 5
_LARGE = 100_000


def a_read(bench: Bench) -> tuple[str, Json]:
    """A request that any EPOS answers, with whatever."""
    for method in ("SearchOrders", "SearchTables", "ListAreas", "SearchParties"):
        if bench.is_served(method):
            return method, {}
    return "GetOrderById", {"orderId": stock.fresh("order")}


@flow.check(
    "CON-1",
    "The upgrade that opens the connection",
    expected="HTTP/1.1 GET; Authorization: Basic and the API key as it is, not base64; "
    "software-house-id; reseller-id if there is one",
    source=Source.CONNECTING,
)
def _handshake(bench: Bench) -> None:
    link = bench.link
    shown = "\n".join(f"{name}: {value}" for name, value in masked(tuple(link.headers)))
    bench.note("(the EPOS connects)", f"{link.request_line}\n{shown}")
    method, _, rest = link.request_line.partition(" ")
    expect("the method", method, "GET")
    expect("the version of HTTP", rest.rpartition(" ")[2], "HTTP/1.1")
    headers = dict(link.headers)
    scheme, _, key = headers.get("authorization", "").partition(" ")
    expect("the scheme of Authorization", scheme, "Basic")
    expect_true("the key in Authorization", key, expected="the API key", came="nothing")
    if _is_encoded(key):
        raise Failed("the key in Authorization", expected="the API key as it is", came="base64")
    expect_true(
        "software-house-id", headers.get("software-house-id"),
        expected="the id of the software's maker", came=headers.get("software-house-id"),
    )  # fmt: skip
    expect_true(
        "reseller-id", headers.get("reseller-id") != "",
        expected="the id of the reseller, or no such header", came="an empty one",
    )  # fmt: skip


def _is_encoded(key: str) -> bool:
    try:
        return b64decode(key, validate=True).decode().lstrip(":").startswith("sk_")
    except (NotBase64, UnicodeDecodeError):
        return False


@flow.check(
    "CON-2",
    "Nothing happens for a minute",
    expected=f"a ping at least every {PING_WITHIN:g} s",
    source=Source.CONNECTING,
)
def _idle(bench: Bench) -> None:
    link = bench.link
    within = bench.pace.of(PING_WITHIN) + SLACK * min(1.0, 10 * bench.pace.scale)
    seen = len(link.pings)
    for count in (seen + 1, seen + 2):
        try:
            bench.await_that(partial(_has_pinged, link, count), within)
        except WaitTimedOut:
            raise Failed(
                "an idle connection", expected=f"a ping within {within:.1f} s", came="none"
            ) from None
        bench.note("(nothing)", "a ping")


def _has_pinged(link: Transcript, count: int) -> bool:
    return len(link.pings) >= count


@flow.check(
    "CON-3",
    "A ping of the gateway while requests are under way",
    expected="the pong within a few seconds, however slow the handlers are",
    source=Source.CONNECTING,
)
def _pong(bench: Bench) -> None:
    method, params = a_read(bench)
    with _slow_request(bench):
        link = bench.link
        burst = [bench.start(method, params) for _ in range(_BURST)]
        pings = _ping_until(bench, link, lambda: all(each.is_over for each in burst))
        for each in burst:
            each.wait()
    within = bench.pace.pong_within
    slowest = max(_pong_time(bench, link, pings, number) for number in range(len(pings)))
    bench.note(f"({len(pings)} pings)", f"their pongs, the slowest after {slowest:.2f} s")
    expect_true(
        f"a pong while {_BURST} requests are under way",
        slowest <= within,
        expected=f"it within {within:g} s",
        came=f"it after {slowest:.2f} s",
    )


def _ping_until(bench: Bench, link: Transcript, over: Callable[[], bool]) -> list[float]:
    """Ping again and again until it is `over`; return when each ping was sent."""
    pings: list[float] = []
    while not pings or monotonic() - pings[0] < bench.pace.patience:
        pings.append(monotonic())
        bench.tap.ping(link, _payload(pings[-1]))
        with suppress(WaitTimedOut):
            bench.await_that(over, _QUICK)
            break
    return pings


def _payload(sent: float) -> bytes:
    return repr(sent).encode()


def _pong_time(bench: Bench, link: Transcript, pings: list[float], number: int) -> float:
    """Seconds from a ping to its pong, or to that of a later one (RFC 6455 section 5.5.3)."""
    later = [_payload(each) for each in pings[number:]]

    def came() -> float | None:
        return next((at for at, payload in link.pongs if payload in later), None)

    try:
        return bench.await_that(came, bench.pace.pong_within) - pings[number]
    except WaitTimedOut:
        raise Failed("a ping", expected="its pong", came="none") from None


@contextmanager
def _slow_request(bench: Bench) -> Iterator[Pending | None]:
    """A request that is under way while the block runs; None if the EPOS is not served here."""
    if not bench.is_hosted:
        yield None
        return
    gate = bench.hosted.held.gate
    gate.clear()
    slow = bench.start(HOLD.wire)
    try:
        yield slow
    finally:
        gate.set()
    slow.wait()


@flow.check(
    "CON-4",
    "The connection is cut off again and again",
    expected="the EPOS is back after about 1, 2, 4, 8 … s, never more than about "
    f"{LONGEST_PAUSE:g}; it begins anew after a connection that lasted; it serves again",
    source=Source.CONNECTING,
)
def _reconnect(bench: Bench) -> None:
    of = bench.pace.of
    drops = _DROPS if bench.is_hosted else _DROPS - 1
    _let_last(bench)
    delays = [_drop(bench) for _ in range(drops)]
    least = sum(2**n for n in range(drops))  # 1 + 2 + 4 …; half of each may be left to chance
    expect_true(
        "all delays together", sum(delays) >= of(least) * 0.4,
        expected=f"{of(least) / 2:.2f} s or more, so that a gateway is not rushed",
        came=" + ".join(f"{each:.2f}" for each in delays),
    )  # fmt: skip
    longest = of(LONGEST_PAUSE) * 1.2 + SLACK
    expect_true(
        "the longest delay", max(delays) <= longest,
        expected=f"{longest:.1f} s at the most", came=f"{max(delays):.2f}",
    )  # fmt: skip
    # A machine that is busy makes a short delay look long: one of three tries has to be short.
    for _ in range(3):
        _let_last(bench)
        first = _drop(bench)
        if first < max(delays) / 2:
            break
    else:
        raise Failed(
            "the delay after a connection that lasted",
            expected=f"a short one again, not {max(delays):.2f} s", came=f"{first:.2f} s",
        )  # fmt: skip
    method, params = a_read(bench)
    bench.call(method, params)


def _drop(bench: Bench) -> float:
    """Cut the connection off; return the seconds until the next one is open."""
    link = bench.link
    bench.tap.drop(link)
    newest = bench.link
    seconds = newest.began - (link.ended or newest.began)
    bench.note("(the connection is cut off)", f"the EPOS is back after {seconds:.2f} s")
    return seconds


def _let_last(bench: Bench) -> None:
    """Leave the connection alone for as long as makes it a stable one."""
    bench.pass_time(bench.pace.of(_STABLE))


@flow.check(
    "CON-5",
    "Many requests at once, the first of them slow",
    expected="each answer has the id of its request; the fast ones come first",
    source=Source.CONNECTING,
)
def _interleaved(bench: Bench) -> str | None:
    method, params = a_read(bench)
    alone = min(bench.call(method, params).seconds for _ in range(3))
    with _slow_request(bench) as slow:
        burst = [bench.start(method, params) for _ in range(_BURST)]
        together = max(each.wait().seconds for each in burst)
        if slow is not None:
            expect("the slow one is answered", bool(bench.answers(slow.id)), expected=False)
    # What is quick may be served one after the other and nobody suffers; a slow handler may not.
    expect_true(
        f"{_BURST} requests at once",
        alone < _QUICK or together < alone * _BURST * 0.8,
        expected=f"less time than {_BURST} of {alone:.2f} s each, one after the other",
        came=f"{together:.2f} s",
    )
    return None if slow is not None else "no request is known to be slow: the order was not judged"


@flow.check(
    "CON-6",
    "The connection is cut off during a payment; Dojo sends it again: with the same id, a new one",
    expected="recorded once, and the same answer each time",
    source=Source.CONNECTING,
    needs=("RecordOrderPaymentById", "GetOrderById"),
)
def _cut_off(bench: Bench) -> None:
    order = stock.payable(bench, at_least=4)
    request_id = stock.fresh("request")
    params = stock.payment(order, 2)
    link = bench.start("RecordOrderPaymentById", params, request_id=request_id).link
    bench.tap.drop(link)
    bench.note("(the connection is cut off before the answer)", "")
    first = bench.result("RecordOrderPaymentById", params, request_id=request_id)
    bench.drop()
    for again in (request_id, None):
        repeated = bench.result("RecordOrderPaymentById", params, request_id=again)
        expect("the answer to the payment sent again", repeated, first)
    now = stock.get(bench, order["id"])
    expect("paidAmount", stock.amount(now, "paidAmount"), stock.amount(order, "paidAmount") + 2)
    expect(
        "how often the payment is recorded", stock.intents(now).count(params["paymentIntentId"]), 1
    )


@flow.check(
    "CON-7",
    "How many connections the EPOS has, and what it says if another one takes its place",
    expected="one at a time; a warning when the gateway closes three in a row, each soon",
    source=Source.CONNECTING,
)
def _one_connection(bench: Bench) -> str | None:
    _expect_one_at_a_time(bench.tap.transcripts)
    if not bench.is_hosted:
        return "the EPOS runs by itself, so it was not asked what it says"
    heard = bench.hosted.heard
    for _ in range(3):
        link = bench.link
        bench.gateway.wait_for_epos().close()
        bench.await_end(link)
        bench.note("(the gateway says Close)", "")
    event = bench.hosted.wait_for_event(TakenOver, after=heard, timeout=bench.pace.patience)
    bench.note("(the EPOS says)", event.reason)
    bench.note("(waiting for the EPOS)", f"connection {bench.link.number}")
    _expect_one_at_a_time(bench.tap.transcripts)
    return None


def _expect_one_at_a_time(links: list[Transcript]) -> None:
    opened = [each for each in links if each.status == 101]
    for earlier, later in pairwise(opened):
        if earlier.ended is None or earlier.ended > later.began:
            raise Failed(
                "connections of the EPOS", expected="one at a time",
                came=f"number {later.number} was opened while number {earlier.number} was there",
            )  # fmt: skip


@flow.check(
    "CON-8",
    "An unknown method, broken JSON, params that are missing, a notification",
    expected="InvalidRequest, or nothing where there is no id; the connection stays",
    source=(Source.INFERRED, Source.JSON_RPC),
)
def _nonsense(bench: Bench) -> None:
    link = bench.link
    method, params = a_read(bench)
    bench.start("NoSuchMethodV1").wait().refusal("InvalidRequest")
    if bench.is_served("GetOrderById"):
        wrongs: tuple[Json, ...] = ({}, {"params": {"headers": {}}}, {"params": []})
        for wrong in wrongs:
            request_id = stock.fresh("request")
            message = {"jsonrpc": "2.0", "id": request_id, "method": "GetOrderByIdV1", **wrong}
            sent = bench.send(json.dumps(message), method="GetOrderById", request_id=request_id)
            sent.wait().refusal("InvalidRequest")
    before = len(link.messages)
    for text in ('{"jsonrpc": "2.0", "id": "1", "method', "[]", '"hello"', "\u0000"):
        bench.tap.send_text(link, text.encode())
        bench.note(text, "(an error without an id, or nothing)")
    notification = {"jsonrpc": "2.0", "method": "NoSuchMethodV1", "params": {}}
    bench.tap.send_text(link, json.dumps(notification).encode())
    try:
        bench.call(method, params)
    finally:  # if it has ended, that says more than that this got no answer
        expect("the connection is still there", link.ended is None, expected=True)
    for answer in link.messages[before:-1]:
        value = answer.value
        error = value.get("error") if isinstance(value, dict) else None
        expect_true(
            "what came for nonsense", isinstance(error, dict) and value.get("id") is None,
            expected="an error without an id, or nothing", came=bench.scrub(answer.raw.decode()),
        )  # fmt: skip


@flow.check(
    "CON-9",
    f"A request in five frames, one of {_LARGE} bytes, and both",
    expected="an answer each time",
    source=Source.INFERRED,
)
def _frames(bench: Bench) -> None:
    method, params = a_read(bench)
    for size, pieces in ((0, 5), (_LARGE, 1), (_LARGE, 5)):
        request_id = stock.fresh("request")
        message = {
            "jsonrpc": "2.0",
            "id": request_id,
            "method": f"{method}V1",
            "params": {**params, "headers": {}, "addedTomorrow": "x" * size},
        }
        text = json.dumps(message)
        sent = bench.send(text, method=method, request_id=request_id, pieces=pieces)
        sent.wait()
