"""Whether Dojo has an answer: the pong to a later ping says so, on the same link and no other."""

from collections.abc import Callable

import pytest
from tests.proto.ledger import Ledger
from tests.proto.till import Till, payment, pounds
from tests.proto.wired import CallKey, Wired, bytewise

from dojo_proto import Conflict, Context, UnexpectedError, Unresolved
from dojo_proto.connection import Ended
from dojo_proto.events import (
    Cause,
    Closed,
    HandlerFailed,
    JournalFailed,
    OutcomeUnknown,
    PaymentUnconfirmed,
)
from dojo_proto.journal import Told
from dojo_proto.keepalive import CONFIRM_AFTER
from dojo_proto.receipts import UNCONFIRMED_AFTER
from dojo_proto.work import Raised

PAY = "RecordOrderPaymentByIdV1"
KEY = "RecordOrderPaymentById/table-7/pi-1"


class Books(Ledger):
    """A ledger with one payment in it."""

    @property
    def payment_told(self) -> list[Told]:
        (kept,) = self.rows.values()
        return kept.told


def up(books: Ledger | None = None, till: Till | None = None, **options: object) -> Wired:
    return Wired(till, ledger=books or Books(), **options).open()  # type: ignore[arg-type]


def pay(wired: Wired, request_id: str = "", intent: str = "pi-1") -> CallKey:
    return wired.call(PAY, payment(intent), request_id=request_id)


def lost_with_its_link(books: Books) -> Wired:
    """A payment is booked and its answer written, and then the link is gone."""
    wired = up(books)
    wired.pongless = True
    wired.result(pay(wired))
    wired.drop()
    wired.pongless = False
    return wired


# Sent, and confirmed.


def test_a_payment_is_confirmed_by_the_pong_to_a_later_ping() -> None:
    books = Books()
    wired = up(books)
    wired.result(pay(wired))
    assert books.payment_told == [Told.SENT]
    assert wired.client.status().unconfirmed == 1
    wired.advance(CONFIRM_AFTER)
    assert books.payment_told == [Told.SENT, Told.CONFIRMED]
    assert wired.client.status().unconfirmed == 0
    wired.advance(2 * UNCONFIRMED_AFTER)
    assert wired.seen(PaymentUnconfirmed) == []


def test_one_ping_confirms_all_that_left_before_it_however_it_is_cut() -> None:
    books = Ledger()
    wired = up(books, cut=bytewise)
    for number in range(3):
        wired.result(pay(wired, intent=f"pi-{number}"))
    wired.advance(CONFIRM_AFTER)
    assert [kept.told for kept in books.rows.values()] == [[Told.SENT, Told.CONFIRMED]] * 3
    confirmed = [note.tickets for note in wired.notes if note.told is Told.CONFIRMED]
    assert confirmed == [tuple(books.rows)]


def test_a_gateway_that_reads_slowly_has_not_got_it_yet() -> None:
    books = Books()
    wired = up(books)
    wired.unread = True
    pay(wired)
    wired.advance(2 * CONFIRM_AFTER)
    assert books.payment_told == []
    wired.unread = False
    wired.advance(2 * CONFIRM_AFTER)
    assert books.payment_told == [Told.SENT, Told.CONFIRMED]


def test_reads_bring_no_pings() -> None:
    wired = up()
    wired.call("SearchOrdersV1")
    sent = wired.sent_up
    wired.advance(10)
    assert wired.sent_up == sent


def test_a_refusal_is_confirmed_like_a_success() -> None:
    books = Books()
    till = Till()
    wired = up(books, till)
    wired.held.add("CreateOrderLockV1")
    till.locks.add("somebody's")
    wired.call("CreateOrderLockV1", {"orderId": "table-7", "lockId": "l", "expiry": "x"})
    wired.finish(wired.holding[0])
    wired.advance(CONFIRM_AFTER)
    assert books.payment_told == [Told.SENT, Told.CONFIRMED]


def test_a_note_that_cannot_be_written_is_an_alarm_and_changes_nothing() -> None:
    books = Books()
    wired = up(books)
    wired.held.add(PAY)
    key = pay(wired)
    wired.finish(wired.holding[0])
    wired.result(key)
    books.full = True
    wired.advance(CONFIRM_AFTER)
    (failed,) = wired.seen(JournalFailed)
    assert (failed.method, failed.step, failed.reason) == ("", "note", "the disk is full")
    assert books.payment_told == [Told.SENT]
    assert wired.client.status().unconfirmed == 0
    assert wired.state == "up"


# What is lost with its link.


def test_an_answer_that_is_lost_with_its_link_is_an_alarm_after_five_minutes() -> None:
    books = Books()
    wired = lost_with_its_link(books)
    wired.advance(UNCONFIRMED_AFTER - 1)
    assert wired.state == "up"
    assert wired.seen(PaymentUnconfirmed) == []
    wired.advance(1)
    (alarm,) = wired.seen(PaymentUnconfirmed)
    assert (alarm.method, alarm.key, alarm.age) == (PAY, KEY, UNCONFIRMED_AFTER)
    assert books.payment_told == [Told.SENT, Told.REPORTED]
    wired.advance(2 * UNCONFIRMED_AFTER)
    assert len(wired.seen(PaymentUnconfirmed)) == 1


def test_pings_of_the_next_link_prove_nothing_of_the_last() -> None:
    books = Books()
    wired = lost_with_its_link(books)
    wired.advance(5)
    wired.call("SearchOrdersV1")
    wired.advance(100)
    assert books.payment_told == [Told.SENT]


def test_unless_the_retry_is_answered_there() -> None:
    books = Books()
    wired = lost_with_its_link(books)
    wired.advance(5)
    wired.result(pay(wired))
    wired.advance(UNCONFIRMED_AFTER)
    assert wired.seen(PaymentUnconfirmed) == []
    assert books.payment_told == [Told.SENT, Told.SENT, Told.CONFIRMED]
    assert wired.till.bookings == {KEY: 1}


def test_one_that_was_booked_without_a_link_is_an_alarm_too() -> None:
    wired = up()
    wired.held.add(PAY)
    pay(wired)
    wired.drop()
    wired.finish(wired.holding[0])
    wired.advance(UNCONFIRMED_AFTER)
    assert len(wired.seen(PaymentUnconfirmed)) == 1


def test_across_a_restart_it_is_reported_once() -> None:
    books = Books()
    before = up(books)
    before.pongless = True
    pay(before)
    before.abort()
    after = Wired(before.till, ledger=books, at=before.now + 1000)
    after.start()
    after.fire()
    after.settle()
    (alarm,) = after.seen(PaymentUnconfirmed)
    assert (alarm.key, alarm.age) == (KEY, 1000.0)
    assert books.payment_told == [Told.SENT, Told.REPORTED]
    last = Wired(before.till, ledger=books, at=after.now + 1000).open()
    last.advance(UNCONFIRMED_AFTER)
    assert last.seen(PaymentUnconfirmed) == []


# At the stop.


def test_at_a_stop_answers_are_confirmed_before_the_close() -> None:
    books = Books()
    wired = up(books)
    wired.held.add(PAY)
    key = pay(wired)
    wired.stop()
    wired.finish(wired.holding[0])
    assert wired.result(key)["paidAmount"] == pounds(500)
    assert books.payment_told == [Told.SENT, Told.CONFIRMED]
    assert wired.state == "stopped"
    assert wired.now == 1000.0  # it took nobody's time
    (closed,) = wired.seen(Closed)
    assert (closed.cause, closed.code) == (Cause.STOPPED, 1000)


def test_those_too_that_had_left_before_the_stop() -> None:
    books = Books()
    wired = up(books)
    pay(wired)
    assert books.payment_told == [Told.SENT]
    wired.stop()
    assert books.payment_told == [Told.SENT, Told.CONFIRMED]
    assert wired.state == "stopped"


def test_a_gateway_that_answers_no_ping_holds_up_the_stop_for_the_drain_timeout() -> None:
    books = Books()
    wired = up(books, drain_timeout=8.0)
    wired.pongless = True
    pay(wired)
    wired.stop()
    wired.advance(7.9)
    assert wired.state == "draining"
    wired.advance(0.1)
    assert wired.state == "stopped"
    assert books.payment_told == [Told.SENT]
    (ended,) = [event for _, event in wired.gateway_events if isinstance(event, Ended)]
    assert (ended.cause, ended.code) == (Cause.PEER_CLOSED, 1000)


def test_one_that_says_nothing_at_all_is_waited_for_until_the_close_has_timed_out() -> None:
    wired = up(drain_timeout=8.0, close_timeout=5.0)
    pay(wired)
    wired.silence()
    wired.stop()
    wired.advance(12.9)
    assert wired.state == "draining"
    wired.advance(0.1)
    assert wired.state == "stopped"


def test_a_link_that_is_lost_meanwhile_ends_the_wait() -> None:
    wired = up()
    wired.pongless = True
    pay(wired)
    wired.stop()
    assert wired.state == "draining"
    wired.drop()
    assert wired.state == "stopped"


def test_a_gateway_that_closes_meanwhile_ends_the_wait() -> None:
    books = Books()
    wired = up(books)
    wired.pongless = True
    pay(wired)
    wired.stop()
    assert wired.gateway is not None
    wired.gateway.close(wired.now, 1001, "bye")
    wired.settle()
    assert wired.state == "stopped"
    assert books.payment_told == [Told.SENT]


# What an earlier process has left open.


def settled_by(value: object, *, is_async: bool, lookup: bool = True) -> Till:
    """A till whose function for what is unresolved returns or raises `value`."""
    till = Till(lookup=lookup)
    asked: list[Unresolved] = []

    def settle(ctx: Context, unresolved: Unresolved) -> object:
        assert ctx.method == PAY
        asked.append(unresolved)
        if isinstance(value, Exception):
            raise value
        return value

    async def settle_async(ctx: Context, unresolved: Unresolved) -> object:
        return settle(ctx, unresolved)

    function: Callable[[Context, Unresolved], object] = settle_async if is_async else settle
    till.epos.on_unresolved(function)
    return till


def cut_off() -> Books:
    """The journal of a process that was cut off in a payment."""
    books = Books()
    before = up(books)
    before.held.add(PAY)
    pay(before)
    before.abort()
    return books


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("joins", [False, True])
@pytest.mark.parametrize("lookup", [False, True])
@pytest.mark.parametrize("value", [Till().order, True, False, None, RuntimeError("boom")])
def test_it_is_settled_and_its_retry_is_answered(
    value: object, lookup: bool, joins: bool, is_async: bool
) -> None:
    books = cut_off()
    till = settled_by(value, is_async=is_async, lookup=lookup)
    booked = value is True or isinstance(value, dict)
    if booked:
        till.paid[KEY] = 500
    wired = Wired(till, ledger=books, at=1060.0)
    wired.held |= {PAY} if joins else set()
    wired.open()
    reported = wired.seen(OutcomeUnknown)[0]
    assert (reported.method, reported.key, reported.age) == (PAY, KEY, 60.0)
    key = pay(wired)
    if joins:
        assert key not in wired.answers
        wired.held.clear()
        wired.finish(wired.holding[0])
    if not booked or lookup:
        expected: object = till.order
    else:
        expected = {} if value is True else value
    assert wired.result(key) == expected
    assert till.bookings[KEY] == (not booked)
    assert len(wired.seen(HandlerFailed)) == isinstance(value, Exception)
    assert wired.client.status().unresolved == 0
    wired.advance(CONFIRM_AFTER)
    assert books.payment_told == [Told.SENT, Told.CONFIRMED]
    wired.advance(UNCONFIRMED_AFTER)
    assert wired.seen(PaymentUnconfirmed) == []


def test_one_that_is_settled_and_never_asked_for_again_is_an_alarm() -> None:
    books = cut_off()
    wired = Wired(settled_by(True, is_async=False), ledger=books, at=1060.0).open()
    wired.advance(UNCONFIRMED_AFTER)
    assert len(wired.seen(PaymentUnconfirmed)) == 1
    assert books.payment_told == [Told.REPORTED]


@pytest.mark.parametrize(
    "error", [None, Conflict("too late"), UnexpectedError("no printer"), RuntimeError("boom")]
)
@pytest.mark.parametrize("disk_fails", [False, True])
def test_a_row_that_the_handler_recorded_itself_wins(
    error: Exception | None, disk_fails: bool
) -> None:
    books = Books()
    wired = up(books, Till(lookup=False))
    wired.held.add(PAY)
    key = pay(wired)
    (run,) = wired.holding
    books.record(run.context.ticket, b'{"id":"recorded"}')
    books.full = disk_fails
    wired.finish(run, None if error is None else Raised(error))
    assert wired.result(key) == {"id": "recorded"}
    assert wired.seen(OutcomeUnknown) == []
    books.full = False
    wired.advance(CONFIRM_AFTER)
    assert books.payment_told[-1] is Told.CONFIRMED
    assert wired.client.status().unconfirmed == 0
