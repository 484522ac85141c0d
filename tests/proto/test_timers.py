"""The earliest of several timers."""

import hypothesis.strategies as st
from hypothesis import given

from dojo_proto.timers import earliest

TIMERS = st.lists(st.none() | st.floats(allow_nan=False))


@given(TIMERS)
def test_the_earliest_of_those_that_are_set(timers: list[float | None]) -> None:
    expected = min((timer for timer in timers if timer is not None), default=None)
    assert earliest(*timers) == expected
