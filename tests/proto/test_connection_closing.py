"""An open connection: when it pings, when it gives up, and how it closes. Time is virtual."""

from collections.abc import Callable

import pytest

from dojo_proto.connection import Connection, ConnectionEvent, Ended, Open, RoundTrip, State
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.framing import CloseFrame, Framing, Message
from dojo_proto.limits import Limits
from dojo_proto.stage import Passed, Refused

MakeFrame = Callable[..., bytes]

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NONCE = b"\x01\x02\x03\x04"


class AtOnce:
    """A stage that passes with the first byte."""

    data_to_send = b""

    def receive_data(self, _data: bytes) -> Passed:
        return Passed()

    def receive_eof(self) -> Refused:
        raise NotImplementedError

    def timed_out(self) -> Refused:
        raise NotImplementedError


def opened(*, client: bool = True) -> Connection:
    machine = Connection(
        stages=[AtOnce()],
        framing=lambda: Framing(client=client, entropy=lambda _: NONCE, max_message_size=1000),
        limits=Limits(
            open_deadline=10, close_timeout=5, ping_interval=20, pong_timeout=10, max_outbound=100
        ),
        ends_stream=not client,
        entropy=lambda size: NONCE[:size],
        now=0,
    )
    machine.receive_data(b"!", 0)
    assert events(machine) == [Open()]
    return machine


def events(machine: Connection) -> list[ConnectionEvent]:
    return list(iter(machine.next_event, None))


def sent(machine: Connection, now: float) -> bytes:
    return b"".join(iter(lambda: machine.data_to_send(now, 65_536), b""))


def ended(machine: Connection) -> Ended:
    """The last event; the connection is over, sends nothing more and waits for nothing."""
    last = events(machine)[-1]
    assert isinstance(last, Ended)
    assert machine.state is State.CLOSED
    assert machine.next_timer() is None
    return last


# Keepalive.


def test_a_quiet_connection_is_pinged_and_the_round_trip_measured(frame: MakeFrame) -> None:
    machine = opened()
    assert machine.next_timer() == 20
    machine.handle_timer(19)
    assert sent(machine, 19) == b""
    machine.handle_timer(20)
    assert sent(machine, 21) == frame(PING, NONCE, masked=True)
    assert machine.next_timer() == 31
    machine.receive_data(frame(PONG, b"other"), 21.5)
    assert events(machine) == []
    machine.receive_data(frame(PONG, NONCE) * 2, 22)
    assert events(machine) == [RoundTrip(1, 0)]
    assert machine.next_timer() == 41


def test_traffic_both_ways_puts_off_the_ping(frame: MakeFrame) -> None:
    machine = opened()
    machine.receive_data(frame(TEXT, b"q"), 15)
    assert machine.next_timer() == 20
    machine.send_text(b"a", 15)
    sent(machine, 15)
    assert machine.next_timer() == 35


def test_each_portion_of_a_large_message_counts_as_sent(frame: MakeFrame) -> None:
    machine = opened()
    machine.send_text(b"x" * 90, 0)
    machine.data_to_send(0, 10)
    machine.receive_data(frame(PONG), 15)
    machine.data_to_send(15, 10)
    assert machine.next_timer() == 35


def test_the_pong_time_out_starts_when_the_ping_leaves(frame: MakeFrame) -> None:
    machine = opened()
    machine.send_text(b"x" * 90, 19)
    machine.data_to_send(19, 10)
    machine.handle_timer(20)
    assert len(machine.data_to_send(24, 86)) == 86
    assert sent(machine, 29) == frame(PING, NONCE, masked=True)
    assert machine.next_timer() == 39


def test_a_ping_waits_for_a_pong_that_fills_the_portion(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.handle_timer(20)
    machine.receive_data(frame(PING, b"?", masked=True), 20)
    assert machine.data_to_send(21, 3) == frame(PONG, b"?")
    assert machine.data_to_send(22, 6) == frame(PING, NONCE)
    machine.receive_data(frame(PONG, NONCE, masked=True), 24)
    assert events(machine) == [RoundTrip(2, 0)]


def test_any_byte_ends_the_pong_time_out(frame: MakeFrame) -> None:
    machine = opened()
    machine.handle_timer(20)
    sent(machine, 20)
    machine.receive_data(frame(TEXT, b"slow")[:1], 29)
    machine.handle_timer(30)
    assert machine.state is State.OPEN
    assert machine._keepalive.received_at == 29


def test_without_an_answer_to_a_ping_the_connection_is_dropped() -> None:
    machine = opened()
    machine.handle_timer(20)
    sent(machine, 20)
    machine.handle_timer(30)
    assert ended(machine) == Ended(
        cause=Cause.PONG_TIMEOUT,
        reason="nothing came for 30 s and no answer to a ping",
        code=1006,
        up_for=30,
    )
    assert sent(machine, 30) == b""


def test_a_timer_that_fires_late_pings_once_more(frame: MakeFrame) -> None:
    machine = opened()
    machine.handle_timer(20)
    sent(machine, 20)
    machine.handle_timer(4000)
    assert sent(machine, 4000) == frame(PING, NONCE, masked=True)
    machine.handle_timer(4010)
    assert ended(machine).cause is Cause.PONG_TIMEOUT


# Closing.


@pytest.mark.parametrize("client", [True, False])
def test_a_close_of_this_side_leaves_behind_what_waits(client: bool, frame: MakeFrame) -> None:
    machine = opened(client=client)
    machine.send_text(b"answer", 1)
    machine.close(1000, "stopping", 1)
    machine.send_text(b"too late", 1)
    assert machine.state is State.CLOSING
    assert sent(machine, 1) == frame(TEXT, b"answer", masked=client) + frame(
        CLOSE, b"\x03\xe8stopping", masked=client
    )
    machine.receive_data(frame(TEXT, b"ignored", masked=not client), 2)
    machine.receive_data(frame(PING, b"ignored", masked=not client), 2)
    assert events(machine) == []
    assert sent(machine, 2) == b""


def test_a_client_waits_for_the_server_to_end_the_stream(frame: MakeFrame) -> None:
    machine = opened()
    machine.close(1000, "stopping", 1)
    sent(machine, 1)
    machine.receive_data(frame(CLOSE, b"\x03\xe8"), 2)
    assert events(machine) == []
    assert machine.next_timer() == 6
    machine.receive_eof(3)
    assert ended(machine) == Ended(cause=Cause.STOPPED, reason="stopping", code=1000, up_for=3)


def test_a_server_ends_the_stream_when_its_close_is_answered(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.close(1001, "restart", 1, cause=Cause.ABORTED)
    assert sent(machine, 1) == frame(CLOSE, b"\x03\xe9restart")
    assert events(machine) == []
    machine.receive_data(frame(CLOSE, b"\x03\xe9", masked=True), 2)
    assert ended(machine) == Ended(cause=Cause.ABORTED, reason="restart", code=1001, up_for=2)


def test_a_server_says_close_before_it_ends_the_stream(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.send_text(b"answer", 1)
    machine.close(1000, "", 1)
    machine.receive_data(frame(CLOSE, b"\x03\xe8", masked=True), 1)
    out = frame(TEXT, b"answer") + frame(CLOSE, b"\x03\xe8")
    assert machine.data_to_send(2, len(out) - 1) == out[:-1]
    assert events(machine) == []
    assert machine.data_to_send(3, 100) == out[-1:]
    assert ended(machine).cause is Cause.STOPPED


def test_a_close_of_the_peer_is_echoed_behind_what_waits(frame: MakeFrame) -> None:
    machine = opened()
    machine.send_text(b"answer", 1)
    machine.receive_data(frame(CLOSE, b"\x03\xe9going"), 1)
    assert machine.state is State.CLOSING
    assert sent(machine, 1) == frame(TEXT, b"answer", masked=True) + frame(
        CLOSE, b"\x03\xe9", masked=True
    )
    machine.receive_eof(2)
    assert ended(machine) == Ended(cause=Cause.PEER_CLOSED, reason="going", code=1001, up_for=2)


def test_a_close_without_a_code_is_echoed_without_one(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.receive_data(frame(CLOSE, masked=True), 1)
    assert sent(machine, 1) == frame(CLOSE)
    assert ended(machine) == Ended(cause=Cause.PEER_CLOSED, reason="", code=1005, up_for=1)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x83\x00", 1002),
        (b"\xc1\x00", 1002),
        (b"\x81\x01\xff", 1007),
        (b"\x81\x7e\x03\xe9" + b"x" * 1001, 1009),
        (b"\x88\x02\x03\xed", 1002),
    ],
)
def test_a_violation_is_answered_with_its_code(data: bytes, code: int) -> None:
    machine = opened()
    machine.receive_data(data + b"\x81\x01x", 1)
    out = sent(machine, 1)
    machine.handle_timer(6)
    last = ended(machine)
    assert (last.cause, last.code) == (Cause.PROTOCOL_ERROR, code)
    assert last.reason
    server = Framing(client=False, entropy=bytes, max_message_size=1000)
    assert list(server.receive_data(out)) == [CloseFrame(code, last.reason)]


def test_a_violation_behind_this_sides_close_ends_the_wait(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.close(1000, "done", 1)
    sent(machine, 1)
    machine.receive_data(frame(TEXT, b"not masked"), 2)
    assert ended(machine).cause is Cause.STOPPED


def test_a_close_that_is_not_answered_times_out() -> None:
    machine = opened()
    machine.close(1000, "stopping", 1)
    sent(machine, 1)
    machine.handle_timer(5.9)
    assert machine.state is State.CLOSING
    machine.handle_timer(6)
    assert ended(machine) == Ended(
        cause=Cause.CLOSE_TIMEOUT,
        reason="the Close frame was not answered within 5 s",
        code=1006,
        up_for=6,
    )


def test_a_server_that_lets_the_stream_linger_is_left_as_it_closed(frame: MakeFrame) -> None:
    machine = opened()
    machine.receive_data(frame(CLOSE, b"\x03\xe8"), 1)
    sent(machine, 1)
    machine.handle_timer(6)
    assert ended(machine) == Ended(cause=Cause.PEER_CLOSED, reason="", code=1000, up_for=6)


def test_a_stream_that_ends_before_the_answer_to_a_close_is_a_1006() -> None:
    machine = opened()
    machine.close(1000, "stopping", 1)
    sent(machine, 1)
    machine.receive_eof(2)
    assert ended(machine) == Ended(cause=Cause.STOPPED, reason="stopping", code=1006, up_for=2)


def test_a_second_close_changes_nothing(frame: MakeFrame) -> None:
    machine = opened()
    machine.close(1000, "first", 1)
    machine.close(1001, "second", 3)
    assert machine.next_timer() == 6
    assert sent(machine, 3) == frame(CLOSE, b"\x03\xe8first", masked=True)


def test_a_code_that_may_not_be_sent_leaves_the_connection_open() -> None:
    machine = opened()
    with pytest.raises(LocalProtocolError, match="close code 1006"):
        machine.close(1006, "", 1)
    assert machine.state is State.OPEN
    assert machine.next_timer() == 20


def test_a_ping_that_waits_is_dropped_when_closing(frame: MakeFrame) -> None:
    machine = opened()
    machine.handle_timer(20)
    machine.close(1000, "", 20)
    assert sent(machine, 20) == frame(CLOSE, b"\x03\xe8", masked=True)


def test_a_ping_is_answered_as_long_as_the_close_has_not_left(frame: MakeFrame) -> None:
    """RFC 6455 section 5.5.2: unless it already received a Close frame."""
    machine = opened(client=False)
    machine.send_text(b"waits", 1)
    machine.close(1000, "", 1)
    machine.receive_data(frame(PING, b"there?", masked=True), 2)
    waiting = frame(PONG, b"there?") + frame(TEXT, b"waits") + frame(CLOSE, b"\x03\xe8")
    assert sent(machine, 2) == waiting
    machine.receive_data(frame(PING, b"and now?", masked=True), 3)
    assert sent(machine, 3) == b""


def test_behind_the_peers_close_no_ping_is_answered(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.close(1000, "", 1)
    machine.receive_data(
        frame(CLOSE, b"\x03\xe8", masked=True) + frame(PING, b"there?", masked=True), 2
    )
    assert sent(machine, 2) == frame(CLOSE, b"\x03\xe8")


def test_while_it_closes_a_message_counts_and_a_pong_does_not(frame: MakeFrame) -> None:
    machine = opened(client=False)
    machine.close(1000, "", 1)
    machine.receive_data(frame(TEXT, b"hello", masked=True) + frame(PONG, masked=True), 2)
    assert events(machine) == [Message(b"hello")]
    assert sent(machine, 2) == frame(CLOSE, b"\x03\xe8")
    machine.receive_data(frame(TEXT, b"too late", masked=True), 3)
    assert events(machine) == []
