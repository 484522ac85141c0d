"""Who starts, who waits, who is turned away; and the end of the service."""

from typing import TYPE_CHECKING, Any

import pytest
from tests.proto.till import an_order

from dojo_proto.errors import Conflict
from dojo_proto.events import Overloaded, RequestFinished, RequestOutcome, Slow
from dojo_proto.work import Begin, Cancel, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Till

ORDER = an_order("o")


@pytest.fixture
def full(new_till: "type[Till]") -> "Till":
    """One place, which a payment has, and no room to wait."""
    till = new_till(max_in_flight=1, max_queued=0)
    till.pay("running", intent="running")
    till.begin()
    return till


def outcomes(till: "Till") -> list[RequestOutcome]:
    return [event.outcome for event in till.heard(RequestFinished)]


class TestPlaces:
    def test_requests_start_at_once_up_to_the_limit(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=3, is_async=True)
        for number in range(5):
            till.pay(number, intent=str(number))
        assert len(till.collect()) == 3
        assert (till.dispatch.table.in_flight, till.dispatch.admission.queued) == (3, 2)

    def test_who_waits_starts_when_there_is_a_place(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1)
        till.read("a")
        till.read("b")
        first = till.take(Run)
        assert till.idle
        till.returns(ORDER, first)
        till.returns(ORDER)
        assert [answer["id"] for answer in till.answers()] == ["a", "b"]
        assert till.at_rest()

    def test_reads_get_three_quarters_and_payments_always_find_a_place(
        self, new_till: "type[Till]"
    ) -> None:
        till = new_till(max_in_flight=4, workers=4)
        for number in range(10):
            till.read(number)
        assert len(till.collect()) == 3
        till.pay()
        till.begin()
        assert till.collect()[-1].call.handler.method.name == "RecordOrderPaymentById"

    def test_reads_that_are_stuck_keep_their_workers(self, new_till: "type[Till]") -> None:
        till = new_till(workers=4)
        for number in range(10):
            till.read(number)
        stuck = [till.take(Run) for _ in range(3)]
        till.wait(10)
        assert len(till.answers()) == 10  # three took too long, seven waited too long
        assert [type(work) for work in till.collect()] == [Cancel] * 3
        till.pay()
        till.booked()
        till.read()
        assert till.dispatch.admission.queued == 1
        till.returns(ORDER, stuck[0])
        assert till.take(Run).context.request_id == "r"

    def test_async_handlers_need_no_worker(self, new_till: "type[Till]") -> None:
        till = new_till(workers=1, is_async=True)
        for number in range(10):
            till.read(number)
        assert len(till.collect()) == 10

    def test_a_worker_is_free_while_the_journal_writes(self, new_till: "type[Till]") -> None:
        till = new_till(workers=1)
        till.pay("a", intent="a")
        till.pay("b", intent="b")
        till.begin()
        assert till.idle is False
        till.returns(an_order("a"))
        assert till.take(Begin).entry.idempotency_key == "RecordOrderPaymentById/o/b"
        till.commit()
        assert till.answer()["id"] == "a"


class TestQueue:
    def test_who_waits_too_long_is_turned_away_unstarted(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1)
        till.pay("running", intent="running")
        till.wait(1)
        till.read()
        till.pay("p")
        till.wait(4.999)
        assert till.answers() == []
        till.wait(0.001)
        assert till.answer()["id"] == "r"
        running, looked_up = till.take(Begin), till.take(Begin)
        assert looked_up.insert is False
        till.step(looked_up)
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        assert len(till.heard(Overloaded)) == 2
        till.step(running)
        till.returns(ORDER)
        till.commit()
        assert till.at_rest()

    def test_who_has_waited_for_a_place_is_not_slow_while_it_is_looked_up(
        self, new_till: "type[Till]"
    ) -> None:
        till = new_till(max_in_flight=1, queue_timeout=5)
        till.read()
        till.pay()
        till.returns(ORDER)
        till.wait(5)
        assert till.heard(Slow) == []
        till.booked()
        assert [answer["id"] for answer in till.answers()] == ["r", "1"]
        assert till.at_rest()

    def test_who_waits_behind_a_read_that_was_given_up_is_still_waited_for(
        self, new_till: "type[Till]"
    ) -> None:
        till = new_till(max_in_flight=1, read_timeout=1, queue_timeout=5)
        till.read("stuck")
        till.read("waits")
        stuck = till.take(Run)
        till.wait(1)
        assert till.answer()["id"] == "stuck"
        assert not till.dispatch.idle
        till.returns(ORDER, stuck)
        till.returns(ORDER)
        assert till.dispatch.idle

    def test_who_is_served_in_time_is_not_turned_away(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1)
        till.read("a")
        till.wait(1)
        till.read("b")
        till.wait(4)
        till.returns(ORDER)
        till.wait(5)
        assert [answer["id"] for answer in till.answers()] == ["a"]
        till.returns(ORDER)
        assert [answer["id"] for answer in till.answers()] == ["b"]
        assert till.heard(Overloaded) == []

    def test_timers_are_asked_for_only_while_something_is_due(self, till: "Till") -> None:
        assert till.dispatch.next_timer() is None
        till.read()
        assert till.dispatch.next_timer() == 1010.0
        till.wait(1)
        till.read("later")
        assert till.dispatch.next_timer() == 1010.0
        till.dispatch.handle_timer(1009.999)
        assert till.dispatch.next_timer() == 1010.0
        till.dispatch.handle_timer(1010.0)
        assert till.dispatch.next_timer() == 1011.0
        till.dispatch.handle_timer(1011.0)
        assert till.dispatch.next_timer() is None


class TestOverload:
    def test_a_read_is_turned_away(self, full: "Till") -> None:
        full.read()
        error = full.answer()["error"]
        assert error["errorType"] == "UnexpectedError"
        assert error["message"] == "the EPOS is busy, and nothing was done"
        (alarm,) = full.heard(Overloaded)
        assert (alarm.method, alarm.in_flight, alarm.queued) == ("GetOrderByIdV1", 1, 0)

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_a_change_is_looked_up_and_turned_away_unstarted(self, full: "Till", ask: str) -> None:
        getattr(full, ask)()
        full.begin()
        error = full.answer()["error"]
        assert (error["code"], error["errorType"]) == (-32603, "UnexpectedError")
        assert len(full.heard(Overloaded)) == 1
        full.returns(ORDER)
        full.commit()
        full.answers()
        getattr(full, ask)()
        full.begin()
        assert full.take(Run).context.redelivered is False  # never remembered

    @pytest.mark.parametrize("lookup", [False, True])
    def test_a_booked_payment_is_answered_with_success(
        self, new_till: "type[Till]", lookup: bool
    ) -> None:
        till = new_till(max_in_flight=1, max_queued=0, lookup=lookup)
        till.pay()
        till.booked()
        till.answers()
        till.pay("running", intent="running")
        till.begin()
        running = till.take(Run)
        till.pay("again")
        till.begin()
        if lookup:
            till.returns(ORDER)
        assert till.answer() == {"jsonrpc": "2.0", "id": "again", "result": ORDER}
        till.returns(ORDER, running)
        till.commit()
        assert till.at_rest()

    def test_a_refused_one_is_answered_with_its_refusal(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1, max_queued=0)
        till.pay()
        till.begin()
        till.raises(Conflict("order is closed"))
        till.commit()
        refusal = till.answer()
        till.pay("running", intent="running")
        till.pay()
        till.take(Begin)
        till.begin()
        assert till.answer() == refusal

    def test_one_that_was_cut_off_waits_for_a_place(self, new_till: "type[Till]") -> None:
        before = new_till()
        before.pay()
        before.begin()
        till = new_till(max_in_flight=1, max_queued=0, disk=before.disk)
        till.pay("running", intent="running")
        till.begin()
        till.pay()
        till.begin()
        assert till.answers() == []
        assert outcomes(till) == [RequestOutcome.WITHHELD]
        till.returns(ORDER)
        till.commit()
        till.pay()
        till.begin()
        assert till.take(Run).context.redelivered is True

    def test_a_journal_that_fails_then_leaves_a_payment_unanswered(self, full: "Till") -> None:
        full.pay()
        full.fail(full.take(Begin))
        assert full.answers() == []

    def test_a_repeat_joins_before_anything_is_turned_away(self, full: "Till") -> None:
        full.pay("again", intent="running")
        full.returns(ORDER)
        full.commit()
        # Without a queue there is no room to join either, but the one that runs is not disturbed.
        assert [answer["id"] for answer in full.answers()] == ["running"]
        assert outcomes(full) == [RequestOutcome.WITHHELD, RequestOutcome.SUCCESS]
        assert full.heard(Overloaded) == []

    def test_look_ups_are_bounded_too(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1, max_queued=1)
        till.pay("running", intent="running")
        for number in range(5):
            till.pay(number, intent=str(number))
        # One runs, one waits, and as many are looked up as may wait, and one.
        assert [work.insert for work in till.collect() if isinstance(work, Begin)] == [
            True,
            False,
            False,
        ]
        assert outcomes(till) == [RequestOutcome.WITHHELD] * 2
        till.begin()
        till.begin()
        till.begin()
        assert [answer["id"] for answer in till.answers()] == [1, 2]
        till.pay("later", intent="later")
        assert till.take(Begin).insert is False


class TestDraining:
    @pytest.fixture
    def draining(self, till: "Till") -> "Till":
        till.pay("booked", intent="booked")
        till.booked()
        till.pay("running", intent="running")
        till.begin()
        till.answers()
        till.drain()
        return till

    def test_what_runs_may_finish(self, draining: "Till") -> None:
        assert draining.dispatch.idle is False
        draining.returns(ORDER)
        draining.commit()
        assert draining.answer()["result"] == ORDER
        assert draining.dispatch.idle

    def test_a_read_is_turned_away_without_an_alarm(self, draining: "Till") -> None:
        draining.read()
        assert "stopping" in draining.answer()["error"]["message"]
        assert draining.heard(Overloaded) == []

    def test_what_is_new_is_withheld(self, draining: "Till") -> None:
        draining.pay()
        assert draining.dispatch.idle is False
        draining.begin()
        assert draining.answers() == []
        assert outcomes(draining)[-1] is RequestOutcome.WITHHELD

    def test_what_was_booked_is_answered(self, draining: "Till") -> None:
        draining.pay("again", intent="booked")
        draining.begin()
        assert draining.answer() == {"jsonrpc": "2.0", "id": "again", "result": ORDER}

    def test_what_runs_is_joined(self, draining: "Till") -> None:
        draining.pay("again", intent="running")
        draining.returns(ORDER)
        draining.commit()
        assert [answer["id"] for answer in draining.answers()] == ["running", "again"]

    def test_who_waits_is_turned_away(self, new_till: "type[Till]") -> None:
        till = new_till(max_in_flight=1)
        till.read("a")
        till.read("b")
        till.pay("p")
        till.drain()
        assert [answer["id"] for answer in till.answers()] == ["b"]
        till.begin()
        assert outcomes(till)[-1] is RequestOutcome.WITHHELD
        till.returns(ORDER)
        assert [answer["id"] for answer in till.answers()] == ["a"]
        assert till.at_rest()

    def test_a_read_that_nobody_waits_for_does_not_hold_it_up(self, till: "Till") -> None:
        till.read()
        till.wait(10)
        till.drain()
        assert till.dispatch.idle

    def test_draining_twice_is_draining_once(self, draining: "Till") -> None:
        before: tuple[Any, ...] = (draining.collect(), draining.answers(), len(draining.events))
        draining.drain()
        assert (draining.collect(), draining.answers(), len(draining.events)) == before
