"""Requests in flight: reads, changes and payments from their arrival to their answer."""

from typing import TYPE_CHECKING

import pytest
from tests.proto.till import an_order

from dojo_proto.errors import Conflict, LocalProtocolError, NotFound
from dojo_proto.events import (
    HANDLER,
    LOOKUP,
    HandlerFailed,
    MessageDropped,
    OutcomeUnknown,
    RequestFinished,
    RequestOutcome,
    RequestStarted,
    ResultUnfit,
    Slow,
    TimedOut,
)
from dojo_proto.journal import FRESH
from dojo_proto.work import UNSTARTED, Begin, Cancel, Returned, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Till

ORDER = an_order("o")


class TestReads:
    def test_a_read_goes_straight_to_its_handler(self, till: "Till") -> None:
        till.read()
        till.returns(ORDER)
        assert till.answer() == {"jsonrpc": "2.0", "id": "r", "result": ORDER}
        assert till.at_rest()

    def test_reads_are_never_joined_journaled_or_replayed(self, till: "Till") -> None:
        till.read("same")
        till.read("same")
        runs = [till.take(Run), till.take(Run)]
        assert till.idle
        for run, name in zip(runs, "ab", strict=True):
            till.returns(an_order(name), run)
        assert [answer["result"]["id"] for answer in till.answers()] == ["a", "b"]
        till.read("same")
        till.returns(an_order("c"))
        assert till.answer()["result"]["id"] == "c"

    def test_answers_go_out_in_order_of_completion(self, till: "Till") -> None:
        till.read("slow")
        till.read("fast")
        slow, fast = till.take(Run), till.take(Run)
        till.returns(ORDER, fast)
        till.returns(ORDER, slow)
        assert [answer["id"] for answer in till.answers()] == ["fast", "slow"]

    def test_a_domain_error_is_sent(self, till: "Till") -> None:
        till.read()
        till.raises(NotFound("no such order"))
        assert till.answer()["error"]["code"] == -32004
        assert till.heard(HandlerFailed) == []
        assert till.at_rest()

    def test_the_text_of_anything_else_goes_to_the_log_alone(self, till: "Till") -> None:
        boom = RuntimeError("the password is 1234")
        till.read()
        till.raises(boom)
        error = till.answer()["error"]
        assert (error["code"], error["errorType"]) == (-32603, "UnexpectedError")
        assert "1234" not in str(error)
        (logged,) = till.heard(HandlerFailed)
        assert (logged.error, logged.trace_id) == (boom, error["traceId"])

    @pytest.mark.parametrize("value", [None, object()])
    def test_a_result_that_does_not_fit_is_an_error(self, till: "Till", value: object) -> None:
        till.read()
        till.returns(value)
        error = till.answer()["error"]
        assert error["errorType"] == "UnexpectedError"
        assert [event.trace_id for event in till.heard(ResultUnfit)] == [error["traceId"]]

    def test_one_that_takes_too_long_is_answered_and_cancelled(self, till: "Till") -> None:
        till.read()
        run = till.take(Run)
        till.wait(9.999)
        assert till.answers() == []
        till.wait(0.001)
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        assert till.take(Cancel).call is run.call
        assert till.dispatch.idle
        assert till.dispatch.table.in_flight == 1
        till.returns(ORDER, run)
        assert till.answers() == []
        assert till.at_rest()

    @pytest.mark.parametrize("observe", [True, False])
    def test_one_that_takes_too_long_is_in_every_log(
        self, new_till: "type[Till]", observe: bool
    ) -> None:
        till = new_till(observe=observe)
        till.wait(3)
        till.read()
        till.wait(60)
        assert till.heard(TimedOut) == [
            TimedOut(
                method="GetOrderByIdV1",
                trace_id=till.answer()["error"]["traceId"],
                seconds=10.0,
            )
        ]
        assert till.heard(Slow) == []

    def test_nobody_waits_for_one_whose_link_is_gone(self, till: "Till") -> None:
        till.read()
        run = till.take(Run)
        till.reconnect()
        assert till.take(Cancel).call is run.call
        assert till.dispatch.idle
        till.reconnect()
        assert till.idle  # it was cancelled already
        till.raises(RuntimeError("cancelled"), run)
        assert till.answers() == []
        assert till.heard(HandlerFailed) == []
        assert till.at_rest()

    def test_what_comes_of_it_then_is_not_judged(self, till: "Till") -> None:
        till.read("late")
        till.wait(10)
        till.read("gone")
        till.reconnect()
        for _ in range(2):
            till.returns(None)
        assert till.heard(ResultUnfit) == []
        assert till.dispatch.table.in_flight == 0


class TestChanges:
    def test_the_journal_comes_before_the_handler_and_before_the_answer(self, till: "Till") -> None:
        till.pay()
        begin = till.take(Begin)
        assert till.idle
        till.step(begin)
        run = till.take(Run)
        assert till.idle
        till.returns(ORDER, run)
        assert till.answers() == []
        till.commit()
        assert till.answer() == {"jsonrpc": "2.0", "id": "1", "result": ORDER}
        assert till.dispatch.table.unresolved == 0
        assert till.at_rest()

    def test_a_refusal_is_committed_and_sent(self, till: "Till") -> None:
        till.pay()
        till.begin()
        till.raises(Conflict("order is closed"))
        assert till.answers() == []
        till.commit()
        assert till.answer()["error"]["errorType"] == "Conflict"
        assert till.at_rest()

    def test_a_slow_one_is_awaited_with_an_alarm(self, till: "Till") -> None:
        till.pay()
        till.begin()
        run = till.take(Run)
        till.wait(60)
        assert [(e.key, e.seconds) for e in till.heard(Slow)] == [
            ("RecordOrderPaymentById/o/p", 10.0)
        ]
        assert till.idle
        till.returns(ORDER, run)
        till.commit()
        assert till.answer()["result"] == ORDER
        assert till.at_rest()

    def test_one_that_has_returned_is_not_slow_while_the_journal_writes(self, till: "Till") -> None:
        till.pay()
        till.begin()
        till.returns(ORDER)
        till.wait(60)
        assert till.heard(Slow) == []
        till.commit()
        assert till.answer()["result"] == ORDER

    @pytest.mark.parametrize("value", [None, object()])
    def test_a_result_that_does_not_fit_is_a_success_with_an_alarm(
        self, till: "Till", value: object
    ) -> None:
        till.pay()
        till.begin()
        till.returns(value)
        assert len(till.heard(ResultUnfit)) == 1
        till.commit()
        assert till.answer()["result"] == {}
        assert len(till.heard(ResultUnfit)) == 1

    def test_an_undeclared_exception_of_a_change_is_answered(self, till: "Till") -> None:
        till.lock()
        till.begin()
        till.raises(RuntimeError())
        till.commit()
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        assert till.dispatch.table.unresolved == 0

    def test_an_undeclared_exception_of_a_payment_is_not(self, till: "Till") -> None:
        till.pay()
        till.begin()
        till.raises(RuntimeError())
        till.begin()  # its handler may have committed the row itself
        assert till.answers() == []
        assert [event.key for event in till.heard(OutcomeUnknown)] == ["RecordOrderPaymentById/o/p"]
        assert till.dispatch.table.unresolved == 1
        assert till.at_rest()

    @pytest.mark.parametrize(("value", "answered"), [(ORDER, "result"), (None, "error")])
    def test_then_the_lookup_decides(
        self, new_till: "type[Till]", value: object, answered: str
    ) -> None:
        till = new_till(lookup=True)
        till.pay()
        till.begin()
        till.raises(RuntimeError())
        till.returns(value)
        assert till.answers() == []
        if value is None:
            till.abort()
        else:
            till.commit()
        assert answered in till.answer()
        assert till.heard(OutcomeUnknown) == []
        assert till.dispatch.table.unresolved == 0
        assert till.at_rest()

    @pytest.mark.parametrize("error", [RuntimeError(), NotFound("no such order")])
    def test_a_lookup_that_raises_leaves_it_open_and_is_logged(
        self, new_till: "type[Till]", error: Exception
    ) -> None:
        till = new_till(lookup=True)
        till.pay()
        till.begin()
        boom = RuntimeError()
        till.raises(boom)
        till.raises(error)
        assert till.answers() == []
        assert [(event.function, event.error) for event in till.heard(HandlerFailed)] == [
            (HANDLER, boom),
            (LOOKUP, error),
        ]
        assert till.dispatch.table.unresolved == 1
        assert till.at_rest()

    def test_a_handler_that_hides_an_async_def_has_done_nothing(self, till: "Till") -> None:
        async def pay() -> None:
            """Nobody awaits it."""

        till.pay()
        till.begin()
        hidden = pay()
        till.returns(hidden)
        hidden.close()
        assert till.answers() == []
        assert [type(event.error) for event in till.heard(HandlerFailed)] == [TypeError]

    def test_where_it_could_not_be_called_nothing_was_done_and_a_retry_is_new(
        self, till: "Till"
    ) -> None:
        for request_id in ("first", "again"):
            till.pay(request_id)
            till.begin()
            run = till.take(Run)
            assert not run.context.redelivered
            till.dispatch.ran(run.call, UNSTARTED, till.disk.now)
            till.abort()
            error = till.answer()["error"]
            assert (error["errorType"], error["message"]) == (
                "UnexpectedError",
                "the system gives no thread, and nothing was done",
            )
            assert till.heard(HandlerFailed)[-1].trace_id == error["traceId"]
        assert till.heard(OutcomeUnknown) == []
        assert till.at_rest()

    def test_a_notification_is_done_and_not_answered(self, till: "Till") -> None:
        params = {"orderId": "o", "paymentIntentId": "p"}
        till.send({"jsonrpc": "2.0", "method": "RecordOrderPaymentByIdV1", "params": params})
        till.booked()
        assert till.answers() == []
        assert till.at_rest()


class TestMessages:
    def test_a_batch_is_answered_as_one(self, till: "Till") -> None:
        reads = [{"jsonrpc": "2.0", "id": i, "method": "GetOrderByIdV1"} for i in (1, 2)]
        till.send([*reads, 5])
        till.returns(ORDER)
        assert till.answers() == []
        till.wait(10)
        (array,) = till.answers()
        assert [answer["id"] for answer in array] == [None, 1, 2]

    def test_the_answers_of_a_batch_whose_link_is_gone_go_nowhere(self, till: "Till") -> None:
        till.send([{"jsonrpc": "2.0", "id": 1, "method": "GetOrderByIdV1"}])
        till.reconnect()
        till.take(Cancel)
        till.returns(ORDER)
        assert till.answers() == []
        assert till.at_rest()

    def test_answers_to_nothing_are_dropped(self, till: "Till") -> None:
        till.send({"jsonrpc": "2.0", "id": 1, "result": {}})
        assert till.answers() == []
        assert len(till.heard(MessageDropped)) == 1


class TestObservers:
    def test_every_request_is_told_of(self, till: "Till") -> None:
        till.pay("a")
        till.wait(1)
        till.pay("b")
        till.booked()
        (started,) = till.heard(RequestStarted)
        assert (started.request_ids, started.redelivered) == (('"a"', '"b"'), False)
        ended = [(e.request_id, e.outcome, e.seconds) for e in till.heard(RequestFinished)]
        assert ended == [
            ('"a"', RequestOutcome.SUCCESS, 1.0),
            ('"b"', RequestOutcome.SUCCESS, 0.0),
        ]

    def test_of_a_read_they_hear_when_its_handler_starts(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1)
        till.read("a")
        till.read("b")
        assert [event.request_ids for event in till.heard(RequestStarted)] == [('"a"',)]
        till.returns(ORDER)
        assert [event.request_ids for event in till.heard(RequestStarted)] == [('"a"',), ('"b"',)]

    def test_without_them_only_alarms_are(self, new_till: "type[Till]") -> None:
        till = new_till(observe=False)
        till.read()
        till.returns(ORDER)
        till.pay()
        till.booked()
        till.reconnect()
        assert till.events == []


class TestMisuse:
    """What an adapter may not do; none of it leaves anything behind."""

    def test_a_report_on_what_has_not_been_asked(self, till: "Till") -> None:
        till.pay()
        begin = till.take(Begin)
        call, now = begin.call, till.disk.now
        with pytest.raises(LocalProtocolError, match="was not running"):
            till.dispatch.ran(call, Returned(ORDER), now)
        with pytest.raises(LocalProtocolError, match="was not being committed"):
            till.dispatch.committed(call, now)
        till.step(begin)
        with pytest.raises(LocalProtocolError, match="was not being begun"):
            till.dispatch.begun(call, FRESH, now)
        with pytest.raises(LocalProtocolError, match="was not being committed"):
            till.dispatch.journal_failed(call, "late", now)
        till.returns(ORDER)
        till.commit()
        assert till.answer()["result"] == ORDER
        assert till.at_rest()

    def test_a_second_report(self, till: "Till") -> None:
        till.pay()
        begin = till.take(Begin)
        till.step(begin)
        till.returns(ORDER)
        till.commit()
        till.read()
        read = till.take(Run).call
        till.wait(10)
        till.dispatch.ran(read, Returned(ORDER), till.disk.now)
        till.answers()
        till.events.clear()
        now = till.disk.now
        with pytest.raises(LocalProtocolError):
            till.dispatch.begun(begin.call, FRESH, now)
        with pytest.raises(LocalProtocolError):
            till.dispatch.committed(begin.call, now)
        with pytest.raises(LocalProtocolError):
            till.dispatch.journal_failed(begin.call, "late", now)
        for call in (begin.call, read):
            with pytest.raises(LocalProtocolError, match="was not running"):
                till.dispatch.ran(call, Returned(ORDER), now)
        assert (till.answers(), till.events) == ([], [])
        assert till.dispatch.table.unresolved == 0
        till.take(Cancel)
        assert till.at_rest()
