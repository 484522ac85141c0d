"""What an earlier process has done, and Dojo may not know of."""

from typing import TYPE_CHECKING

import pytest
from tests.proto.till import an_order

from dojo_proto.events import OutcomeUnknown, PaymentUnconfirmed
from dojo_proto.journal import Told
from dojo_proto.receipts import UNCONFIRMED_AFTER

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Books, Till

ORDER = an_order("o")
KEY = "RecordOrderPaymentById/o/p"


@pytest.mark.parametrize("age", [10.0, UNCONFIRMED_AFTER, 9000.0])
def test_a_payment_that_was_booked_and_not_confirmed_is_followed_across_the_restart(
    new_till: "type[Till]", books: "Books", age: float
) -> None:
    before = new_till(disk=books)
    before.pay()
    before.booked(ORDER)
    books.now += age
    till = new_till(disk=books)
    till.resume()
    till.wait(max(0.0, UNCONFIRMED_AFTER - age))
    (alarm,) = till.heard(PaymentUnconfirmed)
    assert (alarm.key, alarm.age) == (KEY, max(age, UNCONFIRMED_AFTER))
    assert till.heard(OutcomeUnknown) == []
    assert till.dispatch.receipts.unconfirmed == 0
    till.collect()
    books.ledger.perform(till.notes)
    (ticket,) = books.ledger.rows
    assert books.ledger.told(ticket) == [Told.REPORTED]
    again = new_till(disk=books)
    again.resume()
    assert again.dispatch.next_timer() is None
    assert again.heard(PaymentUnconfirmed) == []


def test_its_retry_confirms_it(new_till: "type[Till]", books: "Books") -> None:
    before = new_till(disk=books)
    before.pay()
    before.booked(ORDER)
    till = new_till(disk=books)
    till.resume()
    assert till.dispatch.receipts.unconfirmed == 1
    till.pay("2")
    till.begin()
    till.answers()
    assert till.told == list(books.ledger.rows)


def test_a_change_that_was_done_is_not_followed(new_till: "type[Till]", books: "Books") -> None:
    before = new_till(disk=books)
    before.party()
    before.booked({"id": "party"})
    till = new_till(disk=books)
    till.resume()
    assert till.dispatch.next_timer() is None
    assert till.at_rest()
