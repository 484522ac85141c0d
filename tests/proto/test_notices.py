"""Notices of changes at the till, and the queue in which they wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto import ConfigurationError, Notice, OrderUpdated, PartyUpdated, ReservationUpdated
from dojo_proto.notices import MAX_WAITING, Outbox

KINDS = (OrderUpdated, PartyUpdated, ReservationUpdated)


def drained(outbox: Outbox) -> list[Notice]:
    return [outbox.take() for _ in range(len(outbox))]


def filled(limit: int, *notices: Notice) -> Outbox:
    outbox = Outbox(limit)
    for notice in notices:
        assert outbox.put(notice) is None
    return outbox


# Notices.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("id_", "came"), [("", "an empty string"), (7, "int"), (None, "NoneType"), (b"x", "bytes")]
)
def test_an_id_is_a_string_that_names_something(kind: type[Notice], id_: object, came: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(id_)  # type: ignore[arg-type] # that is what is tested
    assert str(caught.value).startswith(f"{kind.__name__}: expected the id, a string such as")
    assert str(caught.value).endswith(f"; got {came}")


def test_notices_of_one_id_are_the_same_and_those_of_two_kinds_are_not() -> None:
    assert OrderUpdated("1") == OrderUpdated("1")
    assert len({OrderUpdated("1"), OrderUpdated("1"), PartyUpdated("1")}) == 2


# The queue.


def test_what_waits_longest_leaves_first_whatever_its_kind() -> None:
    notices: list[Notice] = [PartyUpdated("1"), OrderUpdated("1"), PartyUpdated("2")]
    assert drained(filled(10, *notices)) == notices


def test_what_waits_already_keeps_its_place() -> None:
    outbox = filled(10, OrderUpdated("1"), OrderUpdated("2"), OrderUpdated("1"))
    assert drained(outbox) == [OrderUpdated("1"), OrderUpdated("2")]


def test_what_was_taken_waits_anew() -> None:
    outbox = filled(10, OrderUpdated("1"))
    assert outbox.take() == OrderUpdated("1")
    assert len(outbox) == 0
    outbox.put(OrderUpdated("1"))
    assert drained(outbox) == [OrderUpdated("1")]


def test_what_could_not_be_sent_leaves_first_and_once() -> None:
    outbox = filled(10, OrderUpdated("1"), PartyUpdated("1"), OrderUpdated("2"))
    taken = outbox.take()
    outbox.put(taken)
    assert outbox.put_back(taken) is None
    assert drained(outbox) == [OrderUpdated("1"), PartyUpdated("1"), OrderUpdated("2")]


def test_of_too_many_the_oldest_of_the_largest_kind_goes() -> None:
    outbox = filled(3, ReservationUpdated("1"), OrderUpdated("1"), OrderUpdated("2"))
    assert outbox.put(OrderUpdated("3")) == OrderUpdated("1")
    assert outbox.put(PartyUpdated("1")) == OrderUpdated("2")
    assert drained(outbox) == [ReservationUpdated("1"), OrderUpdated("3"), PartyUpdated("1")]


def test_one_that_comes_back_may_be_the_one_too_many() -> None:
    outbox = filled(2, OrderUpdated("1"), OrderUpdated("2"))
    taken = outbox.take()
    outbox.put(OrderUpdated("3"))
    assert outbox.put_back(taken) == OrderUpdated("1")
    assert drained(outbox) == [OrderUpdated("2"), OrderUpdated("3")]


def test_all_can_be_forgotten() -> None:
    outbox = filled(10, OrderUpdated("1"), PartyUpdated("1"))
    assert outbox.clear() == 2
    assert len(outbox) == 0


def test_it_has_room_for_a_days_changes() -> None:
    outbox = filled(MAX_WAITING, *(OrderUpdated(str(number)) for number in range(MAX_WAITING)))
    assert outbox.put(OrderUpdated("one more")) == OrderUpdated("0")


@pytest.mark.parametrize("other", ["order-1", None, OrderUpdated])
def test_nothing_else_is_taken(other: object) -> None:
    outbox = Outbox()
    with pytest.raises(ConfigurationError, match="expected a notice, one of OrderUpdated, Party"):
        outbox.put(other)
    assert len(outbox) == 0


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.builds(lambda kind, id_: kind(id_), st.sampled_from(KINDS), st.sampled_from("abc")),
        )
    ),
    st.integers(1, 4),
)
def test_none_is_doubled_and_none_is_lost_but_those_that_are_named(
    steps: list[Notice | None], limit: int
) -> None:
    outbox = Outbox(limit)
    waiting: list[Notice] = []
    for notice in steps:
        if notice is not None:
            if notice not in waiting:
                waiting.append(notice)
            pushed_out = outbox.put(notice)
            if pushed_out is not None:
                waiting.remove(pushed_out)
        elif waiting:
            assert outbox.take() == waiting.pop(0)
        assert len(outbox) == len(waiting) <= limit
    assert drained(outbox) == waiting
