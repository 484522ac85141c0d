"""Two connections, one of each role, and a stream between them that may be slow or end.

Hypothesis chooses the steps. What was sent comes in once and in order, and what a pong is said to
prove has come in.
"""

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.proto.wired import counting

from dojo_proto.address import parse_url
from dojo_proto.connection import (
    TRANSITIONS,
    Connection,
    ConnectionEvent,
    Ended,
    Open,
    RoundTrip,
    State,
)
from dojo_proto.deflate import Deflate
from dojo_proto.events import Cause
from dojo_proto.framing import Framing, Message
from dojo_proto.handshake import Handshake
from dojo_proto.limits import Limits
from dojo_proto.outbound import Outbound
from dojo_proto.stage import Asked
from dojo_proto.upgrade import Upgrade

MAX_OUTBOUND = 200
LONGEST = 60
SIZES = st.sampled_from([1, 3, 10, 40, 300])
TEXTS = st.text(max_size=LONGEST // 4).map(str.encode)


class Side:
    """A connection, what it has sent and got, and what is on its way from it."""

    def __init__(self, *, client: bool, compression: bool) -> None:
        deflate = Deflate(max_size=LONGEST) if compression else None
        self.upgrade: Upgrade | None = None
        stage: Handshake | Upgrade
        if client:
            stage = Handshake(
                address=parse_url("url", "ws://localhost/", "ws"),
                api_key="sk_sandbox_abc",
                software_house_id="acme-epos",
                reseller_id=None,
                deflate=deflate,
                max_header_size=1000,
                entropy=lambda size: b"the sample nonce"[:size],
            )
        else:
            stage = self.upgrade = Upgrade(max_header_size=1000, deflate=deflate)
        entropy = counting(1 if client else 1 << 20)
        self.machine = Connection(
            stages=[stage],
            framing=lambda: Framing(
                client=client, entropy=entropy, max_message_size=LONGEST, deflate=deflate
            ),
            limits=Limits(
                open_deadline=10,
                close_timeout=5,
                ping_interval=20,
                pong_timeout=10,
                max_outbound=MAX_OUTBOUND,
            ),
            ends_stream=not client,
            entropy=entropy,
            now=0,
        )
        self.states = [self.machine.state]
        self.sent: list[tuple[bytes, int]] = []
        """Messages, each with its mark."""
        self.got: list[bytes] = []
        self.proven = 0
        self.ended = 0
        self.leaving = b""

    def take_events(self, now: float) -> None:
        while (event := self.machine.next_event()) is not None:
            self._take(event, now)

    def _take(self, event: ConnectionEvent, now: float) -> None:
        assert not self.ended, f"{event} came behind the end"
        match event:
            case Message(data=data):
                self.got.append(data)
            case RoundTrip(seconds=seconds, arrived=arrived):
                assert seconds >= 0
                assert arrived >= self.proven
                self.proven = arrived
            case Asked():
                assert self.upgrade is not None
                self.machine.settle(self.upgrade.accept(), now)
                self.take_events(now)
            case Ended(up_for=up_for, cause=cause):
                assert 0 <= up_for <= now
                assert cause is not Cause.PROTOCOL_ERROR
                self.ended += 1
            case Open():
                assert self.states[-1] is State.OPENING


class TwoConnections(RuleBasedStateMachine):
    """A client and a server, from the first byte to the end of both."""

    @initialize(compression=st.booleans(), opened=st.sampled_from([True, True, True, False]))
    def connect(self, compression: bool, opened: bool) -> None:
        self.now = 0.0
        self.sides = (
            Side(client=True, compression=compression),
            Side(client=False, compression=compression),
        )
        self.cut_off = False
        if opened:
            self.all_bytes_come_over()

    def taken(self) -> None:
        for side in self.sides:
            side.take_events(self.now)

    def carry(self, number: int, size: int, limit: int) -> int:
        """Carry some of what one side has for the other; what it gave before is then written."""
        near, far = self.sides[number], self.sides[1 - number]
        if not near.leaving:
            near.leaving = near.machine.data_to_send(self.now, limit)
            assert len(near.leaving) <= limit
        data, near.leaving = near.leaving[:size], near.leaving[size:]
        if not self.cut_off:
            far.machine.receive_data(data, self.now)
        self.taken()
        return len(data)

    @rule(number=st.integers(0, 1), size=SIZES, limit=SIZES)
    def some_bytes_come_over(self, number: int, size: int, limit: int) -> None:
        self.carry(number, size, limit)

    @rule()
    def all_bytes_come_over(self) -> None:
        while self.carry(0, 1 << 16, 1 << 16) + self.carry(1, 1 << 16, 1 << 16):
            pass

    @rule(
        number=st.integers(0, 1),
        messages=st.lists(TEXTS, min_size=1, max_size=4),
        fragment=st.none() | st.integers(1, 9),
    )
    def messages_are_sent(self, number: int, messages: list[bytes], fragment: int | None) -> None:
        side = self.sides[number]
        for data in messages:
            mark = side.machine.send_text(data, self.now, fragment=fragment, confirm=True)
            if mark is not None:
                assert not side.sent or mark > side.sent[-1][1]
                side.sent.append((data, mark))
        self.taken()

    @rule(number=st.integers(0, 1), first=TEXTS, second=TEXTS)
    def one_is_asked_about_and_another_waits(
        self, number: int, first: bytes, second: bytes
    ) -> None:
        self.messages_are_sent(number, [first], None)
        self.carry(number, 1 << 16, 1 << 16)
        self.time_passes(1.0)
        self.carry(number, 1 << 16, 1 << 16)
        self.messages_are_sent(number, [second], None)
        self.carry(1 - number, 1 << 16, 1 << 16)

    @rule(number=st.integers(0, 1))
    def what_was_sent_is_to_be_proven(self, number: int) -> None:
        self.sides[number].machine.confirm(self.now)

    @rule(number=st.integers(0, 1), how=st.sampled_from([None] * 7 + [1000, 3000, "abort"]))
    def it_is_to_end(self, number: int, how: int | str | None) -> None:
        """Not each time that it is chosen: most lives are to be long."""
        machine = self.sides[number].machine
        if isinstance(how, int):
            machine.close(how, "enough", self.now)
        elif how is not None:
            machine.abort(Cause.ABORTED, "at once", self.now)
        self.taken()

    @precondition(lambda self: any(side.ended for side in self.sides))
    @rule()
    def the_stream_ends(self) -> None:
        self.cut_off = True
        for side in self.sides:
            side.machine.receive_eof(self.now)
        self.taken()
        assert all(side.ended == 1 for side in self.sides)

    @rule(seconds=st.sampled_from([0.5, 1.0, 1.0, 2.0, 10.0, 20.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        for side in self.sides:
            side.machine.handle_timer(self.now)
            timer = side.machine.next_timer()
            assert timer is None or timer > self.now
        self.taken()

    @invariant()
    def what_came_in_is_what_was_sent_in_its_order(self) -> None:
        for near, far in (self.sides, self.sides[::-1]):
            assert far.got == [data for data, _ in near.sent[: len(far.got)]]

    @invariant()
    def what_is_proven_has_come_in(self) -> None:
        for near, far in (self.sides, self.sides[::-1]):
            proven = [data for data, mark in near.sent if mark <= near.proven]
            assert len(far.got) >= len(proven)

    @invariant()
    def only_the_ways_of_the_table_are_gone(self) -> None:
        for side in self.sides:
            before, state = side.states[-1], side.machine.state
            if state is not before:
                # One piece of data may open a connection and close it.
                ways = TRANSITIONS[before]
                assert state in ways or any(state in TRANSITIONS[between] for between in ways)
                side.states.append(state)
            assert (state is State.CLOSED) == (side.ended == 1)

    @invariant()
    def what_waits_is_bounded(self) -> None:
        for side in self.sides:
            # One more message may be put in as long as less than that waits.
            assert side.machine._outbound.size() < MAX_OUTBOUND + LONGEST * 20

    def teardown(self) -> None:
        """Whatever has happened, both end in time."""
        if not hasattr(self, "sides"):
            return
        for _ in range(40):
            self.time_passes(10)
            for side in self.sides:
                side.machine.close(1000, "", self.now)
            self.taken()
        assert all(side.ended == 1 for side in self.sides)


TwoConnections.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestTwoConnections = TwoConnections.TestCase


def _proves_too_much(self: Outbound, _payload: bytes) -> tuple[float, int]:
    return 0.0, self._taken + len(self._frames)


_take = Outbound.take


def _loses_the_rest(self: Outbound, framing: Framing | None, limit: int, now: float) -> bytes:
    taken = _take(self, framing, limit, now)
    self.begun = b""
    return taken


@pytest.mark.parametrize(
    ("owner", "name", "defect"),
    [
        (Outbound, "answered", _proves_too_much),
        (Outbound, "take", _loses_the_rest),
        (Connection, "handle_timer", lambda *_: None),
    ],
)
def test_a_defect_is_found(
    owner: object, name: str, defect: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, defect)
    until_found = settings(
        TwoConnections.TestCase.settings,
        max_examples=1000,
        phases=[Phase.generate],
        database=None,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(TwoConnections, settings=until_found)
