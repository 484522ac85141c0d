"""A handler that commits its row together with what it books: that stands, whatever comes then."""

from typing import TYPE_CHECKING, Any

import pytest
from tests.proto.till import an_order

from dojo_proto.errors import Conflict, UnexpectedError
from dojo_proto.events import (
    ContentDiffers,
    JournalFailed,
    OutcomeUnknown,
    PaymentUnconfirmed,
    RequestFinished,
    RequestOutcome,
)
from dojo_proto.journal import Found, RowState, Verdict
from dojo_proto.receipts import UNCONFIRMED_AFTER
from dojo_proto.work import Abort, Begin, Commit, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Books, Till

NOW = an_order("o", status="Accepted")
AFTERWARDS = [Conflict("too late"), UnexpectedError("printer is out"), RuntimeError("boom")]

lookups = pytest.mark.parametrize("lookup", [False, True])


class Payment:
    """One whose handler has committed its row, and goes on."""

    def __init__(self, till: "Till", books: "Books", *, lookup: bool, how: str = "pay") -> None:
        self.till = till
        self.books = books
        self.lookup = lookup
        getattr(till, how)()
        till.begin()
        self.run = till.take(Run)
        self.ticket = self.run.context.ticket
        assert self.run.context.keeps_answer is not lookup
        books.ledger.record(self.ticket, b"" if lookup else b'{"id":"then"}')

    def keeping(self) -> Commit | Abort:
        """What the journal is asked to do once the handler is over."""
        (work,) = self.till.collect()
        assert isinstance(work, Commit | Abort)
        self.till.pending.remove(work)
        return work

    def is_answered_as_booked(self) -> None:
        if self.lookup:
            self.till.returns(NOW)
            assert self.till.answer()["result"] == NOW
        else:
            assert self.till.answer()["result"] == {"id": "then"}


@pytest.fixture
def payment(new_till: "type[Till]", books: "Books", lookup: bool) -> Payment:
    return Payment(new_till(disk=books, lookup=lookup), books, lookup=lookup)


@lookups
def test_it_is_committed_once(payment: Payment) -> None:
    payment.till.returns(NOW, payment.run)
    payment.till.step(payment.keeping())
    payment.is_answered_as_booked()
    assert payment.till.at_rest()


@pytest.mark.parametrize("lookup", [False])
@pytest.mark.parametrize("error", AFTERWARDS[:2])
def test_it_wins_over_an_error_that_was_meant_for_dojo(payment: Payment, error: Exception) -> None:
    payment.till.raises(error, payment.run)
    payment.till.step(payment.keeping())
    payment.is_answered_as_booked()
    (finished,) = payment.till.heard(RequestFinished)
    assert finished.outcome is RequestOutcome.SUCCESS
    assert payment.till.dispatch.table.unresolved == 0
    assert payment.till.dispatch.receipts.unconfirmed == 1
    assert payment.till.at_rest()


@pytest.mark.parametrize("lookup", [True])
@pytest.mark.parametrize("error", AFTERWARDS[:2])
def test_and_is_answered_as_it_is_now_where_a_lookup_can_tell(
    payment: Payment, error: Exception
) -> None:
    payment.till.raises(error, payment.run)
    payment.till.step(payment.keeping())
    payment.is_answered_as_booked()
    assert payment.till.at_rest()


@pytest.mark.parametrize("lookup", [False])
def test_it_wins_over_an_exception(payment: Payment) -> None:
    payment.till.raises(RuntimeError("boom"), payment.run)
    look = payment.till.take(Begin)
    assert not look.insert  # it is only read: whatever is there now, nothing is begun
    payment.till.step(look)
    payment.is_answered_as_booked()
    assert payment.till.heard(OutcomeUnknown) == []
    assert payment.till.dispatch.receipts.unconfirmed == 1
    assert payment.till.at_rest()


@pytest.mark.parametrize("lookup", [True])
def test_it_wins_over_a_lookup_that_does_not_find_it_yet(payment: Payment) -> None:
    payment.till.raises(RuntimeError("boom"), payment.run)
    payment.till.returns(None)
    payment.till.step(payment.keeping())
    payment.is_answered_as_booked()
    assert payment.till.at_rest()


@pytest.mark.parametrize("lookup", [False])
def test_it_wins_over_a_commit_that_failed(payment: Payment) -> None:
    payment.till.returns(NOW, payment.run)
    payment.till.fail(payment.keeping())
    payment.till.begin()
    payment.is_answered_as_booked()
    assert payment.till.heard(OutcomeUnknown) == []
    assert payment.till.at_rest()


@lookups
@pytest.mark.parametrize("error", AFTERWARDS[:2])
def test_it_wins_over_a_refusal_that_the_journal_could_not_keep(
    payment: Payment, error: Exception
) -> None:
    payment.till.raises(error, payment.run)
    payment.till.fail(payment.keeping())
    assert payment.till.answers() == []
    payment.till.begin()
    payment.is_answered_as_booked()
    assert payment.till.dispatch.receipts.unconfirmed == 1
    assert payment.till.at_rest()


@lookups
@pytest.mark.parametrize("error", AFTERWARDS[:2])
def test_while_it_cannot_be_read_there_is_no_answer_and_then_the_right_one(
    payment: Payment, error: Exception
) -> None:
    till = payment.till
    till.raises(error, payment.run)
    till.fail(payment.keeping())
    till.fail(till.take(Begin))
    assert till.answers() == []
    assert len(till.heard(OutcomeUnknown)) == 1
    assert [event.step for event in till.heard(JournalFailed)][-1] == "begin"
    till.pay("2")
    till.begin()
    payment.is_answered_as_booked()
    assert till.at_rest()


@pytest.mark.parametrize("lookup", [False])
@pytest.mark.parametrize("how", ["it raised", "its commit failed"])
def test_a_second_look_that_fails_leaves_it_unknown_until_the_retry(
    payment: Payment, how: str
) -> None:
    till = payment.till
    if how == "it raised":
        till.raises(RuntimeError("boom"), payment.run)
    else:
        till.returns(NOW, payment.run)
        till.fail(payment.keeping())
    till.fail(till.take(Begin))
    assert till.answers() == []
    assert len(till.heard(OutcomeUnknown)) == 1
    assert till.dispatch.table.unresolved == 1
    till.pay("2")
    till.begin()
    payment.is_answered_as_booked()
    assert till.dispatch.table.unresolved == 0
    assert till.dispatch.receipts.unconfirmed == 1
    assert till.at_rest()


@pytest.mark.parametrize("lookup", [False])
def test_whose_link_is_lost_meanwhile_is_an_alarm_in_the_end(payment: Payment) -> None:
    till = payment.till
    till.close()
    till.raises(Conflict("too late"), payment.run)
    till.step(payment.keeping())
    assert till.answers() == []
    till.wait(UNCONFIRMED_AFTER)
    (alarm,) = till.heard(PaymentUnconfirmed)
    assert (alarm.key, alarm.age) == ("RecordOrderPaymentById/o/p", UNCONFIRMED_AFTER)
    assert till.heard(OutcomeUnknown) == []
    assert till.at_rest()


@lookups
def test_a_change_wins_over_its_exception_too(
    new_till: "type[Till]", books: "Books", lookup: bool
) -> None:
    change = Payment(new_till(disk=books, lookup=lookup), books, lookup=lookup, how="party")
    change.till.raises(RuntimeError("boom"), change.run)
    change.till.step(change.keeping())
    change.is_answered_as_booked()
    assert change.till.dispatch.receipts.unconfirmed == 0  # it is no money
    assert change.till.at_rest()


def test_that_a_retry_names_other_content_is_told_once(
    new_till: "type[Till]", books: "Books"
) -> None:
    till = new_till(disk=books)
    till.party("1", name="Ada")
    till.begin()
    till.raises(RuntimeError("boom"))
    till.commit()
    assert "error" in till.answer()
    till.party("2", name="Grace")
    till.begin()
    run = till.take(Run)
    books.ledger.record(run.context.ticket, b'{"id":"then"}')
    till.raises(RuntimeError("boom"), run)
    till.commit()
    assert till.answer()["result"] == {"id": "then"}
    assert len(till.heard(ContentDiffers)) == 1


class TestWhatItHasNotCommitted:
    """The same journal, and a handler that leaves its row alone."""

    @pytest.mark.parametrize("error", AFTERWARDS[:2])
    def test_a_refusal_is_answered_when_the_row_says_nothing_else(
        self, new_till: "type[Till]", books: "Books", error: Any
    ) -> None:
        till = new_till(disk=books)
        till.pay()
        till.begin()
        till.raises(error)
        (keeping,) = till.collect()
        assert isinstance(keeping, Commit | Abort)
        till.pending.remove(keeping)
        till.fail(keeping)
        till.begin()
        assert till.answer()["error"]["message"] == error.message
        assert till.dispatch.table.unresolved == 0
        assert till.at_rest()

    @pytest.mark.parametrize("error", AFTERWARDS)
    def test_what_is_not_known_to_be_booked_is_not_followed(
        self, new_till: "type[Till]", books: "Books", error: Exception
    ) -> None:
        till = new_till(disk=books)
        till.pay()
        till.begin()
        till.raises(error)
        (work,) = till.collect()
        assert isinstance(work, Begin | Commit | Abort)
        till.pending.remove(work)
        till.step(work)
        assert till.dispatch.receipts.unconfirmed == 0
        assert till.at_rest()

    @pytest.mark.parametrize("how", ["pay", "party"])
    def test_a_store_that_gives_another_row_has_not_kept_it(
        self, new_till: "type[Till]", books: "Books", how: str
    ) -> None:
        till = new_till(disk=books)
        getattr(till, how)()
        till.begin()
        till.returns(NOW)
        commit = till.take(Commit)
        (row,) = books.ledger.unsettled()
        assert row.state is RowState.BEGUN
        till.dispatch.begun(commit.call, Found(verdict=Verdict.BEGUN, row=row), books.now)
        assert till.answers() == []
        assert len(till.heard(OutcomeUnknown)) == 1
        assert till.at_rest()


@pytest.mark.parametrize("landed", [False, True])
def test_a_payment_that_only_its_lookup_knows_is_followed_as_well(
    new_till: "type[Till]", books: "Books", landed: bool
) -> None:
    till = new_till(disk=books, lookup=True)
    till.pay()
    till.begin()
    till.returns(NOW)
    till.fail(till.take(Commit), late=landed)
    till.returns(NOW)
    assert till.answer()["result"] == NOW
    assert till.dispatch.receipts.unconfirmed == 1
    till.wait(UNCONFIRMED_AFTER)
    assert len(till.heard(PaymentUnconfirmed)) == 1
