"""Requests in any number and of any size, to an EPOS whose handlers are all stuck."""

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from tests.proto.wired import KEY
from tests.security.attacked import Attacked, repeated
from tests.security.measure import KIB, MIB, measured

from dojo_adapters.observer import Observer
from dojo_proto.admission import Admission
from dojo_proto.call import Call
from dojo_proto.events import Cause, Event, Overloaded, RequestFinished, RequestStarted

MakeFrame = Callable[..., bytes]
FLOOD = 1500
"""Requests; many times what is let in."""
LIMITS: dict[str, Any] = {"max_in_flight": 16, "max_queued": 16, "max_outbound": 64 * KIB}
PAYMENT = (
    b'{"jsonrpc":"2.0","id":"%d","method":"RecordOrderPaymentByIdV1","params":{"orderId":"table-7",'
    b'"paymentIntentId":"pi-%d","paidAmount":{"value":1,"currencyCode":"GBP"}}}'
)
READ = b'{"jsonrpc":"2.0","id":"%d","method":"SearchOrdersV1","params":{"text":"%s"}}'


def flood_of_reads(frame: MakeFrame, size: int) -> Attacked:
    """Each with so many bytes of params; the gateway reads no answer."""
    attacked = Attacked(**LIMITS).upgraded()
    text = b"x" * size
    with measured() as cost:
        attacked.suffer(frame(1, READ % (number, text)) for number in range(FLOOD))
    room = LIMITS["max_in_flight"] + LIMITS["max_queued"]
    # What is let in is held as it came and decoded; what is turned away leaves an answer.
    assert cost.peak < room * 4 * size + LIMITS["max_outbound"] + 512 * KIB
    assert cost.seconds < 10
    assert attacked.runs < LIMITS["max_in_flight"]
    return attacked


@pytest.mark.parametrize("size", [10, 4 * KIB])
def test_a_flood_of_reads_holds_what_is_let_in_and_ends_a_peer_that_does_not_read(
    size: int, frame: MakeFrame
) -> None:
    attacked = flood_of_reads(frame, size)
    closed = attacked.over()
    assert closed.cause is Cause.UNREAD
    assert KEY not in closed.reason
    assert any(isinstance(event, Overloaded) for event in attacked.events)


def test_it_is_red_where_everything_is_let_in(
    frame: MakeFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = Admission.wait

    def welcome(self: Admission, call: Call, now: float) -> bool:
        self._max_queued = FLOOD
        return wait(self, call, now)

    monkeypatch.setattr(Admission, "wait", welcome)
    with pytest.raises(AssertionError):
        flood_of_reads(frame, 4 * KIB)


def test_a_flood_of_payments_begins_what_is_let_in_and_leaves_the_rest_unanswered(
    frame: MakeFrame,
) -> None:
    attacked = Attacked(**LIMITS).upgraded()
    with measured() as cost:
        attacked.suffer(frame(1, PAYMENT % (number, number)) for number in range(FLOOD))
    assert cost.peak < 2 * MIB
    assert cost.kept < MIB
    assert cost.seconds < 10
    assert attacked.closed is None
    assert attacked.begins < 4 * LIMITS["max_in_flight"]
    assert attacked.read() == b""  # silence is the one answer that is never wrong


def test_a_flood_of_one_payment_joins_it_as_far_as_there_is_room(frame: MakeFrame) -> None:
    attacked = Attacked(**LIMITS).upgraded()
    with measured() as cost:
        attacked.suffer(frame(1, PAYMENT % (number, 1)) for number in range(FLOOD))
    assert cost.peak < MIB
    assert cost.seconds < 10
    assert attacked.begins == 1


@pytest.mark.parametrize(
    "message",
    [
        b'{"jsonrpc":"2.0","result":{}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}',
        b'{"jsonrpc":"2.0","method":"NoSuchMethod"}',
        b'{"jsonrpc":"2.0","id":null}',
        b"[" * 1000,
        b"not JSON",
        b"[" + b",".join([b'{"jsonrpc":"2.0","result":1}'] * 1000) + b"]",
        b"[" + b",".join([b'{"jsonrpc":"2.0","method":"SearchOrdersV1"}'] * 1000) + b"]",
        b"[" + b",".join([b'{"jsonrpc":"2.0","id":1,"method":"SearchOrdersV1"}'] * 1000) + b"]",
    ],
    ids=[
        *("results", "errors", "notifications", "no method", "deep", "no JSON"),
        *("batches of answers", "batches of notifications", "batches of requests"),
    ],
)
def test_a_flood_of_anything_else_is_bounded_as_well(message: bytes, frame: MakeFrame) -> None:
    attacked = Attacked(**LIMITS).upgraded()
    piece = frame(1, message)
    with measured() as cost:
        attacked.suffer(repeated(piece, max(len(piece) * 10, 128 * KIB)))
        attacked.events = attacked.events[:1]  # the observer's room is bounded elsewhere
    assert cost.kept < 3 * MIB
    assert cost.peak < 8 * MIB
    assert cost.seconds < 10


# Who watches.


def test_observers_hold_little_of_ids_and_keys_that_are_as_large_as_a_message(
    frame: MakeFrame,
) -> None:
    numbers = count()
    attacked = Attacked(observe=True, max_message_size=MIB, max_in_flight=64).upgraded()
    long = b"9" * (200 * KIB)
    for method, params in (
        (b"SearchOrdersV1", b"{}"),
        (b"RecordOrderPaymentByIdV1", b'{"orderId":"o","paymentIntentId":"%s"}' % long),
        (b"NoSuchMethod", b"{}"),
    ):
        request = b'{"jsonrpc":"2.0","id":"%s-%d","method":"%s","params":%s}'
        attacked.hear(frame(1, request % (long, next(numbers), method, params)))
    kinds = {type(event) for event in attacked.events}
    assert {RequestStarted, RequestFinished} <= kinds
    assert max(len(repr(event)) for event in attacked.events) < 4 * KIB


def test_an_observer_that_is_stuck_holds_a_bounded_number_of_events(frame: MakeFrame) -> None:
    door, arrived = threading.Event(), threading.Event()

    def stuck(_event: Event) -> None:
        arrived.set()
        door.wait()

    observer = Observer(stuck)
    attacked = Attacked(**LIMITS).upgraded()
    attacked.suffer(repeated(frame(1, b'{"jsonrpc":"2.0","result":1}'), 128 * KIB))
    observer.put(attacked.events[0])
    assert arrived.wait(10)
    with measured() as cost:
        for _ in range(10):
            for event in attacked.events:
                observer.put(event)
    try:
        assert cost.kept < 2 * MIB
    finally:
        door.set()
        assert observer.close(10)
