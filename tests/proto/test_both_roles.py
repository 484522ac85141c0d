"""The client and the gateway, wired to each other in memory: requests, answers, and their links."""

from collections.abc import Callable, Iterable

import pytest
from tests.proto.fates import Fate
from tests.proto.till import Till, an_order, payment, pounds
from tests.proto.wired import KEY, Wired, bytewise, whole

from dojo_proto.connection import Ended, Open, RoundTrip
from dojo_proto.connection import State as ConnectionState
from dojo_proto.events import (
    Cause,
    Closed,
    JournalFailed,
    PingRoundTrip,
    RequestFinished,
    RequestOutcome,
    RequestStarted,
)
from dojo_proto.journal import JournalError
from dojo_proto.stage import Asked
from dojo_proto.work import Note, Raised

Cut = Callable[[bytes], Iterable[bytes]]


def thirds(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 3] for i in range(0, len(data), 3))


cuts = pytest.mark.parametrize("cut", [whole, bytewise, thirds])
compressions = pytest.mark.parametrize("compression", [False, True])


def visit(wired: Wired) -> None:
    """A whole visit: the guests look, lock, pay in two parts, and leave."""
    order = {"orderId": "table-7"}
    lock = {**order, "lockId": "lock-1", "expiry": "2026-02-27T12:00:00Z"}
    found = wired.call("SearchOrdersV1", {"payableOnly": True})
    assert wired.result(found) == {"data": [an_order("table-7", paidAmount=pounds(0))]}
    assert wired.result(wired.call("GetOrderByIdV1", order))["id"] == "table-7"
    assert wired.result(wired.call("CreateOrderLockV1", lock))["id"] == "table-7"
    first = wired.call("RecordOrderPaymentByIdV1", payment("pi-1", 500))
    assert wired.result(first)["paidAmount"] == pounds(500)
    assert wired.result(wired.call("ExtendOrderLockV1", lock)) == {}
    second = wired.call(
        "RecordOrderPaymentByIdV1", {**payment("pi-2", 700), "tipsAmount": pounds(90)}
    )
    assert wired.result(second)["paidAmount"] == pounds(1200)
    assert wired.result(wired.call("GetOrderBillByIdV1", order)) == wired.till.bill
    unlocked = wired.call("DeleteOrderLockV1", lock)
    assert wired.result(unlocked)["paidAmount"] == pounds(1200)


# A visit.


@cuts
@compressions
def test_a_whole_visit(cut: Cut, compression: bool) -> None:
    wired = Wired(cut=cut, compression=compression, gateway={"compression": compression}).open()
    visit(wired)
    wired.stop()
    assert wired.state == "stopped"
    [closed] = wired.seen(Closed)
    assert (closed.cause, closed.code) == (Cause.STOPPED, 1000)


@compressions
def test_a_visit_gives_the_same_bytes_and_events_however_it_is_cut(compression: bool) -> None:
    seen = []
    for cut in (whole, bytewise, thirds):
        options = {"compression": compression}
        wired = Wired(cut=cut, observe=True, gateway=options, compression=compression).open()
        visit(wired)
        wired.advance(45)
        wired.stop()
        gateway = [
            event for event in wired.gateway_events if not isinstance(event[1], Asked)
        ]  # its headers are in the bytes
        seen.append((wired.sent_up, wired.events, gateway))
    assert seen[0] == seen[1] == seen[2]


def test_compression_of_one_side_alone_is_no_compression() -> None:
    for client, gateway in ((True, False), (False, True)):
        wired = Wired(compression=client, gateway={"compression": gateway}).open()
        visit(wired)
        assert b"SearchOrders" not in wired.sent_up


def test_the_gateway_hears_who_asks() -> None:
    wired = Wired(reseller_id="reseller-1").open()
    asked = wired.gateway_events[0][1]
    assert isinstance(asked, Asked)
    assert asked.target == "/epos"
    assert asked.values("authorization") == [f"Basic {KEY}"]
    assert asked.values("software-house-id") == ["acme-epos"]
    assert asked.values("reseller-id") == ["reseller-1"]


def test_what_goes_wrong_with_a_request_is_answered_and_the_link_lives() -> None:
    wired = Wired().open()
    unknown_order = wired.call("GetOrderByIdV1", {"orderId": "table-99"})
    unknown_method = wired.call("OpenTheTillV1", {})
    bad_params = wired.call("RecordOrderPaymentByIdV1", {"orderId": "table-7"})
    assert wired.error(unknown_order)["errorType"] == "NotFound"
    assert wired.error(unknown_method)["code"] == -32601
    assert wired.error(bad_params)["code"] == -32602
    assert "paymentIntentId" in wired.error(bad_params)["message"]
    visit(wired)
    assert wired.seen(Closed) == []


def test_observers_hear_of_every_request() -> None:
    wired = Wired(observe=True).open()
    wired.call("SearchOrdersV1", request_id="a")
    [started] = wired.seen(RequestStarted)
    assert (started.method, started.request_ids) == ("SearchOrdersV1", ('"a"',))
    [finished] = wired.seen(RequestFinished)
    assert (finished.link, finished.request_id, finished.outcome) == (
        1,
        '"a"',
        RequestOutcome.SUCCESS,
    )


# Answers.


def test_fast_answers_overtake_a_slow_one() -> None:
    wired = Wired().open()
    wired.held.add("GetOrderBillByIdV1")
    slow = wired.call("GetOrderBillByIdV1", {"orderId": "table-7"})
    fast = [wired.call("SearchOrdersV1") for _ in range(3)]
    assert all(key in wired.answers for key in fast)
    assert slow not in wired.answers
    wired.advance(4)
    wired.finish(wired.holding[0])
    assert wired.result(slow) == wired.till.bill
    assert list(wired.answers) == [*fast, slow]
    answer = wired.answers[slow]
    assert answer is not None
    assert answer.seconds == 4


def test_a_read_that_takes_too_long_is_answered_once() -> None:
    wired = Wired(read_timeout=10).open()
    wired.held.add("SearchOrdersV1")
    slow = wired.call("SearchOrdersV1")
    wired.advance(10)
    assert wired.error(slow)["message"] == "the EPOS took too long"
    assert len(wired.cancelled) == 1
    wired.finish(wired.holding[0])
    assert len(wired.answers) == 1
    assert wired.client.status().in_flight == 0


@cuts
@pytest.mark.parametrize("request_id", ["the same", "another"])
def test_a_payment_dropped_before_its_answer_is_not_booked_again_by_the_retry(
    request_id: str, cut: Cut
) -> None:
    wired = Wired(cut=cut).open()
    wired.held.add("RecordOrderPaymentByIdV1")
    dropped = wired.call("RecordOrderPaymentByIdV1", payment(), request_id="the same")
    run = wired.holding[0]
    wired.drop()
    wired.finish(run)
    wired.held.clear()
    assert wired.answers == {dropped: None}
    wired.advance(1)
    assert wired.state == "up"
    retried = wired.call("RecordOrderPaymentByIdV1", payment(), request_id=request_id)
    assert retried == (2, 1)
    assert wired.result(retried) == an_order("table-7", paidAmount=pounds(500))
    assert wired.till.runs == {"RecordOrderPaymentByIdV1": 1}


@pytest.mark.parametrize("request_id", ["the same", "another"])
def test_a_retry_that_comes_while_the_payment_still_runs_shares_its_answer(request_id: str) -> None:
    wired = Wired().open()
    wired.held.add("RecordOrderPaymentByIdV1")
    wired.call("RecordOrderPaymentByIdV1", payment(), request_id="the same")
    wired.drop()
    wired.advance(1)
    retried = wired.call("RecordOrderPaymentByIdV1", payment(), request_id=request_id)
    again = wired.call("RecordOrderPaymentByIdV1", payment())
    assert len(wired.holding) == 1
    wired.finish(wired.holding[0])
    assert wired.result(retried) == an_order("table-7", paidAmount=pounds(500))
    assert wired.result(again) == wired.result(retried)
    assert wired.answers[1, 1] is None
    assert wired.till.runs == {"RecordOrderPaymentByIdV1": 1}


def test_a_payment_whose_outcome_is_unknown_is_not_answered() -> None:
    wired = Wired(Till(lookup=False)).open()
    wired.held.add("RecordOrderPaymentByIdV1")
    key = wired.call("RecordOrderPaymentByIdV1", payment())
    wired.finish(wired.holding[0], Raised(ConnectionError("the database has gone")))
    wired.advance(60)
    assert key not in wired.answers
    wired.drop()
    assert wired.answers[key] is None


def test_reads_whose_connection_is_gone_are_given_up_and_those_that_wait_never_start() -> None:
    wired = Wired(observe=True, max_in_flight=1).open()
    wired.held.add("SearchOrdersV1")
    running, waiting = wired.call("SearchOrdersV1"), wired.call("GetOrderBillByIdV1")
    wired.drop()
    assert len(wired.cancelled) == 1
    assert [event.outcome for event in wired.seen(RequestFinished)] == [
        RequestOutcome.ABANDONED,
        RequestOutcome.ABANDONED,
    ]
    wired.advance(1)
    wired.finish(wired.holding[0])
    assert wired.answers == {running: None, waiting: None}
    assert wired.till.runs == {"SearchOrdersV1": 1}


def test_a_journal_that_cannot_be_written_turns_payments_down_unstarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wired = Wired().open()
    full = [JournalError("the disk is full", fresh=True)]
    monkeypatch.setattr(
        wired.journal, "perform", lambda steps: [None] if isinstance(steps[0], Note) else full
    )
    key = wired.call("RecordOrderPaymentByIdV1", payment())
    assert wired.error(key)["message"] == "the EPOS cannot write its journal, and nothing was done"
    [alarm] = wired.seen(JournalFailed)
    assert (alarm.step, alarm.reason) == ("begin", "the disk is full")
    assert wired.till.runs == {}


def test_an_answer_behind_the_close_of_the_gateway_is_for_nobody() -> None:
    wired = Wired(observe=True).open()
    wired.held.add("SearchOrdersV1")
    key = wired.call("SearchOrdersV1")
    run = wired.holding[0]
    assert wired.gateway is not None
    assert wired.link is not None
    wired.gateway.close(wired.now)
    wired.client.receive_data(wired.link, wired.gateway.data_to_send(wired.now), wired.now)
    wired.finish(run)
    assert wired.answers == {key: None}
    assert [event.outcome for event in wired.seen(RequestFinished)] == [RequestOutcome.ABANDONED]


# Keepalive.


def test_a_quiet_connection_is_pinged_from_both_sides_and_lives() -> None:
    wired = Wired().open()
    wired.advance(3600)
    assert wired.state == "up"
    assert len(wired.dials) == 1
    assert wired.times(PingRoundTrip)[:3] == [20, 40, 60]
    assert any(isinstance(event, RoundTrip) for _, event in wired.gateway_events)


def test_a_dead_gateway_is_noticed_ten_seconds_after_the_ping() -> None:
    wired = Wired().open()
    wired.silence()
    wired.advance(29.9)
    assert wired.state == "up"
    wired.advance(0.1)
    [closed] = wired.seen(Closed)
    assert (closed.cause, closed.code) == (Cause.PONG_TIMEOUT, 1006)
    assert closed.reason == "nothing came for 30 s and no answer to a ping"
    assert wired.times(Closed) == [30]
    assert wired.state == "waiting"


def test_any_byte_is_life() -> None:
    wired = Wired(gateway={"ping_interval": 1e6}).open()
    wired.unread = True  # so the ping at 20 s gets no answer
    wired.advance(29)
    assert wired.link is not None
    wired.client.receive_data(wired.link, b"\x81", wired.now)  # the first byte of a message
    wired.advance(1)
    assert wired.state == "up"


def test_a_machine_that_slept_asks_once_more_before_it_gives_up() -> None:
    wired = Wired(gateway={"ping_interval": 1e6}).open()
    wired.silent = True
    wired.advance(25)
    wired.sleep(4000)
    assert wired.state == "up"
    wired.silent = False
    wired.advance(25)
    assert wired.state == "up"


def test_but_only_once() -> None:
    wired = Wired(gateway={"ping_interval": 1e6}).open()
    wired.silence()
    wired.advance(25)
    wired.sleep(4000)
    wired.advance(10)
    assert [closed.cause for closed in wired.seen(Closed)] == [Cause.PONG_TIMEOUT]


# Limits.


def test_a_gateway_that_never_reads_is_dropped_when_too_much_waits() -> None:
    wired = Wired(max_outbound=1024).open()
    wired.unread = True
    for _ in range(30):
        if wired.gateway is not None and wired.gateway.state is ConnectionState.OPEN:
            wired.call("SearchOrdersV1")
    [closed] = wired.seen(Closed)
    assert (closed.cause, closed.code) == (Cause.UNREAD, 1006)
    assert closed.reason.endswith("bytes wait for the peer to read them; 1024 are allowed")
    assert wired.state == "waiting"
    wired.unread = False
    wired.advance(1)
    assert wired.state == "up"
    visit(wired)


def test_a_message_that_is_too_large_closes_with_1009_and_the_service_goes_on() -> None:
    wired = Wired(max_message_size=1024).open()
    wired.call("SearchOrdersV1", {"note": "x" * 2000})
    [closed] = wired.seen(Closed)
    assert (closed.cause, closed.code) == (Cause.PROTOCOL_ERROR, 1009)
    assert closed.reason == "a message is larger than 1024 bytes (max_message_size)"
    wired.advance(1)
    visit(wired)


# The end.


def test_the_gateway_sees_one_end_for_each_upgrade() -> None:
    wired = Wired()
    wired.fates.extend([Fate(status=503), Fate(closes_after=5), Fate()])
    wired.start()
    wired.advance(60)
    wired.stop()
    kinds = [type(event) for _, event in wired.gateway_events]
    pings = [kind for kind in kinds if kind is RoundTrip]
    assert [kind for kind in kinds if kind not in pings] == [
        *(Asked, Ended),
        *(Asked, Open, Ended),
        *(Asked, Open, Ended),
    ]
