"""What holds for the supervisor whatever happens, in whatever order."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dojo_proto.backoff import MAX_RETRY_AFTER
from dojo_proto.connection import Ended
from dojo_proto.events import Cause, Event, RetryScheduled
from dojo_proto.settings import Settings
from dojo_proto.supervisor import TRANSITIONS, State, Supervisor

ENDED = st.builds(
    Ended,
    cause=st.sampled_from(Cause),
    reason=st.just("it ended"),
    status=st.none() | st.sampled_from([401, 403, 503]),
    retry_after=st.none() | st.floats(0, 1e6),
    up_for=st.just(0.0) | st.floats(0, 100),
)
SETTINGS = st.builds(
    Settings,
    api_key=st.just("sk_sandbox_c4nary"),
    jitter=st.sampled_from([0.0, 0.5, 1.0]),
    backoff_initial=st.sampled_from([0.001, 1.0]),
    stable_after=st.sampled_from([0.0, 30.0]),
    drain_timeout=st.sampled_from([0.0, 8.0]),
    auth_retry=st.sampled_from(["after-success", "always", "never"]),
)
CONNECTED = (State.DIALING, State.OPENING, State.UP)


class Supervised(RuleBasedStateMachine):
    """One supervisor, driven by everything that may drive it."""

    @initialize(chosen=SETTINGS, now=st.sampled_from([0.0, 1e3, 1e9]))
    def build(self, chosen: Settings, now: float) -> None:
        self.now = now
        self.events: list[Event] = []
        self.chance = 0.0
        self.machine = Supervisor(
            settings=chosen, uniform=lambda: self.chance, emit=self.events.append
        )
        self.states = [State.IDLE]
        # Whether the dial under way, or its connection, is still to end.
        self.unended = False

    def be(self, *states: State) -> bool:
        return self.machine.state in states

    @precondition(lambda self: self.be(State.IDLE))
    @rule()
    def start(self) -> None:
        self.machine.start(self.now)
        self.unended = True

    @precondition(lambda self: self.be(State.DIALING))
    @rule()
    def the_socket_opens(self) -> None:
        self.machine.dialed(self.now)

    @precondition(lambda self: self.be(State.OPENING))
    @rule()
    def the_upgrade_succeeds(self) -> None:
        self.machine.opened(self.now)

    @precondition(lambda self: self.unended)
    @rule(ended=ENDED, chance=st.floats(0, 1, exclude_max=True))
    def it_ends(self, ended: Ended, chance: float) -> None:
        self.chance, self.unended = chance, False
        was_up = self.be(State.UP)
        self.machine.ended(ended if was_up else Ended(cause=ended.cause, reason="no"), self.now)

    @rule(timeout=st.sampled_from([0.0, 1.0, 100.0]))
    def drain(self, timeout: float) -> None:
        before = self.machine.next_timer()
        draining = self.be(State.DRAINING)
        self.machine.drain(self.now, timeout)
        after = self.machine.next_timer()
        if draining:
            assert after is None if before is None else after is not None and after <= before

    @rule()
    def stop(self) -> None:
        self.machine.stop(self.now)

    @rule(seconds=st.sampled_from([0.0, 0.5, 10.0]) | st.floats(0, 1e4))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.handle_timer()

    @rule()
    def a_timer_is_due(self) -> None:
        self.now = max(self.now, self.machine.next_timer() or 0.0)
        self.handle_timer()

    def handle_timer(self) -> None:
        dials = self.machine.dials
        too_long = self.machine.handle_timer(self.now)
        assert not self.machine.handle_timer(self.now)
        timer = self.machine.next_timer()
        assert timer is None or timer > self.now
        if self.machine.dials > dials:
            self.unended = True
        if too_long:
            assert self.machine.state is State.DIALING
            self.unended = False
            self.machine.ended(Ended(cause=Cause.OPEN_TIMEOUT, reason="too long"), self.now)

    @invariant()
    def only_the_ways_of_the_table_are_gone(self) -> None:
        if self.states[-1] is not self.machine.state:
            self.states.append(self.machine.state)
        for near, far in pairwise(self.states):
            ways = TRANSITIONS[near]
            assert far in ways or any(far in TRANSITIONS[between] for between in ways)

    @invariant()
    def it_waits_for_something_unless_it_is_idle_up_or_over(self) -> None:
        timer = self.machine.next_timer()
        match self.machine.state:
            case State.IDLE | State.OPENING | State.UP | State.STOPPED:
                assert timer is None
            case State.DIALING | State.WAITING:
                assert timer is not None
            case State.DRAINING:
                assert (timer is None) == self.machine.drain_expired

    @invariant()
    def a_dial_is_under_way_exactly_while_one_has_to_end(self) -> None:
        assert self.be(*CONNECTED) <= self.unended

    @invariant()
    def no_wait_is_longer_than_was_asked_for(self) -> None:
        for event in self.events:
            if isinstance(event, RetryScheduled):
                assert 0 <= event.seconds <= MAX_RETRY_AFTER + 30


Supervised.TestCase.settings = settings(max_examples=100, stateful_step_count=30)
TestSupervised = Supervised.TestCase
