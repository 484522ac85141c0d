"""The earlier of two timers."""

import hypothesis.strategies as st
from hypothesis import given

from dojo_proto.timers import earlier

TIMER = st.none() | st.floats(allow_nan=False)


@given(TIMER, TIMER)
def test_the_earlier_of_those_that_are_set(one: float | None, other: float | None) -> None:
    expected = min((timer for timer in (one, other) if timer is not None), default=None)
    assert earlier(one, other) == expected
