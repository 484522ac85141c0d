"""Which answers Dojo is known to have got, and which payments it may not know of."""

import pytest

from dojo_proto.events import Event, PaymentUnconfirmed
from dojo_proto.journal import Told
from dojo_proto.receipts import MAX_SENT, UNCONFIRMED_AFTER, Receipts

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


@pytest.mark.parametrize("mark", range(5))
def test_of_many_answers_those_up_to_a_mark_have_got_so_far_and_no_other(mark: int) -> None:
    follower = Follower()
    for number in (1, 2, 3, 4):
        follower.booked(f"t{number}")
        follower.receipts.queued(f"t{number}", mark=number)
    follower.receipts.written(mark)
    follower.receipts.arrived(mark)
    reached = tuple(f"t{number}" for number in range(1, mark + 1))
    assert follower.notes == ([(reached, Told.SENT), (reached, Told.CONFIRMED)] if mark else [])
    assert follower.receipts.unconfirmed == 4 - mark


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


def test_a_payment_that_is_booked_again_keeps_its_time() -> None:
    follower = Follower()
    follower.booked("t1", at=0.0)
    follower.booked("t2", at=10.0)
    follower.booked("t1", at=20.0)
    assert follower.receipts.next_timer() == UNCONFIRMED_AFTER
    follower.receipts.handle_timer(10.0 + UNCONFIRMED_AFTER)
    assert follower.notes == [(("t1", "t2"), Told.REPORTED)]


def test_after_its_timer_the_next_one_lies_ahead() -> None:
    follower = Follower()
    for second in range(10):
        follower.booked(f"t{second}", at=second * 0.1)
    while (timer := follower.receipts.next_timer()) is not None:
        follower.receipts.handle_timer(timer)
        following = follower.receipts.next_timer()
        assert following is None or following > timer
    assert len(follower.events) == 10


def test_an_answer_waits_until_it_has_arrived() -> None:
    follower = Follower()
    seen = [follower.receipts.waiting()]
    follower.receipts.queued("t1", mark=1)
    seen.append(follower.receipts.waiting())
    follower.receipts.written(1)
    seen.append(follower.receipts.waiting())
    follower.receipts.arrived(1)
    seen.append(follower.receipts.waiting())
    assert seen == [False, True, True, False]


def test_a_peer_that_answers_no_ping_costs_no_memory_without_bound() -> None:
    follower = Follower()
    for mark in range(1, MAX_SENT + 2):
        follower.receipts.queued(f"t{mark}", mark)
        follower.receipts.written(mark)
    follower.notes.clear()
    follower.receipts.arrived(MAX_SENT + 1)
    ((tickets, told),) = follower.notes
    assert (tickets[0], len(tickets), told) == ("t2", MAX_SENT, Told.CONFIRMED)


def test_what_was_booked_and_is_known_is_counted() -> None:
    follower = Follower()
    follower.booked("t1")
    follower.booked("t2")
    assert follower.receipts.unconfirmed == 2
    follower.receipts.queued("t1", mark=1)
    follower.receipts.arrived(1)
    assert follower.receipts.unconfirmed == 1


def test_a_key_as_long_as_a_message_is_cut_for_observers() -> None:
    follower = Follower()
    follower.receipts.booked("t1", WIRE, "k" * 200_000, 0.0)
    follower.receipts.handle_timer(UNCONFIRMED_AFTER)
    (event,) = follower.events
    assert isinstance(event, PaymentUnconfirmed)
    assert len(event.key) < 2000
