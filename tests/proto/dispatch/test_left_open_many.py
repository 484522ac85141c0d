"""Much that an earlier process has left open is settled one by one, and holds nobody up."""

from typing import TYPE_CHECKING

from tests.proto.dispatch.crashed import cut_off, the_row
from tests.proto.till import an_order

from dojo_proto.events import OutcomeUnknown
from dojo_proto.journal import RowState
from dojo_proto.work import Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Books, Till

ORDER = an_order("o")


def test_one_is_asked_about_at_a_time(new_till: "type[Till]", books: "Books") -> None:
    cut_off(new_till, books, "lock", "pay")
    till = new_till(disk=books, settles=True)
    till.resume()
    asked = []
    while not till.idle:
        run = till.take(Run)
        asked.append(run.params.method)
        assert till.collect() == []
        till.returns(None, run)
    assert asked == ["CreateOrderLock", "RecordOrderPaymentById"]
    assert till.at_rest()


def test_what_a_retry_has_taken_up_is_not_asked_about(
    new_till: "type[Till]", books: "Books"
) -> None:
    cut_off(new_till, books, "lock", "pay", "party")
    till = new_till(disk=books, settles=True)
    till.resume()
    asking = till.take(Run)
    till.pay("2")  # it is under way
    till.begin()
    till.party("3")  # and this one is over
    till.begin()
    payment, party = till.take(Run), till.take(Run)
    assert payment.context.redelivered is party.context.redelivered is True
    till.returns({"id": "party"}, party)
    till.commit()
    till.returns(None, asking)
    assert till.idle
    till.returns(ORDER, payment)
    till.commit()
    assert till.at_rest()


def test_it_takes_a_place_only_where_nobody_waits_for_one(
    new_till: "type[Till]", books: "Books"
) -> None:
    cut_off(new_till, books, "pay", "party")
    till = new_till(disk=books, settles=True, max_in_flight=1)
    till.resume()
    first = till.take(Run)
    till.lock("2")
    assert till.idle  # it waits for the one place
    till.returns(None, first)
    till.begin()
    lock = till.take(Run)
    assert lock.context.method == "CreateOrderLockV1"
    assert till.idle
    till.returns(ORDER, lock)
    till.commit()
    assert till.take(Run).params.method == "CreateParty"


def test_it_takes_the_place_that_a_read_has_left(new_till: "type[Till]", books: "Books") -> None:
    cut_off(new_till, books, "pay", "party")
    till = new_till(disk=books, settles=True, max_in_flight=1)
    till.resume()
    first = till.take(Run)
    till.read()
    till.returns(None, first)
    read = till.take(Run)
    assert read.context.method == "GetOrderByIdV1"
    assert till.idle
    till.returns(ORDER, read)
    assert till.take(Run).params.method == "CreateParty"


def test_a_service_that_stops_asks_about_no_more(new_till: "type[Till]", books: "Books") -> None:
    cut_off(new_till, books, "pay", "lock")
    till = new_till(disk=books, settles=True)
    till.resume()
    asking = till.take(Run)
    till.drain()
    till.returns(None, asking)
    assert till.idle
    assert till.at_rest()


def test_a_method_that_nobody_knows_any_more_is_reported_by_its_name(
    new_till: "type[Till]", books: "Books"
) -> None:
    cut_off(new_till, books, "pay")
    kept = the_row(books)
    kept.entry = type(kept.entry)(
        ticket=kept.entry.ticket,
        method="PayByBarter",
        identity=kept.entry.identity,
        idempotency_key="PayByBarter/o/p",
        owner=kept.entry.owner,
    )
    till = new_till(disk=books, settles=True)
    till.resume()
    assert [event.method for event in till.heard(OutcomeUnknown)] == ["PayByBarter"]
    assert till.idle
    kept.state = RowState.SUCCEEDED
    again = new_till(disk=books, settles=True)
    again.resume()
    assert again.dispatch.receipts.unconfirmed == 0
