"""Stopping: from every state, politely and at once. Both roles are wired; time is virtual."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.proto.fates import HANGS, REFUSED, Fate
from tests.proto.till import Till, payment, pounds
from tests.proto.wired import Wired

from dojo_proto import Carry, Stop, Wait
from dojo_proto.connection import Ended
from dojo_proto.events import (
    Cause,
    Closed,
    Draining,
    OutcomeUnknown,
    RequestFinished,
    RequestOutcome,
    RetryScheduled,
)

STATES = ("idle", "dialing", "opening", "up", "waiting", "draining", "stopped")


def in_state(state: str, **options: Any) -> Wired:
    """A service in one of its states, with nothing to answer unless it drains."""
    wired = Wired(**options)
    match state:
        case "dialing":
            wired.fate = HANGS
        case "opening":
            wired.fate = Fate(status=0)
        case "waiting":
            wired.fate = REFUSED
        case "draining":
            wired.held.add("SearchOrdersV1")
    if state not in {"idle", "stopped"}:
        wired.start()
    if state == "draining":
        wired.call("SearchOrdersV1")
    if state in {"draining", "stopped"}:
        wired.stop()
    assert wired.state == state
    return wired


def last_closed(wired: Wired) -> Closed:
    event = wired.seen(Closed)[-1]
    assert event.link == len(wired.dials)
    return event


# With nothing to answer.


@pytest.mark.parametrize("state", [state for state in STATES if state != "draining"])
def test_with_nothing_to_answer_it_stops_without_waiting(state: str) -> None:
    wired = in_state(state)
    dials, now = len(wired.dials), wired.now
    wired.stop()
    assert wired.client.next_action() == Stop(error=None)
    wired.advance(3600)
    assert wired.state == "stopped"
    assert wired.client.status().since is not None
    assert len(wired.dials) == dials
    assert [event.link for event in wired.seen(Closed)] == list(range(1, dials + 1))
    assert all(at <= now for at, _ in wired.events)


@pytest.mark.parametrize("state", [state for state in STATES if state not in {"idle", "stopped"}])
def test_a_stop_is_told_once_with_what_it_waits_for(state: str) -> None:
    wired = in_state(state)
    wired.stop(3.0)
    wired.stop(1.0)
    expected = (1, 8.0) if state == "draining" else (0, 3.0)
    assert [(event.running, event.seconds) for event in wired.seen(Draining)] == [expected]


@pytest.mark.parametrize("state", ["idle", "stopped"])
def test_where_there_is_nothing_to_stop_nothing_is_told(state: str) -> None:
    wired = in_state(state)
    wired.stop()
    assert wired.seen(Draining) == []


@pytest.mark.parametrize("state", STATES)
def test_an_abort_stops_at_once_from_every_state(state: str) -> None:
    wired = in_state(state)
    dials = len(wired.dials)
    wired.abort()
    assert wired.client.next_action() == Stop(error=None)
    wired.advance(3600)
    assert len(wired.dials) == dials
    assert [event.link for event in wired.seen(Closed)] == list(range(1, dials + 1))


@pytest.mark.parametrize("state", ["dialing", "opening", "up"])
@pytest.mark.parametrize(
    ("how", "cause", "reason"),
    [
        ("stop", Cause.STOPPED, "the service was stopped"),
        ("abort", Cause.ABORTED, "the service was stopped at once"),
    ],
)
def test_the_end_of_the_dial_is_told_as_what_it_is(
    how: str, cause: Cause, reason: str, state: str
) -> None:
    wired = in_state(state)
    getattr(wired, how)()
    assert (last_closed(wired).cause, last_closed(wired).reason) == (cause, reason)
    # No retry was ever meant, and a stop is no error.
    assert wired.seen(RetryScheduled) == []
    assert wired.client.status().last_error == ""


def test_a_dial_that_comes_too_late_is_not_wanted_any_more() -> None:
    wired = in_state("dialing")
    wired.stop()
    assert wired.client.dial_succeeded(1, "sk_sandbox_c4nary", wired.now) is None
    wired.client.dial_failed(1, "refused", wired.now)
    assert len(wired.seen(Closed)) == 1


def test_the_gateway_sees_a_close_with_1000() -> None:
    wired = in_state("up")
    wired.stop()
    [ended] = [event for _, event in wired.gateway_events if isinstance(event, Ended)]
    assert (ended.cause, ended.code, ended.reason) == (
        Cause.PEER_CLOSED,
        1000,
        "the service was stopped",
    )


def test_the_gateway_sees_an_abort_as_a_lost_connection() -> None:
    wired = in_state("up")
    wired.abort()
    [ended] = [event for _, event in wired.gateway_events if isinstance(event, Ended)]
    assert (ended.cause, ended.code) == (Cause.LOST, 1006)


# With something to answer.


def test_what_runs_finishes_and_is_answered_before_the_close() -> None:
    wired = in_state("draining")
    [run] = wired.holding
    wired.advance(7.9)
    assert wired.state == "draining"
    assert isinstance(wired.client.next_action(), Carry)
    wired.finish(run)
    assert wired.result((1, 1)) == {"data": [wired.till.order]}
    assert wired.state == "stopped"
    assert last_closed(wired).code == 1000


def test_a_payment_is_booked_committed_and_answered_before_the_close() -> None:
    wired = Wired().open()
    wired.held.add("RecordOrderPaymentByIdV1")
    key = wired.call("RecordOrderPaymentByIdV1", payment())
    wired.stop()
    wired.advance(3)
    wired.finish(wired.holding[0])
    assert wired.result(key)["paidAmount"] == pounds(500)
    assert wired.state == "stopped"


def test_what_takes_longer_than_the_drain_time_out_is_left() -> None:
    wired = in_state("draining", observe=True)
    wired.advance(8)
    assert wired.state == "stopped"
    assert wired.answers == {(1, 1): None}
    assert wired.now - wired.events[-1][0] == 0
    [finished] = wired.seen(RequestFinished)
    assert finished.outcome is RequestOutcome.ABANDONED
    assert len(wired.cancelled) == 1


@pytest.mark.parametrize("how", ["drained", "aborted"])
def test_a_payment_that_is_cut_off_is_reported(how: str) -> None:
    wired = Wired().open()
    wired.held.add("RecordOrderPaymentByIdV1")
    wired.call("RecordOrderPaymentByIdV1", payment())
    wired.advance(2)
    assert wired.client.status().unresolved == 0
    if how == "drained":
        wired.stop()
        wired.advance(8)
    else:
        wired.abort()
        wired.abort()
    assert wired.state == "stopped"
    (unknown,) = wired.seen(OutcomeUnknown)
    assert wired.client.status().cut_off == 1
    assert (unknown.method, unknown.age) == (
        "RecordOrderPaymentByIdV1",
        10 if how == "drained" else 2,
    )
    assert wired.client.status().unresolved == 1


def test_what_comes_back_after_that_is_answered_to_nobody() -> None:
    wired = in_state("draining")
    wired.advance(8)
    sent = wired.sent_up
    wired.finish(wired.holding[0])
    assert wired.client.next_action() == Stop(error=None)
    assert wired.sent_up == sent


def test_a_second_stop_shortens_the_first() -> None:
    wired = in_state("draining")
    wired.advance(2)
    wired.stop(timeout=100)
    wired.stop(timeout=1)
    wired.advance(0.9)
    assert wired.state == "draining"
    wired.advance(0.1)
    assert wired.state == "stopped"


def test_a_stop_without_patience_leaves_what_runs() -> None:
    wired = Wired().open()
    wired.held.add("SearchOrdersV1")
    wired.call("SearchOrdersV1")
    wired.stop(timeout=0)
    wired.advance(0.001)
    assert wired.state == "stopped"


def test_while_draining_reads_are_told_so_and_payments_are_left_unanswered() -> None:
    wired = in_state("draining")
    read = wired.call("SearchOrdersV1")
    paid = wired.call("RecordOrderPaymentByIdV1", payment())
    assert wired.error(read)["message"] == "the EPOS is stopping, and nothing was done"
    assert paid not in wired.answers
    wired.finish(wired.holding[0])
    assert wired.answers[paid] is None
    assert wired.till.runs == {"SearchOrdersV1": 1}


def test_a_gateway_that_does_not_answer_the_close_is_waited_for_a_while() -> None:
    wired = in_state("up", close_timeout=5.0)
    wired.silence()
    wired.stop()
    wired.advance(4.9)
    assert wired.state == "draining"
    wired.advance(0.1)
    assert wired.state == "stopped"
    assert last_closed(wired).cause is Cause.CLOSE_TIMEOUT
    assert last_closed(wired).reason == "the Close frame was not answered within 5 s"


def test_an_abort_ends_that_wait() -> None:
    wired = in_state("up")
    wired.silence()
    wired.stop()
    wired.abort()
    assert wired.state == "stopped"
    assert last_closed(wired).cause is Cause.ABORTED


# While a payment runs whose connection is gone.


def without_its_connection(till: Till | None = None) -> Wired:
    wired = Wired(till).open()
    wired.held.add("RecordOrderPaymentByIdV1")
    wired.call("RecordOrderPaymentByIdV1", payment())
    return wired


@pytest.mark.parametrize("fate", [REFUSED, HANGS, Fate(status=0), Fate()])
def test_a_payment_without_a_connection_is_still_booked_before_the_stop(fate: Fate) -> None:
    wired = without_its_connection()
    wired.fate = fate
    wired.drop()
    wired.advance(1)
    assert wired.state == {"refused": "waiting", "hangs": "dialing"}.get(
        fate.socket, "up" if fate.status else "opening"
    )
    wired.stop()
    assert wired.state == "draining"
    # A connection that is not open yet is of no use any more; one that is stays till the end.
    open_already = fate == Fate()
    assert isinstance(wired.client.next_action(), Carry if open_already else Wait)
    wired.advance(5)
    wired.finish(wired.holding[0])
    assert wired.state == "stopped"
    assert wired.till.paid == {"RecordOrderPaymentById/table-7/pi-1": 500}
    assert len(wired.dials) == len(wired.seen(Closed)) == 2


def test_an_upgrade_that_succeeds_while_draining_is_late_news() -> None:
    wired = without_its_connection()
    wired.fate = Fate(status=0)
    wired.drop()
    wired.advance(1)
    assert wired.state == "opening"
    link, gateway = wired.link, wired.gateway
    assert link is not None
    assert gateway is not None
    gateway.accept(wired.now)
    wired.client.stop(wired.now)
    wired.client.receive_data(link, gateway.data_to_send(wired.now), wired.now)
    assert wired.state == "draining"


def test_a_connection_that_is_lost_while_draining_is_not_replaced() -> None:
    wired = without_its_connection()
    wired.stop()
    wired.drop()
    assert wired.state == "draining"
    assert wired.client.next_action() == Wait()
    wired.advance(7)
    assert len(wired.dials) == 1
    wired.finish(wired.holding[0])
    assert wired.state == "stopped"


def test_a_refused_key_lets_such_a_payment_finish_and_then_stops_with_the_error() -> None:
    wired = Wired(auth_retry="never").open()
    wired.held.add("RecordOrderPaymentByIdV1")
    wired.call("RecordOrderPaymentByIdV1", payment())
    wired.fate = Fate(status=401)
    wired.drop()
    wired.advance(2)
    assert wired.state == "draining"
    wired.finish(wired.holding[0])
    assert wired.till.paid == {"RecordOrderPaymentById/table-7/pi-1": 500}
    action = wired.client.next_action()
    assert isinstance(action, Stop)
    assert action.error is not None


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("SearchOrdersV1", b"{}"),
        ("RecordOrderPaymentByIdV1", b'{"orderId":"o","paymentIntentId":"p","paidAmount":500}'),
    ],
)
def test_what_comes_in_while_its_close_waits_is_not_begun(
    method: str, params: bytes, frame: Callable[..., bytes]
) -> None:
    wired = in_state("up")
    assert wired.link is not None
    wired.client.stop(wired.now)
    request = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":%b}' % (method.encode(), params)
    wired.client.receive_data(wired.link, frame(1, request), wired.now)
    assert wired.client.next_work() is None
    assert wired.client.status().in_flight == 0
