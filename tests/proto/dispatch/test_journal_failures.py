"""A journal that fails, at every step, and one that fails and does it all the same."""

from typing import TYPE_CHECKING

import pytest
from tests.proto.till import an_order

from dojo_proto.errors import Conflict, UnexpectedError
from dojo_proto.events import JournalFailed, OutcomeUnknown
from dojo_proto.work import Abort, Begin, Commit, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Till

ORDER = an_order("o")


class TestBegin:
    @pytest.mark.parametrize("ask", ["lock", "party"])
    @pytest.mark.parametrize("fresh", [False, True])
    def test_a_change_is_answered_unstarted(self, till: "Till", ask: str, fresh: bool) -> None:
        getattr(till, ask)()
        till.fail(till.take(Begin), fresh=fresh)
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        assert [(e.step, e.reason) for e in till.heard(JournalFailed)] == [
            ("begin", "disk is full")
        ]
        assert till.at_rest()

    @pytest.mark.parametrize("lookup", [False, True])
    def test_a_payment_that_is_not_in_the_journal_is_answered_unstarted(
        self, new_till: "type[Till]", lookup: bool
    ) -> None:
        till = new_till(lookup=lookup)
        till.pay()
        till.fail(till.take(Begin), fresh=True)
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        assert till.at_rest()

    def test_of_which_nothing_more_is_said_a_payment_may_be_in_the_journal(
        self, till: "Till"
    ) -> None:
        till.pay()
        till.dispatch.journal_failed(till.take(Begin).call, "disk is full", till.disk.now)
        assert till.answers() == []
        assert len(till.heard(OutcomeUnknown)) == 1
        assert till.at_rest()

    def test_a_payment_that_may_be_in_the_journal_is_not_answered(self, till: "Till") -> None:
        till.pay()
        till.booked()
        till.answers()
        till.pay()
        till.fail(till.take(Begin))
        assert till.answers() == []
        assert len(till.heard(OutcomeUnknown)) == 1
        assert till.at_rest()

    @pytest.mark.parametrize(("value", "answered"), [(ORDER, "result"), (None, "error")])
    def test_unless_its_lookup_knows(
        self, new_till: "type[Till]", value: object, answered: str
    ) -> None:
        till = new_till(lookup=True)
        till.pay()
        till.fail(till.take(Begin))
        till.returns(value)
        assert answered in till.answer()
        assert till.at_rest()

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_one_that_was_done_all_the_same_makes_the_retry_a_first_run(
        self, till: "Till", ask: str
    ) -> None:
        getattr(till, ask)()
        till.fail(till.take(Begin), late=True)
        till.answers()
        getattr(till, ask)()
        till.begin()
        run = till.take(Run)
        assert run.context.redelivered is False
        till.returns(ORDER, run)
        till.commit()
        assert till.answer()["result"] == ORDER
        getattr(till, ask)()
        till.begin()
        assert till.answer()["result"] == ORDER

    def test_on_a_failed_row_it_leaves_the_retry_a_second_run(self, till: "Till") -> None:
        till.lock()
        till.begin()
        till.raises(RuntimeError())
        till.commit()
        till.lock()
        till.fail(till.take(Begin), late=True)
        till.lock()
        till.begin()
        assert till.take(Run).context.redelivered is True


class TestCommit:
    def test_a_change_that_was_done_is_answered_as_failed_and_runs_again(
        self, till: "Till"
    ) -> None:
        till.lock()
        till.begin()
        till.returns(ORDER)
        till.fail(till.take(Commit))
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        assert [event.step for event in till.heard(JournalFailed)] == ["commit"]
        assert till.dispatch.table.unresolved == 1
        till.lock()
        till.begin()
        assert till.take(Run).context.redelivered is True

    def test_a_payment_that_was_done_is_not_answered(self, till: "Till") -> None:
        till.pay()
        till.begin()
        till.returns(ORDER)
        till.fail(till.take(Commit))
        till.begin()
        till.pay()
        till.begin()
        assert till.answers() == []
        assert len(till.heard(OutcomeUnknown)) == 2
        assert till.dispatch.table.unresolved == 1
        assert till.at_rest()

    def test_one_that_was_done_all_the_same_is_answered(self, till: "Till") -> None:
        till.pay()
        till.begin()
        till.returns(ORDER)
        till.fail(till.take(Commit), late=True)
        till.begin()
        assert till.answer()["result"] == ORDER
        assert till.dispatch.table.unresolved == 0
        assert till.at_rest()

    def test_a_payment_with_a_lookup_is_answered_by_the_till(self, new_till: "type[Till]") -> None:
        till = new_till(lookup=True)
        till.pay()
        till.begin()
        till.returns(ORDER)
        till.fail(till.take(Commit))
        assert till.answers() == []
        till.returns(ORDER)
        assert till.answer()["result"] == ORDER
        till.pay()
        till.begin()
        till.returns(ORDER)
        till.commit()
        assert till.answer()["result"] == ORDER
        assert till.dispatch.table.unresolved == 0

    def test_a_payment_that_its_lookup_does_not_find_was_not_done(
        self, new_till: "type[Till]"
    ) -> None:
        till = new_till(lookup=True)
        till.pay()
        till.begin()
        till.returns(ORDER)
        till.fail(till.take(Commit))
        till.returns(None)
        till.abort()
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        till.pay()
        till.begin()
        assert till.take(Run).context.redelivered is False

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_a_refusal_is_answered_all_the_same(self, till: "Till", ask: str) -> None:
        getattr(till, ask)()
        till.begin()
        till.raises(Conflict("not now"))
        till.fail(till.take(Commit))
        if ask == "pay":
            till.begin()  # its handler may have booked before it raised
        assert till.answer()["error"]["errorType"] == "Conflict"
        assert till.dispatch.table.unresolved == 0
        getattr(till, ask)()
        till.begin()
        assert till.take(Run).context.redelivered is False

    def test_a_failure_is_answered_all_the_same_and_the_retry_is_a_second_run(
        self, till: "Till"
    ) -> None:
        till.lock()
        till.begin()
        till.raises(RuntimeError())
        till.fail(till.take(Commit))
        assert till.answer()["error"]["errorType"] == "UnexpectedError"
        till.lock()
        till.begin()
        assert till.take(Run).context.redelivered is True


class TestAbort:
    @pytest.mark.parametrize("late", [False, True])
    def test_what_was_not_done_is_answered_all_the_same(self, till: "Till", late: bool) -> None:
        till.pay()
        till.begin()
        till.raises(UnexpectedError("database is down"))
        till.fail(till.take(Abort), late=late)
        till.begin()
        assert till.answer()["error"]["message"] == "database is down"
        assert [event.step for event in till.heard(JournalFailed)] == ["abort"]
        assert till.dispatch.table.unresolved == 0
        till.pay()
        till.begin()
        assert till.take(Run).context.redelivered is False
