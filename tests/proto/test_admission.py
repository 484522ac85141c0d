"""Who starts at once, who waits in which queue, and who comes next."""

from typing import Any

import msgspec
import pytest

from dojo_proto.admission import Admission
from dojo_proto.call import Call, Waiter
from dojo_proto.contract import BY_NAME
from dojo_proto.handlers import Handler
from dojo_proto.settings import Settings

READ = "GetOrderById"
PAYMENT = "RecordOrderPaymentById"


def call(method: str, *, is_async: bool = True) -> Call:
    handler = Handler(
        method=BY_NAME[method],
        function=lambda _ctx, _params: None,
        is_async=is_async,
        decode=msgspec.json.decode,
    )
    return Call(1, handler, [Waiter(1, b'"1"', 0.0, None)], 0.0, 0.0, {}, b"{}")


def admission(**settings: Any) -> Admission:
    defaults = {"max_in_flight": 4, "workers": 4, "max_queued": 2, "queue_timeout": 5.0}
    return Admission(Settings(api_key="sk_sandbox_x", **{**defaults, **settings}))


def admit(queue: Admission, call: Call, now: float) -> str:
    if queue.take(call):
        return "now"
    return "waits" if queue.wait(call, now) else "full"


def test_at_once_then_waiting_then_full() -> None:
    queue = admission(max_in_flight=1)
    running, first, second, third = (call(PAYMENT) for _ in range(4))
    assert admit(queue, running, 0.0) == "now"
    assert admit(queue, first, 1.0) == "waits"
    assert admit(queue, second, 2.0) == "waits"
    assert admit(queue, third, 3.0) == "full"
    assert queue.queued == 2
    assert (running.deadline, first.deadline, second.deadline) == (None, 6.0, 7.0)


def test_without_a_queue_there_is_no_waiting() -> None:
    queue = admission(max_in_flight=1, max_queued=0)
    admit(queue, call(PAYMENT), 0.0)
    assert admit(queue, call(PAYMENT), 0.0) == "full"


def test_who_waits_is_served_in_order() -> None:
    queue = admission(max_in_flight=1)
    running, first, second = (call(PAYMENT) for _ in range(3))
    for each in (running, first, second):
        admit(queue, each, 0.0)
    assert queue.next_ready() is None
    queue.release(running)
    assert queue.next_ready() is first
    assert queue.next_ready() is None
    queue.release(first)
    assert queue.next_ready() is second
    assert queue.queued == 0


def test_a_newcomer_does_not_overtake_who_waits_already() -> None:
    queue = admission(max_in_flight=1)
    running, waiting, newcomer = (call(PAYMENT) for _ in range(3))
    admit(queue, running, 0.0)
    admit(queue, waiting, 0.0)
    queue.release(running)
    assert admit(queue, newcomer, 0.0) == "waits"
    assert [queue.next_ready(), queue.next_ready()] == [waiting, None]


def test_what_changes_the_till_goes_before_reads() -> None:
    queue = admission(max_in_flight=1)
    running, read, payment = call(PAYMENT), call(READ), call(PAYMENT)
    for each in (running, read, payment):
        admit(queue, each, 0.0)
    queue.release(running)
    assert queue.next_ready() is payment


def test_stuck_reads_leave_places_for_payments() -> None:
    queue = admission()
    reads = [call(READ) for _ in range(4)]
    assert [admit(queue, read, 0.0) for read in reads] == ["now"] * 3 + ["waits"]
    assert admit(queue, call(PAYMENT), 0.0) == "now"


def test_no_queue_waits_for_the_workers_of_another() -> None:
    queue = admission(workers=1)
    assert admit(queue, call(PAYMENT, is_async=False), 0.0) == "now"
    assert admit(queue, call(PAYMENT, is_async=False), 0.0) == "waits"
    assert admit(queue, call(PAYMENT, is_async=True), 0.0) == "now"


def test_a_thread_is_given_back_once() -> None:
    queue = admission(workers=1)
    done, waiting = call(PAYMENT, is_async=False), call(PAYMENT, is_async=False)
    admit(queue, done, 0.0)
    admit(queue, waiting, 0.0)
    queue.release_worker(done)
    assert queue.next_ready() is waiting
    queue.release(done)
    third = call(PAYMENT, is_async=False)
    assert admit(queue, third, 0.0) == "waits"


def test_the_thread_of_one_that_waited_is_its_own() -> None:
    queue = admission(workers=1)
    running, first, second = (call(PAYMENT, is_async=False) for _ in range(3))
    for each in (running, first, second):
        admit(queue, each, 0.0)
    queue.release(running)
    assert queue.next_ready() is first
    queue.release_worker(second)
    assert queue.next_ready() is None
    queue.release_worker(first)
    assert queue.next_ready() is second


@pytest.mark.parametrize("method", [READ, PAYMENT])
def test_one_without_a_thread_gives_none_back(method: str) -> None:
    queue = admission(workers=1)
    threaded, task = call(method, is_async=False), call(method)
    assert [admit(queue, each, 0.0) for each in (threaded, task)] == ["now", "now"]
    queue.release_worker(task)
    queue.release(task)
    assert admit(queue, call(method, is_async=False), 0.0) == "waits"


def test_who_has_waited_too_long_is_taken_out() -> None:
    queue = admission(max_in_flight=1)
    admit(queue, call(PAYMENT), 0.0)
    payment, read = call(PAYMENT), call(READ)
    admit(queue, payment, 0.0)
    admit(queue, read, 1.0)
    assert queue.expired(4.9) == []
    assert queue.expired(5.0) == [payment]
    assert list(queue.waiting()) == [read]
    assert queue.expired(6.0) == [read]
    assert queue.queued == 0


def test_who_withdraws_is_not_served() -> None:
    queue = admission(max_in_flight=1)
    running, gone, waiting = (call(PAYMENT) for _ in range(3))
    for each in (running, gone, waiting):
        admit(queue, each, 0.0)
    queue.withdraw(gone)
    queue.release(running)
    assert queue.next_ready() is waiting
    assert queue.queued == 0
