"""A system that gives no threads any more: what needs one is refused, or waits for another's."""

from collections.abc import Callable
from threading import Event, Thread
from typing import TypeAlias

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.tills import HELD, Till, order, payment

from dojo_proto import Epos
from dojo_proto.events import HandlerFailed
from dojo_simulator import LocalGateway

NEVER = 300.0
"""Seconds for what is not to be waited for."""

Refuse: TypeAlias = Callable[[Callable[[], bool]], None]


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Have the system give no thread to handlers for as long as `scarce()`."""

    def refuse(scarce: Callable[[], bool]) -> None:
        def start_or_not(thread: Thread) -> None:
            if thread.name == "dojo-handler" and scarce():
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(Thread, "start", start_or_not)

    start = Thread.start
    return refuse


def test_what_no_thread_can_do_is_refused_at_once_and_nothing_was_done(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, refuse: Refuse
) -> None:
    plenty = Event()
    refuse(lambda: not plenty.is_set())
    service = serve(epos, read_timeout=NEVER)
    connection = gateway.wait_for_epos()
    paying = payment("o-1", "pi-1")
    requests = [("GetOrderByIdV1", {"orderId": "o-1"}), ("RecordOrderPaymentByIdV1", paying)]
    for number, (method, params) in enumerate(requests, 1):
        error = connection.call(method, params).error
        assert error is not None
        assert error["message"] == "the system gives no thread, and nothing was done"
        failed = service.wait_for_event(HandlerFailed, count=number)
        assert (failed.method, failed.trace_id) == (method, error["traceId"])
    assert till.booked == []
    plenty.set()
    paid = connection.call("RecordOrderPaymentByIdV1", paying)
    assert paid.result == order("o-1", "pi-1")


def test_what_waits_behind_a_handler_that_is_stuck_is_done_as_soon_as_there_is_a_thread(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway, refuse: Refuse
) -> None:
    serve(epos, read_timeout=NEVER, ping_interval=0.05)  # with a ping it is tried again
    connection = gateway.wait_for_epos()
    connection.start_call("GetOrderByIdV1", {"orderId": HELD})
    till.wait_for_visitor()
    asked: list[str] = []

    def once() -> bool:
        asked.append("a thread")
        return len(asked) == 1

    refuse(once)
    paid = connection.call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1"))
    assert paid.result == order("o-1", "pi-1")
    assert len(asked) > 1  # a thread that has come, and has not looked yet, may be sent another
