"""When to ping, and when a peer is dead. Interval 20 s, pong time-out 10 s, unless said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.keepalive import CONFIRM_AFTER, LATE, Due, Keepalive

INTERVAL = 20.0
TIMEOUT = 10.0


def keepalive(now: float = 0.0) -> Keepalive:
    return Keepalive(interval=INTERVAL, pong_timeout=TIMEOUT, now=now)


class TestPinging:
    def test_a_quiet_connection_is_pinged_after_the_interval(self) -> None:
        alive = keepalive(now=100.0)
        assert alive.next_timer() == 120.0
        assert alive.handle_timer(119.9) is Due.NOTHING
        assert alive.handle_timer(120.0) is Due.PING

    def test_a_ping_leaves_when_nothing_was_sent_although_bytes_come_in(self) -> None:
        alive = keepalive()
        alive.received(15.0)
        assert alive.next_timer() == 20.0
        assert alive.handle_timer(20.0) is Due.PING

    def test_a_ping_leaves_when_nothing_came_although_frames_are_sent(self) -> None:
        alive = keepalive()
        alive.sent(15.0)
        assert alive.next_timer() == 20.0
        assert alive.handle_timer(20.0) is Due.PING

    def test_a_busy_connection_is_not_pinged(self) -> None:
        alive = keepalive()
        alive.sent(15.0)
        alive.received(16.0)
        assert alive.next_timer() == 35.0
        assert alive.handle_timer(20.0) is Due.NOTHING

    def test_calling_twice_asks_for_one_ping(self) -> None:
        alive = keepalive()
        assert alive.handle_timer(20.0) is Due.PING
        assert alive.handle_timer(20.0) is Due.NOTHING

    def test_the_ping_itself_counts_as_sent(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        alive.received(21.0)
        assert alive.next_timer() == 40.0

    def test_what_is_to_be_confirmed_is_followed_by_a_ping_on_the_busiest_connection(self) -> None:
        alive = keepalive()
        alive.confirm(5.0)
        alive.confirm(6.0)
        alive.sent(5.9)
        alive.received(5.9)
        assert alive.next_timer() == 5.0 + CONFIRM_AFTER
        assert alive.handle_timer(5.0 + CONFIRM_AFTER) is Due.PING
        alive.ping_left(6.0)
        alive.received(6.1)
        assert alive.next_timer() == 26.0

    def test_what_leaves_behind_a_ping_is_confirmed_by_the_next_one(self) -> None:
        alive = keepalive()
        assert alive.handle_timer(20.0) is Due.PING
        alive.ping_left(20.0)
        alive.confirm(20.0)
        alive.received(20.5)
        alive.sent(20.5)
        assert alive.next_timer() == 21.0

    def test_who_waits_for_a_pong_pings_on(self) -> None:
        alive = Keepalive(interval=5.0, pong_timeout=12.0, now=0.0)
        assert alive.handle_timer(5.0) is Due.PING
        alive.ping_left(5.0)
        assert alive.next_timer() == 10.0
        assert alive.handle_timer(10.0) is Due.PING
        assert alive.next_timer() == 17.0
        alive.ping_left(10.0)
        assert alive.handle_timer(15.0) is Due.PING
        alive.ping_left(15.0)
        assert alive.handle_timer(17.0) is Due.DEAD  # the first ping counts

    def test_a_ping_can_be_asked_for(self) -> None:
        alive = keepalive()
        alive.asked(5.0)
        assert alive.next_timer() == 15.0
        alive.ping_left(6.0)
        assert alive.next_timer() == 16.0

    def test_it_tells_when_the_last_byte_came(self) -> None:
        alive = keepalive(now=5.0)
        assert alive.received_at == 5.0
        alive.sent(6.0)
        alive.received(7.0)
        assert alive.received_at == 7.0


class TestDeath:
    def test_a_ping_without_an_answer_is_death_after_the_pong_timeout(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        assert alive.next_timer() == 30.0
        assert alive.handle_timer(29.9) is Due.NOTHING
        assert alive.handle_timer(30.0) is Due.DEAD

    def test_the_timeout_runs_from_when_the_ping_left(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(24.0)
        assert alive.next_timer() == 34.0
        assert alive.handle_timer(34.0) is Due.DEAD

    def test_any_byte_ends_the_timeout(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        alive.received(29.9)
        assert alive.handle_timer(30.0) is Due.NOTHING
        assert alive.next_timer() == 40.0

    def test_frames_sent_after_the_ping_do_not_put_it_off(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        alive.sent(29.0)
        assert alive.handle_timer(30.0) is Due.DEAD

    def test_a_peer_that_neither_reads_nor_sends_is_dead(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)  # and the ping cannot leave: the write before it never finishes
        assert alive.next_timer() == 30.0
        assert alive.handle_timer(30.0) is Due.DEAD

    def test_a_peer_that_sends_is_not_dead_while_the_ping_cannot_leave(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.received(25.0)
        assert alive.next_timer() == 35.0
        assert alive.handle_timer(30.0) is Due.NOTHING

    def test_a_peer_that_reads_slowly_is_not_dead_while_the_ping_cannot_leave(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.sent(28.0)  # another piece of a long message in front of the ping
        assert alive.next_timer() == 38.0
        assert alive.handle_timer(30.0) is Due.NOTHING


class TestSleep:
    def test_after_a_sleep_through_the_pong_timeout_it_pings_once_more(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        assert alive.handle_timer(500.0) is Due.PING
        alive.ping_left(500.0)
        assert alive.next_timer() == 510.0
        assert alive.handle_timer(510.0) is Due.DEAD

    def test_a_sleep_is_forgiven_once_in_a_silence(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        assert alive.handle_timer(500.0) is Due.PING
        alive.ping_left(500.0)
        assert alive.handle_timer(900.0) is Due.DEAD

    def test_and_again_after_a_sign_of_life(self) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        alive.handle_timer(500.0)
        alive.ping_left(500.0)
        alive.received(501.0)
        assert alive.handle_timer(520.0) is Due.PING
        alive.ping_left(520.0)
        assert alive.handle_timer(900.0) is Due.PING

    @pytest.mark.parametrize(("lateness", "due"), [(LATE, Due.DEAD), (LATE + 0.1, Due.PING)])
    def test_a_timer_is_late_after_a_second(self, lateness: float, due: Due) -> None:
        alive = keepalive()
        alive.handle_timer(20.0)
        alive.ping_left(20.0)
        assert alive.handle_timer(30.0 + lateness) is due

    def test_a_sleep_before_the_first_ping_costs_no_second_one(self) -> None:
        alive = keepalive()
        assert alive.handle_timer(500.0) is Due.PING
        alive.ping_left(500.0)
        assert alive.handle_timer(510.0) is Due.DEAD


STEPS = st.lists(
    st.tuples(
        st.floats(0, 40, allow_subnormal=False),
        st.sampled_from(["sent", "received", "ping_left", "timer"]),
    )
)


@given(STEPS, st.floats(0.001, 30), st.floats(0.001, 60))
def test_after_a_timer_was_handled_the_next_one_lies_ahead(
    steps: list[tuple[float, str]], interval: float, timeout: float
) -> None:
    now, asked = 0.0, False
    alive = Keepalive(interval=interval, pong_timeout=timeout, now=now)
    for wait, step in steps:
        now += wait
        if step == "sent":
            alive.sent(now)
        elif step == "received":
            alive.received(now)
        elif step == "ping_left" and asked:
            alive.ping_left(now)
            asked = False
        elif step == "timer":
            before = alive.next_timer()
            due = alive.handle_timer(now)
            assert (due is Due.NOTHING) == (now < before)
            if due is Due.DEAD:
                return
            asked = asked or due is Due.PING
            assert alive.next_timer() > now


def run(
    alive: Keepalive, now: float, until: float, *, ping_takes: float | None, answer_takes: float
) -> float | None:
    """Drive it in virtual time with a punctual timer; return when it was declared dead."""
    leaves: float | None = None
    answer: float | None = None
    while now < until:
        now = min(at for at in (alive.next_timer(), leaves, answer) if at is not None)
        if now == answer:
            alive.received(now)
            answer = None
        elif now == leaves:
            alive.ping_left(now)
            leaves, answer = None, now + answer_takes if answer_takes < TIMEOUT else None
        else:
            match alive.handle_timer(now):
                case Due.DEAD:
                    return now
                case Due.PING if ping_takes is not None:
                    leaves = now + ping_takes
                case _:
                    pass
    return None


@given(st.floats(0, 9.9), st.floats(0, 9.9))
def test_a_peer_that_answers_in_time_is_never_declared_dead(
    ping_takes: float, answer_takes: float
) -> None:
    died = run(keepalive(), 0.0, 1000.0, ping_takes=ping_takes, answer_takes=answer_takes)
    assert died is None


@given(
    st.lists(st.tuples(st.floats(0, 19), st.sampled_from(["sent", "received"]))),
    st.floats(0, 9.9) | st.none(),
)
def test_a_silent_peer_is_declared_dead_within_interval_and_timeout(
    steps: list[tuple[float, str]], ping_takes: float | None
) -> None:
    now, alive = 0.0, keepalive()
    for wait, step in steps:
        now = min(now + wait, alive.next_timer())
        alive.sent(now) if step == "sent" else alive.received(now)
    silent_since = alive.received_at
    died = run(alive, now, now + 1000.0, ping_takes=ping_takes, answer_takes=TIMEOUT)
    assert died is not None
    # A ping that waits for a write delays the end by as long as it waits.
    waited = ping_takes or 0.0
    assert silent_since + TIMEOUT <= died <= silent_since + INTERVAL + TIMEOUT + waited + 1e-6


@given(st.floats(LATE + 0.001, 1e5), st.booleans())
def test_a_late_timer_gives_a_silent_peer_one_more_timeout(lateness: float, leaves: bool) -> None:
    alive = keepalive()
    assert alive.handle_timer(INTERVAL) is Due.PING
    if leaves:
        alive.ping_left(INTERVAL)
    woke = alive.next_timer() + lateness
    assert alive.handle_timer(woke) is Due.PING
    if leaves:
        alive.ping_left(woke)
    assert alive.next_timer() == woke + TIMEOUT
    assert alive.handle_timer(woke + TIMEOUT) is Due.DEAD
