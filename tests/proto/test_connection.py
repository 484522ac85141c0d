"""One socket's life: opening, messages, keepalive, closing. Time is virtual."""

from collections.abc import Callable
from typing import Any

import pytest

from dojo_proto.connection import (
    Connection,
    ConnectionEvent,
    Ended,
    Open,
    State,
)
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.framing import Framing, Message
from dojo_proto.limits import Limits
from dojo_proto.outbound import MAX_PONGS
from dojo_proto.stage import Asked, Passed, Refused, StageOutcome

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]
MakeFrame = Callable[..., bytes]

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
LIMITS = Limits(
    open_deadline=10, close_timeout=5, ping_interval=20, pong_timeout=10, max_outbound=100
)


class Line:
    """A stage whose answer is one line: yes, ask, or a refusal."""

    def __init__(self, name: str = "upgrade") -> None:
        self.name = name
        self.data_to_send = f"{name}?".encode()
        self._came = b""

    def receive_data(self, data: bytes) -> StageOutcome | None:
        self._came += data
        line, end, trailing = self._came.partition(b"\n")
        if not end:
            return None
        if line == b"yes":
            return Passed(trailing=trailing)
        if line == b"ask":
            return Asked(target="/epos", headers=())
        return Refused(cause=Cause.REJECTED, reason=line.decode(), status=404, retry_after=3)

    def receive_eof(self) -> Refused:
        return Refused(cause=Cause.BAD_HANDSHAKE, reason=f"no answer to {self.name}")

    def timed_out(self) -> Refused:
        return Refused(cause=Cause.OPEN_TIMEOUT, reason=f"{self.name} took too long")


def connection(*names: str, client: bool = True) -> Connection:
    def entropy(size: int) -> bytes:
        return b"\x01\x02\x03\x04"[:size]

    return Connection(
        stages=[Line(name) for name in names or ("upgrade",)],
        framing=lambda: Framing(client=client, entropy=entropy, max_message_size=1000),
        limits=LIMITS,
        ends_stream=not client,
        entropy=entropy,
        now=0,
    )


def opened(*, client: bool = True) -> Connection:
    machine = connection(client=client)
    machine.receive_data(b"yes\n", 0)
    assert events(machine) == [Open()]
    assert sent(machine) == b"upgrade?"
    return machine


def events(machine: Connection) -> list[ConnectionEvent]:
    return list(iter(machine.next_event, None))


def sent(machine: Connection, now: float = 0, limit: int = 65_536) -> bytes:
    """Everything that waits, written in portions of `limit`."""
    return b"".join(iter(lambda: machine.data_to_send(now, limit), b""))


def state(machine: Connection) -> State:
    return machine.state


def ended(machine: Connection) -> Ended:
    """The last event; the connection is over, sends nothing more and waits for nothing."""
    last = events(machine)[-1]
    assert isinstance(last, Ended)
    assert machine.state is State.CLOSED
    assert machine.next_timer() is None
    return last


# Opening.


def test_a_client_asks_at_once_and_is_open_when_the_answer_passes() -> None:
    machine = connection()
    assert state(machine) is State.OPENING
    assert sent(machine) == b"upgrade?"
    machine.receive_data(b"ye", 1)
    assert events(machine) == []
    machine.receive_data(b"s\n", 2)
    assert state(machine) is State.OPEN
    assert events(machine) == [Open()]
    assert sent(machine) == b""


def test_frames_that_come_with_the_answer_are_read(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    def play(pieces: list[bytes]) -> list[ConnectionEvent]:
        machine = connection()
        for piece in pieces:
            machine.receive_data(piece, 0)
        return events(machine)

    assert however_cut(b"yes\n" + frame(TEXT, b"hi"), play) == [Open(), Message(b"hi")]


def test_a_tunnel_comes_before_the_upgrade() -> None:
    machine = connection("tunnel", "upgrade")
    assert state(machine) is State.TUNNELLING
    assert sent(machine, limit=3) == b"tunnel?"
    machine.receive_data(b"yes\n", 1)
    assert state(machine) is State.OPENING
    assert events(machine) == []
    assert sent(machine) == b"upgrade?"
    machine.receive_data(b"yes\n", 2)
    assert events(machine) == [Open()]


def test_a_refusal_ends_it_with_all_that_is_known() -> None:
    machine = connection()
    machine.receive_data(b"no\n", 1)
    assert ended(machine) == Ended(cause=Cause.REJECTED, reason="no", status=404, retry_after=3)
    assert sent(machine) == b""


def test_a_stream_that_ends_while_opening_is_judged_by_the_stage() -> None:
    machine = connection("tunnel", "upgrade")
    machine.receive_eof(1)
    assert ended(machine) == Ended(cause=Cause.BAD_HANDSHAKE, reason="no answer to tunnel")


def test_a_failure_of_tls_while_opening_is_told_as_it_is() -> None:
    machine = connection()
    machine.fail(Cause.TLS_FAILED, "certificate has expired", 1)
    assert ended(machine) == Ended(cause=Cause.TLS_FAILED, reason="certificate has expired")


def test_the_opening_has_one_deadline() -> None:
    machine = connection("tunnel", "upgrade")
    assert machine.next_timer() == 10
    machine.receive_data(b"yes\n", 9)
    assert machine.next_timer() == 10
    machine.handle_timer(9.9)
    assert state(machine) is State.OPENING
    machine.handle_timer(10)
    assert ended(machine) == Ended(cause=Cause.OPEN_TIMEOUT, reason="upgrade took too long")


def test_before_it_is_open_a_close_ends_it_at_once() -> None:
    machine = connection()
    machine.close(1000, "stopped", 1)
    assert ended(machine) == Ended(cause=Cause.STOPPED, reason="stopped")
    assert sent(machine) == b""


def test_before_it_is_open_a_message_is_ignored() -> None:
    machine = connection()
    machine.send_text(b"early", 0)
    assert sent(machine) == b"upgrade?"


def test_a_server_is_asked_and_passes(frame: MakeFrame) -> None:
    machine = connection(client=False)
    machine.receive_data(b"ask\n", 1)
    assert events(machine) == [Asked(target="/epos", headers=())]
    machine.settle(Passed(trailing=frame(TEXT, b"hi", masked=True)), 2)
    assert events(machine) == [Open(), Message(b"hi")]
    assert sent(machine) == b"upgrade?"


def test_a_servers_refusal_still_leaves_in_portions() -> None:
    machine = connection(client=False)
    machine.receive_data(b"ask\n", 1)
    machine.settle(Refused(cause=Cause.REJECTED, reason="no", status=401), 2)
    assert [type(event) for event in events(machine)] == [Asked, Ended]
    assert state(machine) is State.CLOSED
    assert sent(machine, limit=3) == b"upgrade?"


@pytest.mark.parametrize("outcome", [Passed(), Refused(cause=Cause.REJECTED, reason="late")])
def test_a_decision_that_comes_too_late_is_ignored(outcome: StageOutcome) -> None:
    machine = connection(client=False)
    machine.receive_data(b"ask\n", 1)
    machine.receive_eof(2)
    assert ended(machine).cause is Cause.BAD_HANDSHAKE
    machine.settle(outcome, 3)
    assert events(machine) == []
    assert state(machine) is State.CLOSED


def test_a_state_has_no_ways_but_those_of_the_table() -> None:
    with pytest.raises(LocalProtocolError, match="no way from open to tunnelling"):
        opened()._move(State.TUNNELLING)


# Open.


def test_messages_go_both_ways(frame: MakeFrame) -> None:
    machine = opened()
    machine.receive_data(frame(TEXT, b"question"), 1)
    machine.send_text(b"answer", 1)
    machine.send_text(b"more", 1)
    assert events(machine) == [Message(b"question")]
    assert sent(machine) == frame(TEXT, b"answer", masked=True) + frame(TEXT, b"more", masked=True)
    assert machine._keepalive.received_at == 1


def test_a_ping_is_answered_before_the_messages_that_wait(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.send_text(b"first", 0)
    machine.send_text(b"second", 0)
    machine.receive_data(frame(PING, b"?", masked=True), 0)
    assert sent(machine) == frame(PONG, b"?") + frame(TEXT, b"first") + frame(TEXT, b"second")


def test_pings_are_answered_in_order_and_of_a_flood_only_the_newest(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.receive_data(b"".join(frame(PING, b"%d" % i, masked=True) for i in range(1000)), 0)
    assert sent(machine) == b"".join(frame(PONG, b"%d" % i) for i in range(1000 - MAX_PONGS, 1000))


@pytest.mark.parametrize("limit", range(1, 30))
def test_control_frames_stand_between_frames_whatever_the_limit(
    limit: int, frame: MakeFrame
) -> None:
    machine = opened(client=False)
    machine.send_text(b"a message", 0)
    machine.send_text(b"another", 0)
    start = machine.data_to_send(0, limit)
    assert len(start) == min(limit, 20)
    machine.receive_data(frame(PING, b"?", masked=True), 0)
    machine.receive_data(frame(PING, b"!", masked=True), 0)
    machine.close(1000, "", 0)
    first, second = frame(TEXT, b"a message"), frame(TEXT, b"another")
    pongs = frame(PONG, b"?") + frame(PONG, b"!")
    messages = [first + pongs + second, first + second + pongs]
    # The pongs wait for the frame that has begun to leave, and for no other.
    expected = messages[limit > len(first)] + frame(CLOSE, b"\x03\xe8")
    assert start + sent(machine, limit=limit) == expected


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_no_portion_is_larger_than_the_limit(limit: int, frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.receive_data(frame(PING, b"?" * 50, masked=True), 0)
    machine.send_text(b"x" * 90, 0)
    portions = list(iter(lambda: machine.data_to_send(0, limit), b""))
    assert b"".join(portions) == frame(PONG, b"?" * 50) + frame(TEXT, b"x" * 90)
    assert {len(portion) for portion in portions[:-1]} <= {limit}


def test_a_peer_that_does_not_read_loses_the_connection(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.send_text(b"x" * 98, 1)
    assert machine.data_to_send(1, 1) == frame(TEXT, b"x" * 98)[:1]
    machine.send_text(b"", 1)
    assert state(machine) is State.OPEN
    machine.send_text(b"one too many", 1)
    last = ended(machine)
    assert (last.cause, last.code) == (Cause.UNREAD, 1006)
    assert last.reason == "101 bytes wait for the peer to read them; 100 are allowed"
    assert sent(machine) == b""


def test_what_has_left_does_not_count_as_waiting() -> None:
    machine = opened()
    for _ in range(50):
        machine.send_text(b"x" * 80, 0)
        assert len(sent(machine)) == 86
    assert state(machine) is State.OPEN


def test_a_stream_that_ends_without_a_close_frame_is_lost() -> None:
    machine = opened()
    machine.receive_eof(7)
    assert ended(machine) == Ended(
        cause=Cause.LOST, reason="the stream ended without a Close frame", code=1006, up_for=7
    )


def test_an_abort_drops_what_waits() -> None:
    machine = opened()
    machine.send_text(b"answer", 1)
    machine.data_to_send(1, 3)
    machine.abort(Cause.ABORTED, "hard stop", 2)
    assert ended(machine) == Ended(cause=Cause.ABORTED, reason="hard stop", code=1006, up_for=2)
    assert sent(machine) == b""


def test_after_the_end_input_is_ignored(frame: MakeFrame) -> None:
    machine = opened()
    machine.abort(Cause.ABORTED, "hard stop", 2)
    ended(machine)
    machine.receive_data(frame(TEXT, b"late") + frame(PING), 3)
    machine.receive_eof(3)
    machine.fail(Cause.TLS_FAILED, "reset", 3)
    machine.send_text(b"late", 3)
    machine.close(1000, "", 3)
    machine.abort(Cause.ABORTED, "again", 3)
    machine.handle_timer(1e9)
    assert events(machine) == []
    assert sent(machine) == b""
