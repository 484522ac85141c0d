"""Second runs: after a failure, after a crash; each is told that it may not be the first."""

from typing import TYPE_CHECKING

import pytest
from tests.proto.till import an_order

from dojo_proto.errors import UnexpectedError
from dojo_proto.events import ContentDiffers, OutcomeUnknown
from dojo_proto.work import Abort, Begin, Commit, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Till

ORDER = an_order("o")


class TestSecondRuns:
    def test_a_change_that_failed_runs_again_and_is_told_so(self, till: "Till") -> None:
        till.lock()
        till.begin()
        first = till.take(Run)
        till.raises(RuntimeError(), first)
        till.commit()
        till.answers()
        till.lock()
        till.begin()
        again = till.take(Run)
        assert (first.context.redelivered, again.context.redelivered) == (False, True)
        assert again.context.idempotency_key == first.context.idempotency_key
        till.returns(ORDER, again)
        till.commit()
        assert till.answer()["result"] == ORDER
        till.lock()
        till.begin()
        assert till.answer()["result"] == ORDER

    def test_with_a_lookup_it_is_looked_up_first(self, new_till: "type[Till]") -> None:
        till = new_till(lookup=True)
        till.lock()
        till.begin()
        till.raises(RuntimeError())
        till.commit()
        till.answers()
        till.lock()
        till.begin()
        till.returns(ORDER)
        till.commit()
        assert till.answer()["result"] == ORDER

    def test_a_second_run_that_cannot_say_leaves_the_third_to_be_told(self, till: "Till") -> None:
        till.lock()
        till.begin()
        till.raises(RuntimeError())
        till.commit()
        till.lock()
        till.begin()
        till.raises(UnexpectedError("database is down"))
        till.commit()
        till.lock()
        till.begin()
        assert till.take(Run).context.redelivered is True

    def test_a_payment_without_a_lookup_stays_open_in_this_process(self, till: "Till") -> None:
        till.pay()
        till.begin()
        till.raises(RuntimeError())
        till.begin()
        for request_id in ("1", "2"):
            till.pay(request_id)
            till.begin()
        assert till.answers() == []
        assert len(till.heard(OutcomeUnknown)) == 3
        assert till.dispatch.table.unresolved == 1
        assert till.at_rest()

    def test_a_payment_with_a_lookup_is_settled_by_the_retry(self, new_till: "type[Till]") -> None:
        till = new_till(lookup=True)
        till.pay()
        till.begin()
        till.raises(RuntimeError())
        till.raises(RuntimeError())
        assert till.dispatch.table.unresolved == 1
        till.pay()
        till.begin()
        assert till.dispatch.table.unresolved == 0
        till.returns(ORDER)
        till.commit()
        assert till.answer()["result"] == ORDER
        assert till.at_rest()


class TestCrashes:
    """A new process over the same journal."""

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_what_was_cut_off_runs_again_and_is_told_so(
        self, till: "Till", new_till: "type[Till]", ask: str
    ) -> None:
        getattr(till, ask)()
        till.begin()
        first = till.take(Run)
        after = new_till(disk=till.disk)
        getattr(after, ask)()
        after.begin()
        again = after.take(Run)
        assert again.context.redelivered is True
        assert again.context.idempotency_key == first.context.idempotency_key
        after.returns(ORDER, again)
        after.commit()
        assert after.answer()["result"] == ORDER
        getattr(after, ask)()
        after.begin()
        assert after.answer()["result"] == ORDER
        assert after.at_rest()

    @pytest.mark.parametrize("booked", [False, True])
    def test_with_a_lookup_it_is_looked_up_first(
        self, new_till: "type[Till]", booked: bool
    ) -> None:
        before = new_till(lookup=True)
        before.pay()
        before.begin()
        after = new_till(disk=before.disk, lookup=True)
        after.pay()
        after.begin()
        asked = after.take(Run)
        assert asked.context.idempotency_key == "RecordOrderPaymentById/o/p"
        after.returns(ORDER if booked else None, asked)
        if not booked:
            run = after.take(Run)
            assert run.context.redelivered is True
            after.returns(ORDER, run)
        after.commit()
        assert after.answer()["result"] == ORDER
        assert after.at_rest()

    def test_a_lookup_that_raises_does_not_make_the_retry_a_first_run(
        self, new_till: "type[Till]"
    ) -> None:
        before = new_till(lookup=True)
        before.pay()
        before.begin()
        after = new_till(disk=before.disk, lookup=True)
        after.pay()
        after.begin()
        after.raises(RuntimeError("the database is not up yet"))
        after.pay()
        after.begin()
        after.returns(None)
        assert after.take(Run).context.redelivered is True

    def test_a_begin_whose_answer_is_lost_does_not_make_the_retry_a_first_run(
        self, till: "Till", new_till: "type[Till]"
    ) -> None:
        till.pay()
        till.begin()
        after = new_till(disk=till.disk)
        after.pay()
        after.fail(after.take(Begin), late=True)
        after.pay()
        after.begin()
        assert after.take(Run).context.redelivered is True

    def test_a_second_run_that_cannot_say_leaves_the_third_to_be_told(
        self, till: "Till", new_till: "type[Till]"
    ) -> None:
        till.pay()
        till.begin()
        after = new_till(disk=till.disk)
        after.pay()
        after.begin()
        after.raises(UnexpectedError("database is down"))
        after.commit()
        assert after.answer()["error"]["errorType"] == "UnexpectedError"
        after.pay()
        after.begin()
        assert after.take(Run).context.redelivered is True

    def test_what_was_committed_is_replayed(self, till: "Till", new_till: "type[Till]") -> None:
        till.pay()
        till.booked()
        after = new_till(disk=till.disk)
        after.pay("2")
        after.begin()
        assert after.answer()["result"] == ORDER

    def test_what_was_aborted_is_new(self, till: "Till", new_till: "type[Till]") -> None:
        till.pay()
        till.begin()
        till.raises(UnexpectedError())
        assert isinstance(till.collect()[0], Abort)
        till.abort()
        after = new_till(disk=till.disk)
        after.pay()
        after.begin()
        assert after.take(Run).context.redelivered is False

    def test_a_payment_that_raised_runs_again_in_the_next_process(
        self, till: "Till", new_till: "type[Till]"
    ) -> None:
        till.pay()
        till.begin()
        till.raises(RuntimeError())
        after = new_till(disk=till.disk)
        after.pay()
        after.begin()
        run = after.take(Run)
        assert run.context.redelivered is True
        after.raises(RuntimeError(), run)
        after.pay()
        after.begin()
        assert after.idle
        assert after.answers() == []

    def test_another_amount_for_what_was_cut_off_raises_the_alarm(
        self, till: "Till", new_till: "type[Till]"
    ) -> None:
        till.pay(amount=100)
        till.begin()
        after = new_till(disk=till.disk)
        after.pay(amount=101)
        after.begin()
        assert len(after.heard(ContentDiffers)) == 1
        run = after.take(Run)
        assert (run.context.redelivered, run.context.idempotency_key) == (
            True,
            "RecordOrderPaymentById/o/p",
        )
        after.returns(ORDER, run)
        assert isinstance(after.take(Commit), Commit)
