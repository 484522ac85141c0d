"""The client against the gateway, over a network that does what it likes.

Hypothesis chooses the steps; `Wired` checks what has to hold at each of them.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.proto.fates import HANGS, OPENS, REFUSED, Fate
from tests.proto.till import payment
from tests.proto.wired import Wired

from dojo_proto import Carry, Stop
from dojo_proto.connection import State as ConnectionState
from dojo_proto.events import Closed
from dojo_proto.work import Raised

FATES = [
    OPENS,
    REFUSED,
    HANGS,
    Fate(status=0),
    Fate(status=401),
    Fate(status=410),
    Fate(status=503, headers=(("Retry-After", "3"),)),
    Fate(closes_after=0.5),
]
Call = tuple[str, dict[str, object]]
CALLS: st.SearchStrategy[Call] = st.one_of(
    st.tuples(st.just("SearchOrdersV1"), st.just({})),
    st.tuples(st.just("RecordOrderPaymentByIdV1"), st.sampled_from(["pi-1", "pi-2"]).map(payment)),
    st.tuples(st.just("ExtendOrderLockV1"), st.just({"orderId": "table-7", "lockId": "lock-1"})),
    st.tuples(st.just("Nonsense"), st.just({})),
)
SECONDS = st.one_of(st.sampled_from([0.0, 0.5, 1.0, 10.0, 20.0, 30.0]), st.floats(0, 100))


class BothRoles(RuleBasedStateMachine):
    """One service, from its start to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.dials_at_stop: int | None = None

    @initialize(observe=st.booleans(), compression=st.booleans())
    def start(self, observe: bool, compression: bool) -> None:
        self.wired = Wired(
            observe=observe,
            compression=compression,
            gateway={"compression": compression},
            auth_retry="always",
            max_outbound=4096,
            max_in_flight=2,
            max_queued=2,
        )
        self.wired.client.start(self.wired.now)

    # The network.

    @rule(fate=st.sampled_from(FATES))
    def the_next_dial(self, fate: Fate) -> None:
        self.wired.fates.append(fate)

    @rule()
    def the_socket_follows(self) -> None:
        self.wired.act()

    @rule(size=st.integers(1, 300))
    def bytes_go_up(self, size: int) -> None:
        self.wired.carry_up(size)

    @rule(size=st.integers(1, 300))
    def bytes_come_down(self, size: int) -> None:
        self.wired.carry_down(size)

    @rule()
    def everything_arrives(self) -> None:
        self.wired.settle()

    @rule()
    def the_connection_is_gone(self) -> None:
        self.wired.drop()

    @rule(silent=st.booleans())
    def the_network_loses_everything(self, silent: bool) -> None:
        self.wired.silent = silent

    @rule(garbage=st.binary(min_size=1, max_size=8))
    def something_else_comes_in(self, garbage: bytes) -> None:
        if self.wired.link is not None:
            self.wired.client.receive_data(self.wired.link, garbage, self.wired.now)

    # Time.

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.wired.advance(seconds)

    @rule(seconds=SECONDS)
    def the_machine_sleeps(self, seconds: float) -> None:
        self.wired.now += seconds
        self.wired.fire()

    @rule()
    def a_timer_fires_early(self) -> None:
        before = self.wired.client.next_timer()
        self.wired.client.handle_timer(min(self.wired.now, (before or 0.0) - 1e-6))

    # The gateway.

    def is_open(self) -> bool:
        gateway = self.wired.gateway
        return gateway is not None and gateway.state is ConnectionState.OPEN

    @precondition(is_open)
    @rule(call=CALLS, request_id=st.sampled_from(["", "a", "b"]))
    def the_gateway_calls(self, call: Call, request_id: str) -> None:
        self.wired.call(*call, request_id=request_id, timeout=40)

    @precondition(is_open)
    @rule()
    def the_gateway_closes(self) -> None:
        assert self.wired.gateway is not None
        self.wired.gateway.close(self.wired.now, 1001, "restart")

    @rule(unread=st.booleans())
    def the_gateway_does_not_read(self, unread: bool) -> None:
        self.wired.unread = unread

    # The till.

    @rule(held=st.sets(st.sampled_from(["SearchOrdersV1", "RecordOrderPaymentByIdV1"])))
    def handlers_take_their_time(self, held: set[str]) -> None:
        self.wired.held = held

    @precondition(lambda self: self.wired.holding)
    @rule(which=st.integers(0, 9), fails=st.booleans())
    def a_handler_is_done(self, which: int, fails: bool) -> None:
        run = self.wired.holding[which % len(self.wired.holding)]
        self.wired.finish(run, Raised(OSError("no database")) if fails else None)

    # The user.

    @precondition(lambda self: len(self.wired.dials) > 1)
    @rule(timeout=st.none() | st.sampled_from([0.0, 1.0, 100.0]))
    def the_service_is_stopped(self, timeout: float | None) -> None:
        if self.dials_at_stop is None:
            self.dials_at_stop = len(self.wired.dials)
        self.wired.client.stop(self.wired.now, timeout)

    # What holds at every moment.

    @invariant()
    def asking_changes_nothing(self) -> None:
        client = self.wired.client
        action, timer, status = client.next_action(), client.next_timer(), client.status()
        assert (client.next_action(), client.next_timer(), client.status()) == (
            action,
            timer,
            status,
        )
        assert status.healthy <= isinstance(action, Carry)
        assert (status.state == "stopped") == isinstance(action, Stop)

    @invariant()
    def nothing_is_booked_twice(self) -> None:
        assert all(times == 1 for times in self.wired.till.bookings.values())

    @invariant()
    def a_stopped_service_dials_no_more(self) -> None:
        if self.dials_at_stop is not None:
            assert len(self.wired.dials) == self.dials_at_stop

    def teardown(self) -> None:
        """However far it has come, it stops in time, and every dial has ended once."""
        if not hasattr(self, "wired"):
            return
        wired = self.wired
        wired.client.stop(wired.now)
        wired.advance(8 + 5)  # the drain and the Close
        assert wired.state == "stopped"
        links = [closed.link for closed in wired.seen(Closed)]
        assert links == list(range(1, len(links) + 1))
        assert len(links) >= wired.dialed


BothRoles.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBothRoles = BothRoles.TestCase
