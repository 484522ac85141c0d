"""When to dial, to wait and to stop. Time is virtual, and jitter is off unless it is the matter."""

from typing import Any, Literal

import pytest

from dojo_proto.connection import Ended
from dojo_proto.errors import AuthenticationError, LocalProtocolError
from dojo_proto.events import AuthenticationRefused, Cause, Event, RetryScheduled, TakenOver
from dojo_proto.settings import Settings
from dojo_proto.supervisor import State, Supervisor

LOST = Ended(cause=Cause.LOST, reason="the stream ended without a Close frame", code=1006)
REFUSED = Ended(cause=Cause.DIAL_FAILED, reason="connection refused")
UNAUTHENTICATED = Ended(cause=Cause.AUTHENTICATION, reason="check the key", status=403)


class Supervised:
    """A supervisor, and everything that it says."""

    def __init__(self, *, uniform: float = 0.0, **settings: Any) -> None:
        self.events: list[Event] = []
        self.machine = Supervisor(
            settings=Settings(**{"api_key": "sk_sandbox_c4nary", "jitter": 0.0, **settings}),
            uniform=lambda: uniform,
            emit=self.events.append,
        )

    def up(self, now: float = 0.0) -> Supervisor:
        """Dial and open."""
        if self.machine.state is State.IDLE:
            self.machine.start(now)
        self.machine.dialed(now)
        self.machine.opened(now)
        return self.machine

    def delays(self) -> list[float]:
        return [event.seconds for event in self.events if isinstance(event, RetryScheduled)]

    def fail(self, ended: Ended = REFUSED) -> float:
        """End the dial under way, and be at the next one: the seconds between them."""
        self.machine.ended(ended, 0.0)
        timer = self.machine.next_timer()
        assert timer is not None
        assert not self.machine.handle_timer(timer)
        assert self.machine.state is State.DIALING
        return timer

    def close_after(self, seconds: float, cause: Cause = Cause.PEER_CLOSED) -> float:
        """Be up for `seconds`, then closed, and be at the next dial."""
        self.up()
        return self.fail(Ended(cause=cause, reason="bye", code=1000, up_for=seconds))

    def alarms(self) -> list[Event]:
        return [event for event in self.events if not isinstance(event, RetryScheduled)]


# From dial to dial.


def test_it_is_idle_until_it_is_started() -> None:
    machine = Supervised().machine
    assert (machine.state, machine.since, machine.next_timer()) == (State.IDLE, None, None)
    machine.start(5.0)
    assert (machine.state, machine.since, machine.dials) == (State.DIALING, 5.0, 1)
    assert machine.deadline == machine.next_timer() == 15.0


@pytest.mark.parametrize("stopped", [False, True])
def test_it_is_started_once(stopped: bool) -> None:
    machine = Supervised().machine
    if stopped:
        machine.drain(0.0, 8.0)
    else:
        machine.start(0.0)
        machine.ended(REFUSED, 0.0)
    with pytest.raises(LocalProtocolError, match=r"started once, and it is (waiting|stopped)"):
        machine.start(1.0)


def test_a_dial_that_succeeds_leaves_the_deadline_to_the_connection() -> None:
    machine = Supervised().machine
    machine.start(0.0)
    machine.dialed(3.0)
    assert (machine.state, machine.deadline, machine.next_timer()) == (State.OPENING, 10.0, None)
    machine.opened(4.0)
    assert (machine.state, machine.since, machine.next_timer()) == (State.UP, 4.0, None)
    assert not machine.handle_timer(1e9)


def test_a_dial_that_takes_too_long_is_told_once() -> None:
    machine = Supervised().machine
    machine.start(0.0)
    assert not machine.handle_timer(9.9)
    assert machine.handle_timer(10.0)
    assert not machine.handle_timer(10.0)
    assert machine.next_timer() is None


def test_a_state_has_no_ways_but_those_of_the_table() -> None:
    machine = Supervised().machine
    with pytest.raises(LocalProtocolError, match="no way from idle to up"):
        machine.opened(0.0)
    assert machine.state is State.IDLE


# Waiting.


def test_delays_double_up_to_the_cap() -> None:
    supervised = Supervised()
    supervised.machine.start(0.0)
    assert [supervised.fail() for _ in range(8)] == [1, 2, 4, 8, 16, 30, 30, 30]
    assert supervised.machine.dials == 9


def test_a_retry_is_told_with_its_reason() -> None:
    supervised = Supervised()
    supervised.machine.start(0.0)
    supervised.fail()
    assert supervised.events == [
        RetryScheduled(attempt=1, seconds=1.0, reason="connection refused")
    ]
    assert supervised.machine.last_error == "connection refused"


def test_half_of_each_delay_is_left_to_chance() -> None:
    shortest = Supervised(uniform=1.0, jitter=0.5)
    shortest.machine.start(0.0)
    assert [shortest.fail() for _ in range(6)] == [0.5, 1, 2, 4, 8, 15]


def test_a_delay_that_the_clock_cannot_show_still_lies_ahead() -> None:
    supervised = Supervised(uniform=1 - 2**-53, jitter=1.0)
    supervised.machine.start(1e9)
    supervised.machine.ended(REFUSED, 1e9)
    timer = supervised.machine.next_timer()
    assert timer is not None
    assert timer > 1e9


def test_what_the_gateway_asks_for_is_a_floor() -> None:
    supervised = Supervised(uniform=1.0, jitter=0.5)
    supervised.machine.start(0.0)
    busy = Ended(cause=Cause.UNAVAILABLE, reason="busy", status=503, retry_after=60.0)
    assert supervised.fail(busy) >= 60
    forever = Ended(cause=Cause.UNAVAILABLE, reason="busy", status=503, retry_after=1e9)
    assert 300 <= supervised.fail(forever) <= 330
    soon = Ended(cause=Cause.UNAVAILABLE, reason="busy", status=503, retry_after=0.0)
    assert supervised.fail(soon) == 2


def test_a_rejection_is_retried_at_the_cap() -> None:
    supervised = Supervised()
    supervised.machine.start(0.0)
    assert supervised.fail(Ended(cause=Cause.REJECTED, reason="gone", status=410)) == 30
    assert supervised.fail() == 2


def test_a_connection_that_lasted_starts_the_delays_again() -> None:
    supervised = Supervised()
    supervised.machine.start(0.0)
    assert [supervised.fail() for _ in range(4)] == [1, 2, 4, 8]
    assert supervised.close_after(29.9, Cause.LOST) == 16
    assert supervised.close_after(30.0, Cause.LOST) == 1
    assert supervised.fail() == 2


def test_with_stable_after_0_every_connection_does_but_no_failed_dial() -> None:
    supervised = Supervised(stable_after=0)
    supervised.machine.start(0.0)
    assert [supervised.fail() for _ in range(3)] == [1, 2, 4]
    assert supervised.close_after(0.0, Cause.LOST) == 1
    assert supervised.fail() == 2


# Taken over.


def test_three_closes_soon_after_opening_are_an_alarm_and_wait_at_the_cap() -> None:
    supervised = Supervised()
    assert [supervised.close_after(59.0) for _ in range(2)] == [1, 1]
    assert supervised.alarms() == []
    assert supervised.close_after(59.0) == 30
    [alarm] = supervised.alarms()
    assert isinstance(alarm, TakenOver)
    assert alarm.reason.startswith("the gateway has closed 3 connections within 60 s")
    assert "is another process serving with this software-house-id and API key?" in alarm.reason


def test_the_alarm_comes_with_every_third_and_the_cap_stays() -> None:
    supervised = Supervised()
    delays = [supervised.close_after(59.0) for _ in range(7)]
    assert delays == [1, 1, 30, 30, 30, 30, 30]
    assert len(supervised.alarms()) == 2


def test_a_connection_that_lasts_ends_the_suspicion() -> None:
    supervised = Supervised()
    for seconds in (1.0, 1.0, 60.0, 1.0, 1.0):
        supervised.close_after(seconds)
    assert supervised.alarms() == []
    supervised.close_after(1.0)
    assert len(supervised.alarms()) == 1


def test_failures_of_another_kind_neither_raise_nor_end_the_suspicion() -> None:
    supervised = Supervised()
    supervised.close_after(1.0)
    supervised.fail()
    supervised.close_after(1.0, Cause.LOST)
    supervised.close_after(1.0)
    assert supervised.alarms() == []
    supervised.close_after(1.0)
    assert len(supervised.alarms()) == 1
    assert supervised.close_after(45.0, Cause.LOST) == 1


# Authentication.


@pytest.mark.parametrize("auth_retry", ["after-success", "never"])
def test_a_key_that_was_never_taken_stops_the_service(
    auth_retry: Literal["after-success", "never"],
) -> None:
    supervised = Supervised(auth_retry=auth_retry)
    machine = supervised.machine
    machine.start(0.0)
    machine.ended(UNAUTHENTICATED, 1.0)
    assert machine.state is State.DRAINING
    assert isinstance(machine.error, AuthenticationError)
    assert (str(machine.error), machine.error.status) == ("check the key", 403)
    assert supervised.events == []
    machine.stop(1.0)
    assert machine.error is not None


def test_a_key_that_was_taken_before_is_an_alarm_and_retried_at_the_cap() -> None:
    supervised = Supervised()
    supervised.close_after(10.0, Cause.LOST)
    assert supervised.fail(UNAUTHENTICATED) == 30
    assert supervised.alarms() == [AuthenticationRefused(status=403, reason="check the key")]
    assert supervised.machine.error is None


def test_always_retries_at_the_cap_from_the_first() -> None:
    supervised = Supervised(auth_retry="always")
    supervised.machine.start(0.0)
    assert supervised.fail(UNAUTHENTICATED) == 30
    assert supervised.alarms() == []


def test_never_stops_even_after_success_and_lets_what_runs_finish() -> None:
    supervised = Supervised(auth_retry="never", drain_timeout=8)
    supervised.close_after(10.0, Cause.LOST)
    supervised.machine.ended(UNAUTHENTICATED, 20.0)
    assert supervised.machine.state is State.DRAINING
    assert supervised.machine.next_timer() == 28.0
    assert isinstance(supervised.machine.error, AuthenticationError)


def test_a_refusal_whose_status_is_not_known_counts_as_401() -> None:
    supervised = Supervised()
    supervised.machine.start(0.0)
    supervised.machine.ended(Ended(cause=Cause.AUTHENTICATION, reason="no"), 1.0)
    assert isinstance(supervised.machine.error, AuthenticationError)
    assert supervised.machine.error.status == 401


# Stopping.


def in_state(state: State) -> Supervised:
    supervised = Supervised()
    machine = supervised.machine
    if state is not State.IDLE:
        machine.start(0.0)
    if state in {State.OPENING, State.UP}:
        machine.dialed(0.0)
    if state is State.UP:
        machine.opened(0.0)
    if state is State.WAITING:
        machine.ended(REFUSED, 0.0)
    if state in {State.DRAINING, State.STOPPED}:
        machine.drain(0.0, 8.0)
    if state is State.STOPPED:
        machine.stop(0.0)
    assert machine.state is state
    return supervised


@pytest.mark.parametrize("state", list(State))
def test_it_drains_from_every_state(state: State) -> None:
    machine = in_state(state).machine
    machine.drain(1.0, 8.0)
    over = state in {State.IDLE, State.STOPPED}
    assert machine.state is (State.STOPPED if over else State.DRAINING)
    assert not machine.drain_expired


@pytest.mark.parametrize("state", list(State))
def test_it_stops_at_once_in_every_state(state: State) -> None:
    machine = in_state(state).machine
    machine.stop(1.0)
    assert machine.state is State.STOPPED
    assert machine.next_timer() is None
    assert machine.error is None


def test_draining_ends_at_its_time_out() -> None:
    machine = in_state(State.UP).machine
    machine.drain(1.0, 8.0)
    assert machine.next_timer() == 9.0
    machine.handle_timer(8.9)
    assert machine.next_timer() == 9.0
    machine.handle_timer(9.0)
    assert machine.drain_expired
    assert machine.next_timer() is None


def test_draining_again_can_only_shorten_it() -> None:
    machine = in_state(State.UP).machine
    machine.drain(1.0, 8.0)
    machine.drain(2.0, 20.0)
    assert machine.next_timer() == 9.0
    machine.drain(2.0, 1.0)
    assert machine.next_timer() == 3.0
    machine.handle_timer(3.0)
    machine.drain(4.0, 8.0)
    assert machine.drain_expired


@pytest.mark.parametrize("cause", [Cause.LOST, Cause.AUTHENTICATION, Cause.PEER_CLOSED])
def test_a_connection_that_ends_while_draining_is_not_replaced(cause: Cause) -> None:
    supervised = in_state(State.UP)
    machine = supervised.machine
    machine.drain(1.0, 8.0)
    machine.ended(Ended(cause=cause, reason="gone"), 2.0)
    assert machine.state is State.DRAINING
    assert machine.next_timer() == 9.0
    assert machine.last_error == "gone"
    assert (supervised.events, machine.error) == ([], None)


@pytest.mark.parametrize("cause", [Cause.STOPPED, Cause.ABORTED])
def test_stopping_is_no_error(cause: Cause) -> None:
    machine = in_state(State.UP).machine
    machine.ended(LOST, 1.0)
    machine.stop(2.0)
    machine.ended(Ended(cause=cause, reason="the service was stopped"), 2.0)
    assert machine.last_error == "the stream ended without a Close frame"
