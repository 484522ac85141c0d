"""What holds for a connection whatever comes: any bytes, any cut, any order of calls."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.address import parse_url
from dojo_proto.connection import (
    TRANSITIONS,
    Connection,
    ConnectionEvent,
    Ended,
    Open,
    State,
)
from dojo_proto.events import Cause
from dojo_proto.framing import CloseFrame, Framing, Message, PongFrame, Violation
from dojo_proto.handshake import Handshake
from dojo_proto.limits import Limits
from dojo_proto.tunnel import Tunnel

HoweverCut = Callable[[bytes, Callable[[list[bytes]], Any]], Any]
MakeFrame = Callable[..., bytes]

TEXT, CLOSE, PING = 1, 8, 9
UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def client(*, proxied: bool = False) -> Connection:
    def entropy(size: int) -> bytes:
        return b"the sample nonce"[:size]

    address = parse_url("url", "wss://eu.ws.dojo.tech/epos", "wss")
    proxy = parse_url("proxy", "http://proxy:3128", "http")
    handshake = Handshake(
        address=address,
        api_key="sk_sandbox_abc",
        software_house_id="acme-epos",
        reseller_id=None,
        deflate=None,
        max_header_size=1000,
        entropy=entropy,
    )
    tunnel = Tunnel(proxy=proxy, address=address, max_header_size=1000)
    return Connection(
        stages=[tunnel, handshake] if proxied else [handshake],
        framing=lambda: Framing(client=True, entropy=entropy, max_message_size=50),
        limits=Limits(
            open_deadline=10, close_timeout=5, ping_interval=20, pong_timeout=10, max_outbound=60
        ),
        ends_stream=False,
        entropy=entropy,
        now=0,
    )


def drain(machine: Connection, now: float = 0, limit: int = 65_536) -> bytes:
    return b"".join(iter(lambda: machine.data_to_send(now, limit), b""))


def events(machine: Connection) -> list[ConnectionEvent]:
    return list(iter(machine.next_event, None))


def play(pieces: list[bytes]) -> tuple[list[ConnectionEvent], bytes, State]:
    """All that comes of a stream behind a tunnel, with the output drained when it has come."""
    machine = client(proxied=True)
    out = drain(machine)
    machine.receive_data(b"HTTP/1.1 200 OK\r\n\r\n", 1)
    out += drain(machine)
    for piece in pieces:
        machine.receive_data(piece, 1)
    out += drain(machine)
    machine.receive_eof(2)
    return events(machine), out + drain(machine), machine.state


def test_a_whole_life_is_the_same_however_it_is_cut(
    frame: MakeFrame, however_cut: HoweverCut
) -> None:
    data = (
        b"HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\n"
        + UPGRADED
        + frame(TEXT, b"on", fin=False)
        + frame(PING, b"1")
        + frame(0, b"e")
        + frame(PING, b"2")
        + frame(CLOSE, b"\x03\xe8bye")
        + b"ignored"
    )
    happened, out, state = however_cut(data, play)
    assert happened == [
        Open(),
        Message(b"one"),
        Ended(cause=Cause.PEER_CLOSED, reason="bye", code=1000, up_for=1),
    ]
    assert state is State.CLOSED
    frames = out.partition(b"\r\n\r\n")[2].partition(b"\r\n\r\n")[2]
    server = Framing(client=False, entropy=bytes, max_message_size=50)
    said = [PongFrame(b"1"), PongFrame(b"2"), CloseFrame(1000, "")]
    assert list(server.receive_data(frames)) == said


@given(
    st.booleans(),
    st.lists(
        st.one_of(
            st.binary(min_size=1, max_size=20),
            st.sampled_from([b"\x81\x02hi", b"\x01\x00", b"\x80\x01x", b"\x89\x01?", b"\x88\x00"]),
        ),
        max_size=10,
    ),
)
def test_no_stream_raises_and_no_cut_makes_a_difference(upgraded: bool, rest: list[bytes]) -> None:
    pieces = [UPGRADED] * upgraded + rest
    happened, out, state = play(pieces)
    assert (happened, out, state) == play([b"".join(pieces)])
    assert state is State.CLOSED
    assert [isinstance(event, Ended) for event in happened].count(True) == 1
    assert isinstance(happened[-1], Ended)


STEPS = st.one_of(
    st.tuples(
        st.just("data"),
        st.sampled_from(
            [
                UPGRADED,
                b"HTTP/1.1 401 No\r\n\r\n",
                b"\x81\x02hi",
                b"\x89\x01?",
                b"\x88\x00",
                b"\x8a\x04the ",
            ]
        )
        | st.binary(max_size=5),
    ),
    st.tuples(st.just("wait"), st.floats(0, 30)),
    st.tuples(st.just("send"), st.text(max_size=10).map(str.encode)),
    st.tuples(st.just("write"), st.integers(1, 200)),
    st.tuples(st.sampled_from(["timer", "timer", "close", "abort", "eof", "fail"]), st.none()),
)


def step(machine: Connection, now: float, name: str, value: Any) -> bytes:
    match name:
        case "data":
            machine.receive_data(value, now)
        case "send":
            machine.send_text(value, now)
        case "write":
            return machine.data_to_send(now, value)
        case "timer":
            machine.handle_timer(now)
            timer = machine.next_timer()
            assert timer is None or timer > now
        case "close":
            machine.close(1000, "", now)
        case "abort":
            machine.abort(Cause.ABORTED, "hard stop", now)
        case "eof":
            machine.receive_eof(now)
        case "fail":
            machine.fail(Cause.TLS_FAILED, "bad record", now)
    return b""


@given(st.booleans(), st.lists(STEPS, max_size=40))
def test_any_order_of_calls_keeps_the_promises(
    upgraded: bool, steps: list[tuple[str, Any]]
) -> None:
    machine, now = client(), 0.0
    drain(machine)
    if upgraded:
        machine.receive_data(UPGRADED, now)
    happened: list[ConnectionEvent] = []
    states, out = [machine.state], b""
    for name, value in steps:
        now += value if name == "wait" else 0
        was_over = machine.state is State.CLOSED
        written = step(machine, now, name, value)
        assert not (was_over and written)
        out += written
        happened += events(machine)
        states.append(machine.state)
    for before, after in pairwise(states):
        assert after is before or after in TRANSITIONS[before] | _two_steps_from(before)
    # One end at most, and nothing behind it.
    assert all(not isinstance(event, Ended) for event in happened[:-1])
    assert (machine.state is State.CLOSED) == any(isinstance(e, Ended) for e in happened)
    # What left was frames, with every control frame between them and nothing behind the Close.
    server = Framing(client=False, entropy=bytes, max_message_size=1000)
    received = list(server.receive_data(out))
    assert not any(isinstance(event, Violation) for event in received)
    assert not any(isinstance(event, CloseFrame) for event in received[:-1])


def _two_steps_from(state: State) -> frozenset[State]:
    """One piece of data may open a connection and close it."""
    return frozenset(far for near in TRANSITIONS[state] for far in TRANSITIONS[near])
