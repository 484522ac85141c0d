"""Which answers Dojo is known to have got, and which payments it may not know of."""

from dojo_proto.events import Event, PaymentUnconfirmed
from dojo_proto.journal import Told
from dojo_proto.receipts import UNCONFIRMED_AFTER, Receipts

KEY = "RecordOrderPaymentById/order-1/pi-1"
WIRE = "RecordOrderPaymentByIdV1"


class Follower:
    def __init__(self) -> None:
        self.notes: list[tuple[tuple[str, ...], Told]] = []
        self.events: list[Event] = []
        self.receipts = Receipts(
            note=lambda tickets, told: self.notes.append((tickets, told)), emit=self.events.append
        )

    def booked(self, ticket: str = "t1", at: float = 0.0) -> None:
        self.receipts.booked(ticket, WIRE, KEY, at)


def test_an_answer_is_sent_when_it_is_written_and_confirmed_when_the_peer_has_it() -> None:
    follower = Follower()
    follower.booked()
    follower.receipts.queued("t1", mark=3)
    follower.receipts.written(2)
    assert follower.notes == []
    follower.receipts.written(3)
    assert follower.notes == [(("t1",), Told.SENT)]
    follower.receipts.arrived(2)
    assert follower.notes[1:] == []
    follower.receipts.arrived(3)
    assert follower.notes[1:] == [(("t1",), Told.CONFIRMED)]
    assert follower.receipts.next_timer() is None


def test_what_left_together_is_noted_together() -> None:
    follower = Follower()
    for number in (1, 2, 3):
        follower.receipts.queued(f"t{number}", mark=number)
    follower.receipts.written(2)
    follower.receipts.arrived(3)
    assert follower.notes == [
        (("t1", "t2"), Told.SENT),
        (("t3",), Told.SENT),
        (("t1", "t2", "t3"), Told.CONFIRMED),
    ]


def test_a_booked_payment_that_is_not_confirmed_is_an_alarm_once() -> None:
    follower = Follower()
    follower.booked(at=10.0)
    assert follower.receipts.next_timer() == 10.0 + UNCONFIRMED_AFTER
    follower.receipts.handle_timer(9.0 + UNCONFIRMED_AFTER)
    assert follower.events == []
    follower.receipts.handle_timer(10.0 + UNCONFIRMED_AFTER)
    follower.receipts.handle_timer(11.0 + UNCONFIRMED_AFTER)
    assert follower.events == [PaymentUnconfirmed(method=WIRE, key=KEY, age=UNCONFIRMED_AFTER)]
    assert follower.notes == [(("t1",), Told.REPORTED)]
    assert follower.receipts.next_timer() is None


def test_an_answer_that_was_lost_with_its_link_confirms_nothing() -> None:
    follower = Follower()
    follower.booked()
    follower.receipts.queued("t1", mark=1)
    follower.receipts.written(1)
    follower.receipts.link_closed()
    follower.receipts.arrived(5)  # of the next link, whose marks begin anew
    assert follower.notes == [(("t1",), Told.SENT)]
    assert follower.receipts.next_timer() == UNCONFIRMED_AFTER


def test_the_answer_to_a_retry_confirms_the_payment() -> None:
    follower = Follower()
    follower.booked()
    follower.receipts.queued("t1", mark=1)
    follower.receipts.link_closed()
    follower.receipts.queued("t1", mark=1)
    follower.receipts.arrived(1)
    assert follower.notes == [(("t1",), Told.SENT), (("t1",), Told.CONFIRMED)]
    follower.receipts.handle_timer(UNCONFIRMED_AFTER)
    assert follower.events == []


def test_only_those_that_are_due_are_reported() -> None:
    follower = Follower()
    follower.booked("t1", at=0.0)
    follower.booked("t2", at=100.0)
    follower.receipts.handle_timer(UNCONFIRMED_AFTER)
    assert follower.notes == [(("t1",), Told.REPORTED)]
    assert follower.receipts.next_timer() == 100.0 + UNCONFIRMED_AFTER
