"""How long to wait before the next dial."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.backoff import MAX_RETRY_AFTER, Backoff

CHANCE = st.floats(0, 1, exclude_max=True)


def backoff(jitter: float = 0.5, chance: float = 0.0) -> Backoff:
    return Backoff(initial=1.0, maximum=30.0, jitter=jitter, uniform=lambda: chance)


def test_delays_double_up_to_the_cap() -> None:
    steady = backoff(jitter=0.0)
    assert [steady.next_delay() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_delays_start_again_after_a_reset() -> None:
    steady = backoff(jitter=0.0)
    assert [steady.next_delay() for _ in range(3)] == [1, 2, 4]
    steady.reset()
    assert steady.failures == 0
    assert steady.next_delay() == 1


def test_failures_are_counted() -> None:
    steady = backoff()
    assert steady.failures == 0
    steady.next_delay()
    steady.next_delay(at_cap=True)
    steady.next_delay(floor=7.0)
    assert steady.failures == 3


@pytest.mark.parametrize(("chance", "share"), [(0.0, 1.0), (0.5, 0.75), (0.999999, 0.5)])
def test_a_delay_d_is_drawn_from_half_of_it_to_all_of_it(chance: float, share: float) -> None:
    drawn = backoff(chance=chance)
    for full in (1, 2, 4, 8, 16, 30, 30):
        assert drawn.next_delay() == pytest.approx(full * share, rel=1e-5)


def test_each_delay_is_drawn_anew() -> None:
    draws = iter([0.0, 0.25, 0.75])
    drawn = Backoff(initial=30.0, maximum=30.0, jitter=0.5, uniform=lambda: next(draws))
    assert [drawn.next_delay() for _ in range(3)] == [30.0, 26.25, 18.75]


@given(st.floats(0, 1), CHANCE, st.integers(1, 12))
def test_jitter_takes_no_more_than_its_share(jitter: float, chance: float, failures: int) -> None:
    drawn, full = backoff(jitter, chance), backoff(0.0)
    for _ in range(failures):
        most = full.next_delay()
        assert most * (1 - jitter) * 0.999999 <= drawn.next_delay() <= most


def test_a_failure_that_time_does_not_heal_waits_the_cap_at_once() -> None:
    steady = backoff(jitter=0.0)
    assert steady.next_delay(at_cap=True) == 30
    assert steady.next_delay() == 2
    assert backoff(chance=0.999999).next_delay(at_cap=True) == pytest.approx(15, rel=1e-5)


def test_what_the_peer_asked_for_is_waited_without_jitter_as_well() -> None:
    assert backoff(jitter=0.0).next_delay(floor=120.0) == 120.0


def test_jitter_goes_on_top_of_what_the_peer_asked_for() -> None:
    assert backoff(chance=0.5).next_delay(floor=120.0) == 120.0 + 1.0 * 0.5 * 0.5
    assert backoff(chance=0.5).next_delay(floor=120.0, at_cap=True) == 120.0 + 30.0 * 0.5 * 0.5
    assert backoff(chance=0.9).next_delay(floor=0.8) == pytest.approx(0.8 + 0.8 * 0.5 * 0.9)


@pytest.mark.parametrize("floor", [0.0, -5.0, 1.5])
def test_a_delay_that_is_longer_anyway_stays(floor: float) -> None:
    steady = backoff(jitter=0.0)
    steady.next_delay()
    assert steady.next_delay(floor=floor) == 2.0


@pytest.mark.parametrize("floor", [300.0, 301.0, 1e12, float("inf")])
def test_the_peer_may_ask_for_five_minutes_at_most(floor: float) -> None:
    assert backoff(jitter=0.0).next_delay(floor=floor) == MAX_RETRY_AFTER == 300.0


@given(st.floats(0, 1e6), st.floats(0, 1), CHANCE, st.integers(0, 12), st.booleans())
def test_what_the_peer_asked_for_is_never_undercut(
    floor: float, jitter: float, chance: float, failures: int, at_cap: bool
) -> None:
    drawn = backoff(jitter, chance)
    for _ in range(failures):
        drawn.next_delay()
    delay = drawn.next_delay(floor=floor, at_cap=at_cap)
    asked = min(floor, MAX_RETRY_AFTER)
    assert asked <= delay <= max(30.0, asked + 30.0)


def test_a_long_outage_does_not_overflow() -> None:
    steady = Backoff(initial=0.001, maximum=300.0, jitter=0.0, uniform=lambda: 0.0)
    delays = [steady.next_delay() for _ in range(5000)]
    assert delays == sorted(delays)
    assert delays[-1] == 300.0
    assert steady.failures == 5000
