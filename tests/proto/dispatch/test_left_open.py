"""What an earlier process has left open: it is reported, and settled beside everything else."""

from typing import TYPE_CHECKING, Any

import pytest
from tests.proto.dispatch.crashed import cut_off, the_row
from tests.proto.till import an_order

from dojo_proto.errors import Conflict
from dojo_proto.events import (
    ON_UNRESOLVED,
    ContentDiffers,
    HandlerFailed,
    OutcomeUnknown,
    RequestFinished,
    RequestOutcome,
)
from dojo_proto.journal import RowState
from dojo_proto.settling import Unresolved
from dojo_proto.work import Abort, Commit, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Books, Till

ORDER = an_order("o")
KEY = "RecordOrderPaymentById/o/p"

lookups = pytest.mark.parametrize("lookup", [False, True])


@pytest.fixture
def after(new_till: "type[Till]", books: "Books") -> Any:
    """The next process, whose EPOS settles what is unresolved; a payment was cut off."""

    def after(*, lookup: bool = False, settles: bool = True, **settings: Any) -> "Till":
        cut_off(new_till, books, "pay")
        till = new_till(disk=books, lookup=lookup, settles=settles, **settings)
        till.resume()
        return till

    return after


def is_run_for_the_retry(till: "Till", *, redelivered: bool) -> None:
    till.pay("2")
    till.begin()
    run = till.take(Run)
    assert run.context.redelivered is redelivered
    assert till.dispatch.table.unresolved == 0  # somebody is at it
    till.returns(ORDER, run)
    till.commit()
    assert till.answer()["result"] == ORDER
    assert till.at_rest()


# What is reported.


def test_every_row_that_is_open_is_reported_and_counted(
    new_till: "type[Till]", books: "Books"
) -> None:
    cut_off(new_till, books, "pay", "lock")
    till = new_till(disk=books)
    till.resume()
    assert [(event.method, event.age) for event in till.heard(OutcomeUnknown)] == [
        ("RecordOrderPaymentByIdV1", 60.0),
        ("CreateOrderLockV1", 60.0),
    ]
    assert till.heard(OutcomeUnknown)[0].key == KEY
    assert till.dispatch.table.unresolved == 2
    assert till.at_rest()


def test_without_anything_to_settle_them_the_retry_does(after: Any) -> None:
    till = after(settles=False)
    is_run_for_the_retry(till, redelivered=True)


def test_at_the_end_it_is_not_reported_again(after: Any) -> None:
    till = after()
    till.dispatch.end(till.disk.now)
    assert len(till.heard(OutcomeUnknown)) == 1
    assert till.dispatch.table.unresolved == 1


# What is asked, and what follows. `lookup` makes no difference but to what a retry is answered.


@pytest.mark.parametrize("is_async", [False, True])
def test_it_is_asked_by_method_key_and_age(after: Any, is_async: bool) -> None:
    till = after(is_async=is_async)
    run = till.take(Run)
    assert run.is_async is is_async
    assert run.context.method == "RecordOrderPaymentByIdV1"
    assert run.context.idempotency_key == KEY
    assert run.params == Unresolved(method="RecordOrderPaymentById", key=KEY, age=60.0)
    assert run.params.parts == ("o", "p")
    assert till.dispatch.table.unresolved == 0  # somebody is at it


def test_of_what_has_no_natural_key_there_are_no_parts() -> None:
    assert Unresolved(method="CreateOrderLock", key="3f2a", age=1.0).parts == ()


@lookups
@pytest.mark.parametrize("value", [ORDER, True])
def test_what_was_done_is_committed_and_dojo_has_to_know_of_it(
    after: Any, books: "Books", lookup: bool, value: object
) -> None:
    till = after(lookup=lookup)
    till.returns(value)
    till.commit()
    assert the_row(books).state is RowState.SUCCEEDED
    # An answer is kept only where no lookup can give it.
    assert bool(the_row(books).answer) is not lookup
    assert till.dispatch.table.unresolved == 0
    assert till.dispatch.receipts.unconfirmed == 1
    till.pay("2")
    till.begin()
    if lookup:
        till.returns(ORDER)
        assert till.answer()["result"] == ORDER
    else:
        assert till.answer()["result"] == ({} if value is True else ORDER)
    assert till.at_rest()


@lookups
def test_what_was_certainly_not_done_is_new_when_it_comes_again(after: Any, lookup: bool) -> None:
    till = after(lookup=lookup)
    till.returns(False)
    till.abort()
    assert till.dispatch.table.unresolved == 0
    is_run_for_the_retry(till, redelivered=False)


@pytest.mark.parametrize("how", ["nobody knows", "raises", "refuses", "is no answer"])
def test_what_nobody_knows_is_settled_by_the_retry_as_if_nobody_had_been_asked(
    after: Any, how: str
) -> None:
    till = after()
    match how:
        case "nobody knows":
            till.returns(None)
        case "raises":
            till.raises(RuntimeError("boom"))
        case "refuses":
            till.raises(Conflict("what"))
        case _:
            till.returns(1)
    assert till.idle
    assert till.dispatch.table.unresolved == 1
    assert len(till.heard(OutcomeUnknown)) == (1 if how == "nobody knows" else 2)
    failed = [event.function for event in till.heard(HandlerFailed)]
    assert failed == ([ON_UNRESOLVED] if how in {"raises", "refuses"} else [])
    is_run_for_the_retry(till, redelivered=True)


@lookups
@pytest.mark.parametrize("late", [False, True])
def test_a_success_that_the_journal_cannot_keep_is_settled_by_the_retry(
    after: Any, lookup: bool, late: bool
) -> None:
    till = after(lookup=lookup)
    till.returns(ORDER)
    till.fail(till.take(Commit), late=late)
    till.begin()
    assert len(till.heard(OutcomeUnknown)) == (1 if late else 2)
    till.pay("2")
    till.begin()
    if lookup:
        till.returns(ORDER)
    elif not late:
        till.returns(ORDER, till.take(Run))
    if not late:
        till.commit()
    assert till.answer()["result"] == ORDER
    assert till.dispatch.receipts.unconfirmed == 1
    assert till.at_rest()


def test_a_row_that_cannot_be_removed_leaves_the_retry_a_second_run(after: Any) -> None:
    till = after()
    till.returns(False)
    till.fail(till.take(Abort))
    till.begin()
    till.pay("2")
    till.begin()
    assert till.take(Run).context.redelivered is True


def test_a_row_that_was_committed_after_all_stands(after: Any, books: "Books") -> None:
    till = after(lookup=True)
    (ticket,) = books.ledger.rows
    books.ledger.record(ticket, b"")
    till.returns(False)
    till.abort()
    assert till.idle  # nobody waits, so no answer is looked up
    assert len(till.heard(OutcomeUnknown)) == 1
    assert till.dispatch.receipts.unconfirmed == 1
    assert till.at_rest()


# A retry that comes while it is asked.


@lookups
@pytest.mark.parametrize(
    ("value", "redelivered"), [(ORDER, None), (True, None), (False, False), (None, True)]
)
def test_a_retry_waits_and_then_goes_its_own_way(
    after: Any, lookup: bool, value: object, redelivered: bool | None
) -> None:
    """`redelivered` is how its handler is run, or None if it is not."""
    till = after(lookup=lookup)
    asking = till.take(Run)
    for request_id in ("1", "2"):
        till.pay(request_id)
    assert till.idle
    till.returns(value, asking)
    if value is False:
        till.abort()
    elif value is not None:
        till.commit()
    till.begin()
    if lookup and redelivered is not False:
        till.returns(ORDER if redelivered is None else None)
    if redelivered is not None:
        run = till.take(Run)
        assert run.context.redelivered is redelivered
        till.returns(ORDER, run)
        till.commit()
    answers = till.answers()
    expected = {} if value is True and not lookup else ORDER
    assert [(answer["id"], answer["result"]) for answer in answers] == [
        ("1", expected),
        ("2", expected),
    ]
    assert till.at_rest()


def test_a_retry_waits_for_one_that_raises_too(after: Any) -> None:
    till = after()
    asking = till.take(Run)
    till.pay("2")
    till.raises(RuntimeError("boom"), asking)
    till.begin()
    assert till.take(Run).context.redelivered is True


def test_with_another_amount_the_alarm_is_raised_once(after: Any) -> None:
    till = after()
    asking = till.take(Run)
    till.pay("2", amount=101)
    till.returns(True, asking)
    till.commit()
    till.begin()
    assert len(till.heard(ContentDiffers)) == 1


def test_as_many_wait_as_may_join(after: Any) -> None:
    till = after(max_queued=1)
    for request_id in ("1", "2", "3"):
        till.pay(request_id)
    (finished,) = till.heard(RequestFinished)
    assert (finished.request_id, finished.outcome) == ('"3"', RequestOutcome.WITHHELD)
    assert len(till.dispatch.settling.behind) == 2


def test_one_whose_link_is_gone_is_over(after: Any) -> None:
    till = after()
    asking = till.take(Run)
    till.pay("1")
    till.reconnect()
    (finished,) = till.heard(RequestFinished)
    assert (finished.link, finished.outcome) == (1, RequestOutcome.ABANDONED)
    till.pay("2")
    till.returns(True, asking)
    till.commit()
    till.begin()
    assert till.answer()["id"] == "2"
    assert till.at_rest()


def test_while_draining_it_is_only_looked_up(after: Any) -> None:
    till = after()
    asking = till.take(Run)
    till.pay("2")
    till.drain()
    assert not till.dispatch.idle
    till.returns(True, asking)
    till.commit()
    till.begin()
    assert till.answer()["result"] == {}
    assert till.dispatch.idle
    assert till.at_rest()
