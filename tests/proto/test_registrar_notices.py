"""Notices: when they leave, when they are told again, and which are given up. Time is virtual."""

import pytest
from tests.proto.registrars import DONE, LATER, NEVER, REFUSED, Dojo, told

from dojo_proto import ConfigurationError, OrderUpdated, PartyUpdated
from dojo_proto.events import ApiCallFailed, NoticesDropped
from dojo_proto.notices import MAX_WAITING
from dojo_proto.registrar import LAST_WORDS
from dojo_proto.rest import Failure, RestOutcome


@pytest.fixture
def dojo() -> Dojo:
    return Dojo()


@pytest.fixture
def linked(dojo: Dojo) -> Dojo:
    dojo.registrar.linked(up=True)
    return dojo


# Sending.


def test_nothing_is_sent_unasked(linked: Dojo) -> None:
    assert linked.next() == ""
    assert linked.registrar.next_timer() is None
    assert linked.registrar.registration == "off"


def test_a_notice_leaves_when_dojo_can_ask(dojo: Dojo) -> None:
    dojo.registrar.notify(OrderUpdated("1"))
    assert dojo.next() == ""
    assert dojo.registrar.next_timer() is None
    dojo.registrar.linked(up=True)
    assert dojo.next() == told("1")
    assert dojo.registrar.waiting == 1
    dojo.answer(DONE)
    assert dojo.registrar.waiting == 0
    assert dojo.next() == ""


def test_it_waits_out_an_outage(linked: Dojo) -> None:
    linked.registrar.linked(up=False)
    linked.registrar.notify(OrderUpdated("1"))
    assert linked.next() == ""
    linked.registrar.linked(up=True)
    assert linked.next() == told("1")


def test_notices_leave_one_by_one_and_in_order(linked: Dojo) -> None:
    for notice in (OrderUpdated("1"), PartyUpdated("2"), OrderUpdated("1"), OrderUpdated("3")):
        linked.registrar.notify(notice)
    assert [linked.play(DONE) for _ in range(3)] == [told("1"), told("2"), told("3")]
    assert linked.next() == ""


def test_a_change_while_the_notice_is_under_way_is_told_again(linked: Dojo) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    assert linked.next() == told("1")
    linked.registrar.notify(OrderUpdated("1"))
    linked.answer(DONE)
    assert linked.play(DONE) == told("1")
    assert linked.next() == ""


@pytest.mark.parametrize(("failure", "seconds"), [(LATER, 1), (REFUSED, 30)])
def test_one_that_failed_is_tried_again_before_the_others(
    linked: Dojo, failure: Failure, seconds: float
) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    linked.registrar.notify(OrderUpdated("2"))
    linked.play(failure)
    assert linked.registrar.waiting == 2
    assert linked.next() == ""
    assert linked.wait() == seconds
    assert linked.play(DONE) == told("1")
    assert linked.play(DONE) == told("2")
    assert linked.events == [
        ApiCallFailed(reason=failure.reason, status=failure.status, attempt=1, seconds=seconds)
    ]


def test_each_that_dojo_will_never_take_is_dropped_and_told(linked: Dojo) -> None:
    for id_ in ("1", "2", "3"):
        linked.registrar.notify(OrderUpdated(id_))
    assert [linked.play(NEVER) for _ in range(3)] == [told("1"), told("2"), told("3")]
    assert linked.registrar.waiting == 0
    assert linked.registrar.dropped == 3
    assert linked.events == [NoticesDropped(count=count, reason="not so") for count in (1, 2, 3)]


def test_what_was_dropped_before_silences_no_abort(linked: Dojo) -> None:
    for id_ in ("1", "2", "3"):
        linked.registrar.notify(OrderUpdated(id_))
    for _ in range(2):
        linked.play(NEVER)
    linked.registrar.abort("no more")
    assert linked.events[2:] == [NoticesDropped(count=3, reason="no more")]


def test_a_success_begins_the_delays_anew(linked: Dojo) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    linked.registrar.notify(OrderUpdated("2"))
    for _ in range(3):
        assert linked.play(LATER) == told("1")
        linked.wait()
    linked.play(DONE)
    assert linked.play(LATER) == told("2")
    assert linked.wait() == 1


@pytest.mark.parametrize("outcome", [DONE, LATER, NEVER])
def test_an_outcome_counts_once(linked: Dojo, outcome: RestOutcome) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    linked.play(outcome)
    before = (linked.registrar.waiting, linked.registrar.dropped, list(linked.events))
    linked.answer(outcome)
    assert (linked.registrar.waiting, linked.registrar.dropped, linked.events) == before


def test_of_too_many_some_are_dropped_and_that_is_told_ever_more_rarely(dojo: Dojo) -> None:
    for number in range(MAX_WAITING + 5):
        dojo.registrar.notify(OrderUpdated(str(number)))
    assert dojo.registrar.waiting == MAX_WAITING
    assert dojo.registrar.dropped == 5
    assert [event.count for event in dojo.events if isinstance(event, NoticesDropped)] == [1, 2, 4]
    dojo.registrar.linked(up=True)
    assert dojo.next() == told("5")


def test_one_that_comes_back_to_a_full_queue_counts_as_dropped(linked: Dojo) -> None:
    for number in range(MAX_WAITING):
        linked.registrar.notify(OrderUpdated(str(number)))
    assert linked.next() == told("0")
    linked.registrar.notify(OrderUpdated("one more"))
    linked.answer(LATER)
    assert linked.registrar.waiting == MAX_WAITING
    assert linked.registrar.dropped == 1


def test_of_the_local_gateway_dojo_is_told_nothing() -> None:
    dojo = Dojo(url="ws://127.0.0.1:8765/epos")
    dojo.registrar.linked(up=True)
    dojo.registrar.notify(OrderUpdated("1"))
    dojo.registrar.notify(OrderUpdated("2"))
    dojo.registrar.notify(OrderUpdated("3"))
    assert dojo.next() == ""
    first, second = dojo.events
    assert isinstance(first, NoticesDropped)
    assert "set api_url (DOJO_API_URL)" in first.reason
    assert isinstance(second, NoticesDropped)
    assert (second.count, dojo.registrar.dropped) == (2, 3)


def test_what_is_no_notice_is_refused(linked: Dojo) -> None:
    with pytest.raises(ConfigurationError, match="got str"):
        linked.registrar.notify("order-1")  # type: ignore[arg-type] # that is what is tested
    assert linked.next() == ""


# The end.


def test_a_stop_lets_what_waits_leave(dojo: Dojo) -> None:
    for id_ in ("1", "2"):
        dojo.registrar.notify(OrderUpdated(id_))
    dojo.registrar.stop(dojo.now)
    assert dojo.registrar.waiting == 2
    assert dojo.play(DONE) == told("1")
    assert dojo.play(DONE) == told("2")
    assert dojo.registrar.over
    assert dojo.events == []
    assert dojo.registrar.next_timer() is None


def test_a_stop_does_not_wait_for_the_next_try(linked: Dojo) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    linked.play(LATER)
    linked.registrar.stop(linked.now)
    assert linked.play(DONE) == told("1")
    assert linked.registrar.over


def test_a_failure_after_a_stop_is_the_end(linked: Dojo) -> None:
    for id_ in ("1", "2"):
        linked.registrar.notify(OrderUpdated(id_))
    linked.registrar.stop(linked.now)
    linked.play(LATER)
    assert linked.registrar.over
    assert linked.events == [NoticesDropped(count=2, reason="not now")]
    assert linked.registrar.waiting == 0


def test_last_words_are_bounded(linked: Dojo) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    linked.registrar.notify(OrderUpdated("2"))
    assert linked.next() == told("1")
    linked.registrar.stop(linked.now)
    linked.registrar.stop(linked.now + 1)  # a second one does not prolong it
    assert linked.wait() == LAST_WORDS
    assert linked.registrar.over
    assert linked.registrar.dropped == 2
    (event,) = linked.events
    assert isinstance(event, NoticesDropped)
    assert "stopped before Dojo could be told" in event.reason
    linked.answer(DONE)  # too late to count
    assert linked.registrar.dropped == 2


def test_a_timer_that_is_early_does_nothing(linked: Dojo) -> None:
    linked.registrar.notify(OrderUpdated("1"))
    linked.registrar.handle_timer(linked.now)
    linked.registrar.stop(linked.now)
    linked.registrar.handle_timer(linked.now + LAST_WORDS / 2)
    assert linked.next() == told("1")


def test_with_nothing_to_say_the_end_is_at_once(dojo: Dojo) -> None:
    dojo.registrar.stop(dojo.now)
    assert dojo.registrar.over
    dojo.registrar.abort()
    assert dojo.events == []


def test_an_abort_drops_what_waits_and_says_so_once(linked: Dojo) -> None:
    for id_ in ("1", "2", "3"):
        linked.registrar.notify(OrderUpdated(id_))
    assert linked.next() == told("1")
    linked.registrar.abort()
    linked.registrar.abort()
    assert [type(event) for event in linked.events] == [NoticesDropped]
    assert linked.registrar.dropped == 3
    assert linked.next() == ""


def test_after_the_end_a_notice_counts_as_dropped(dojo: Dojo) -> None:
    dojo.registrar.abort()
    dojo.registrar.notify(OrderUpdated("1"))
    assert dojo.registrar.waiting == 0
    assert dojo.events == [NoticesDropped(count=1, reason="the service has ended")]
