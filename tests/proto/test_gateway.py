"""The gateway's role: one connection of an EPOS, its calls and their answers. Time is virtual."""

from collections.abc import Callable
from typing import Any

import pytest

from dojo_proto.connection import Ended, Open, RoundTrip, State
from dojo_proto.errors import LocalProtocolError
from dojo_proto.events import Cause
from dojo_proto.gateway import Answered, Gateway, GatewayEvent, Unanswered, Unasked
from dojo_proto.stage import Asked

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]
MakeFrame = Callable[..., bytes]

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
REQUEST = (
    b"GET /epos HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def gateway(**options: Any) -> Gateway:
    return Gateway(entropy=lambda size: b"\x01\x02\x03\x04"[:size], now=0, **options)


def opened(**options: Any) -> Gateway:
    machine = gateway(**options)
    machine.receive_data(REQUEST, 0)
    machine.accept(0)
    assert [type(event) for event in events(machine)] == [Asked, Open]
    assert sent(machine).startswith(b"HTTP/1.1 101 ")
    return machine


def events(machine: Gateway) -> list[GatewayEvent]:
    return list(iter(machine.next_event, None))


def sent(machine: Gateway, now: float = 0) -> bytes:
    return b"".join(iter(lambda: machine.data_to_send(now), b""))


def answer(frame: MakeFrame, request_id: str, member: str = '"result":{}') -> bytes:
    text = f'{{"jsonrpc":"2.0","id":"{request_id}",{member}}}'
    return frame(TEXT, text.encode(), masked=True)


# Opening.


def test_an_epos_is_asked_about_and_accepted() -> None:
    machine = gateway()
    machine.receive_data(REQUEST, 1)
    assert machine.state.value == "opening"
    [asked] = events(machine)
    assert isinstance(asked, Asked)
    assert asked.target == "/epos"
    machine.accept(2)
    assert machine.state.value == "open"
    assert events(machine) == [Open()]


def test_an_epos_that_is_refused_reads_the_answer_before_the_stream_ends() -> None:
    machine = gateway()
    machine.receive_data(REQUEST, 1)
    machine.refuse(401, "unknown key", 1, headers=[("X-Why", "typo")], body=b"check the key")
    [_, ended] = events(machine)
    assert ended == Ended(cause=Cause.REJECTED, status=401, reason="unknown key")
    assert machine.state is State.CLOSED
    answered = sent(machine)
    assert answered.startswith(b"HTTP/1.1 401 ")
    assert b"X-Why: typo\r\n" in answered
    assert answered.endswith(b"check the key")


def test_what_is_no_upgrade_is_refused_without_asking() -> None:
    machine = gateway()
    machine.receive_data(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1)
    [ended] = events(machine)
    assert isinstance(ended, Ended)
    assert (ended.cause, ended.status) == (Cause.REJECTED, 400)
    assert sent(machine).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("decision", ["accept", "refuse"])
@pytest.mark.parametrize("end", ["it has gone", "its time is over"])
def test_a_decision_that_comes_too_late_is_ignored(decision: str, end: str) -> None:
    machine = gateway(open_timeout=2)
    machine.receive_data(REQUEST, 1)
    if end == "it has gone":
        machine.receive_eof(2)
    else:
        machine.handle_timer(2)
    assert [type(event) for event in events(machine)] == [Asked, Ended]
    sent(machine)
    if decision == "accept":
        machine.accept(3)
    else:
        machine.refuse(503, "full", 3)
    assert events(machine) == []
    assert sent(machine) == b""


def test_nothing_is_accepted_before_it_was_asked_for() -> None:
    with pytest.raises(LocalProtocolError, match="there is no request to accept"):
        gateway().accept(0)


def test_a_decision_is_taken_once() -> None:
    machine = opened()
    with pytest.raises(LocalProtocolError, match="the upgrade was accepted already"):
        machine.accept(1)
    machine.close(1)
    with pytest.raises(LocalProtocolError, match="the upgrade was accepted already"):
        machine.refuse(503, "full", 1)


def test_the_upgrade_has_a_deadline() -> None:
    machine = gateway(open_timeout=7)
    assert machine.next_timer() == 7
    machine.handle_timer(6.9)
    assert events(machine) == []
    machine.handle_timer(7)
    [ended] = events(machine)
    assert isinstance(ended, Ended)
    assert ended.status == 408
    assert sent(machine).startswith(b"HTTP/1.1 408 ")
    assert machine.next_timer() is None


# Calls and answers.


def test_a_call_is_sent_and_its_answer_matched(frame: MakeFrame, however_cut: HoweverCut) -> None:
    def play(pieces: list[bytes]) -> list[GatewayEvent]:
        machine = opened()
        assert machine.call("a", "GetOrderByIdV1", {"orderId": "7"}, 1) == 1
        text = b'{"jsonrpc":"2.0","id":"a","method":"GetOrderByIdV1","params":{"orderId":"7"}}'
        assert sent(machine, 1) == frame(TEXT, text)
        for piece in pieces:
            machine.receive_data(piece, 3)
        return events(machine)

    result = answer(frame, "a", '"result":{"id":"7"}')
    assert however_cut(result, play) == [
        Answered(call=1, seconds=2, result=b'{"id":"7"}', error=None)
    ]


def test_a_call_can_be_sent_in_fragments_with_a_pong_between(frame: MakeFrame) -> None:
    machine = opened()
    machine.call("a", "ListAreasV1", None, 1, fragment=40)
    text = b'{"jsonrpc":"2.0","id":"a","method":"ListAreasV1"}'
    begun = machine.data_to_send(1, limit=1)
    machine.receive_data(frame(PING, b"now", masked=True), 1)
    assert begun + sent(machine, 1) == (
        frame(TEXT, text[:40], fin=False) + frame(PONG, b"now") + frame(CONTINUATION, text[40:])
    )


def test_an_error_is_an_answer(frame: MakeFrame) -> None:
    machine = opened()
    number = machine.call("a", "GetOrderByIdV1", None, 1)
    machine.receive_data(answer(frame, "a", '"error":{"code":-32004}'), 2)
    assert events(machine) == [
        Answered(call=number, seconds=1, result=None, error=b'{"code":-32004}')
    ]


def test_answers_may_come_in_any_order_and_in_binary(frame: MakeFrame) -> None:
    machine = opened()
    first = machine.call("a", "SearchOrdersV1", {}, 0)
    second = machine.call("b", "SearchOrdersV1", {}, 0)
    machine.receive_data(answer(frame, "b"), 1)
    machine.receive_data(frame(BINARY, b'{"jsonrpc":"2.0","id":"a","result":1}', masked=True), 2)
    assert [event.call for event in events(machine) if isinstance(event, Answered)] == [
        second,
        first,
    ]


def test_a_batch_may_answer_several_calls(frame: MakeFrame) -> None:
    machine = opened()
    machine.call("a", "SearchOrdersV1", {}, 0)
    machine.call("b", "ListAreasV1", {}, 0)
    batch = b'[{"jsonrpc":"2.0","id":"b","result":2},{"jsonrpc":"2.0","id":"a","result":1}]'
    machine.receive_data(frame(TEXT, batch, masked=True), 1)
    assert events(machine) == [
        Answered(call=2, seconds=1, result=b"2", error=None),
        Answered(call=1, seconds=1, result=b"1", error=None),
    ]


@pytest.mark.parametrize(
    "message",
    [
        b'{"jsonrpc":"2.0","id":"unknown","result":{}}',
        b'{"jsonrpc":"2.0","id":"a","method":"SearchOrdersV1"}',
        b'{"id":"a"}',
        b"no JSON",
        b"[]",
        b"[" * 600,
    ],
)
def test_what_answers_no_call_is_shown_as_it_came(message: bytes, frame: MakeFrame) -> None:
    machine = opened()
    machine.call("a", "SearchOrdersV1", {}, 0)
    machine.receive_data(frame(TEXT, message, masked=True), 1)
    assert events(machine) == [Unasked(message=message)]
    machine.receive_data(answer(frame, "a"), 2)
    assert [type(event) for event in events(machine)] == [Answered]


def test_a_second_answer_answers_nothing(frame: MakeFrame) -> None:
    machine = opened()
    machine.call("a", "SearchOrdersV1", {}, 0)
    machine.receive_data(answer(frame, "a") * 2, 1)
    assert [type(event) for event in events(machine)] == [Answered, Unasked]


def test_a_call_without_an_answer_times_out(frame: MakeFrame) -> None:
    machine = opened()
    machine.call("slow", "SearchOrdersV1", {}, 0, timeout=15)
    machine.call("slower", "SearchOrdersV1", {}, 0, timeout=16)
    assert machine.next_timer() == 15
    machine.handle_timer(14.9)
    assert events(machine) == []
    machine.handle_timer(15)
    assert events(machine) == [Unanswered(call=1)]
    machine.receive_data(answer(frame, "slow"), 15.5)
    assert [type(event) for event in events(machine)] == [Unasked]
    assert machine.state is State.OPEN


def test_when_the_connection_ends_every_call_is_unanswered_first() -> None:
    machine = opened()
    machine.call("a", "SearchOrdersV1", {}, 0)
    machine.call("b", "SearchOrdersV1", {}, 0)
    machine.receive_eof(3)
    [first, second, ended] = events(machine)
    assert [first, second] == [Unanswered(call=1), Unanswered(call=2)]
    assert ended == Ended(
        cause=Cause.LOST, reason="the stream ended without a Close frame", code=1006, up_for=3
    )


def test_any_text_can_be_sent(frame: MakeFrame) -> None:
    machine = opened()
    machine.send_text(b"{not JSON", 1)
    assert sent(machine, 1) == frame(TEXT, b"{not JSON")


@pytest.mark.parametrize("state", ["opening", "closing", "closed"])
def test_a_call_needs_an_open_connection(state: str) -> None:
    machine = gateway() if state == "opening" else opened()
    if state == "closing":
        machine.close(1)
    if state == "closed":
        machine.abort(1)
    with pytest.raises(LocalProtocolError, match=f"the connection is {state}, not open"):
        machine.call("a", "SearchOrdersV1", {}, 1)
    with pytest.raises(LocalProtocolError, match=f"the connection is {state}, not open"):
        machine.send_text(b"{}", 1)


def test_params_that_no_json_can_carry_are_an_error_of_the_caller() -> None:
    machine = opened()
    with pytest.raises(TypeError):
        machine.call("a", "SearchOrdersV1", object(), 1)
    assert sent(machine, 1) == b""
    assert machine.next_timer() == 20


# The connection under them.


def test_a_peer_that_does_not_mask_breaks_the_protocol(frame: MakeFrame) -> None:
    machine = opened()
    machine.receive_data(frame(TEXT, b"{}"), 1)
    sent(machine, 1)
    [ended] = events(machine)
    assert isinstance(ended, Ended)
    assert (ended.cause, ended.code) == (Cause.PROTOCOL_ERROR, 1002)


def test_a_message_has_a_size_limit(frame: MakeFrame) -> None:
    machine = opened(max_message_size=1024)
    machine.receive_data(frame(TEXT, b"x" * 1025, masked=True), 1)
    assert sent(machine, 1) == frame(CLOSE, b"\x03\xf1a message is larger than 1024 bytes")


def test_an_epos_that_does_not_read_is_dropped() -> None:
    machine = opened(max_outbound=100)
    machine.send_text(b"x" * 200, 1)
    machine.call("a", "SearchOrdersV1", {}, 1)
    assert machine.state is State.CLOSED
    [unanswered, ended] = events(machine)
    assert unanswered == Unanswered(call=1)
    assert isinstance(ended, Ended)
    assert ended.cause is Cause.UNREAD


def test_a_quiet_epos_is_pinged(frame: MakeFrame) -> None:
    machine = opened(ping_interval=5, pong_timeout=2)
    assert machine.next_timer() == 5
    machine.handle_timer(5)
    assert sent(machine, 5) == frame(PING, b"\x01\x02\x03\x04")
    machine.receive_data(frame(PONG, b"\x01\x02\x03\x04", masked=True), 6)
    assert events(machine) == [RoundTrip(1, 0)]
    machine.handle_timer(11)
    sent(machine, 11)
    machine.handle_timer(13)
    [ended] = events(machine)
    assert isinstance(ended, Ended)
    assert ended.cause is Cause.PONG_TIMEOUT


def test_closing_waits_for_the_answer_and_then_ends_the_stream(frame: MakeFrame) -> None:
    machine = opened()
    machine.close(1, 1001, "restarting")
    assert sent(machine, 1) == frame(CLOSE, b"\x03\xe9restarting")
    assert machine.state.value == "closing"
    machine.receive_data(frame(CLOSE, b"\x03\xe9", masked=True), 2)
    assert machine.state.value == "closed"
    assert events(machine) == [Ended(cause=Cause.STOPPED, code=1001, reason="restarting", up_for=2)]


def test_a_close_of_the_epos_is_answered_before_the_stream_ends(frame: MakeFrame) -> None:
    machine = opened()
    machine.receive_data(frame(CLOSE, b"\x03\xe8", masked=True), 1)
    assert events(machine) == []
    assert sent(machine, 1) == frame(CLOSE, b"\x03\xe8")
    assert events(machine) == [Ended(cause=Cause.PEER_CLOSED, code=1000, reason="", up_for=1)]


def test_closing_has_a_time_out() -> None:
    machine = opened(close_timeout=3)
    machine.close(1)
    sent(machine, 1)
    assert machine.next_timer() == 4
    machine.handle_timer(4)
    [ended] = events(machine)
    assert isinstance(ended, Ended)
    assert ended.cause is Cause.CLOSE_TIMEOUT


def test_an_abort_ends_it_at_once() -> None:
    machine = opened()
    machine.call("a", "SearchOrdersV1", {}, 0)
    machine.abort(2)
    assert events(machine) == [
        Unanswered(call=1),
        Ended(
            cause=Cause.ABORTED,
            reason="the gateway dropped the connection",
            code=1006,
            up_for=2,
        ),
    ]
    assert sent(machine, 2) == b""
    assert machine.next_timer() is None


def test_compression_is_off_unless_asked_for() -> None:
    offer = REQUEST.replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    for compression in (False, True):
        machine = gateway(compression=compression)
        machine.receive_data(offer, 0)
        machine.accept(0)
        assert (b"permessage-deflate" in sent(machine)) is compression
