"""How a client's connection is put together, and what is told of its end."""

from typing import Any

import pytest

from dojo_proto.connecting import connect, explained
from dojo_proto.connection import Connection, Ended, State
from dojo_proto.errors import ConfigurationError
from dojo_proto.events import Cause
from dojo_proto.settings import Settings

KEY = "sk_sandbox_c4nary"


def connection(api_key: str = KEY, **settings: Any) -> Connection:
    return connect(
        Settings(**{"api_key": KEY, **settings}),
        software_house_id="acme-epos",
        api_key=api_key,
        deadline=17.0,
        entropy=lambda size: b"the sample nonce"[:size],
        now=7.0,
    )


def test_it_asks_for_the_upgrade_with_the_key_as_it_is_now() -> None:
    machine = connection("sk_sandbox_rotated", reseller_id="reseller-1")
    assert machine.state is State.OPENING
    assert machine.next_timer() == 17.0
    lines = machine.data_to_send(7.0, 65_536).split(b"\r\n")
    assert lines[0] == b"GET /epos HTTP/1.1"
    assert {
        b"Host: eu.ws.dojo.tech",
        b"Authorization: Basic sk_sandbox_rotated",
        b"software-house-id: acme-epos",
        b"reseller-id: reseller-1",
    } <= set(lines)


def test_behind_a_proxy_it_asks_for_a_tunnel_first() -> None:
    machine = connection(proxy="http://proxy:3128")
    assert machine.state is State.TUNNELLING
    assert machine.data_to_send(7.0, 65_536).startswith(b"CONNECT eu.ws.dojo.tech:443 HTTP/1.1\r\n")


@pytest.mark.parametrize("compression", [False, True])
def test_compression_is_offered_if_it_is_wanted(compression: bool) -> None:
    machine = connection(compression=compression)
    assert (b"permessage-deflate" in machine.data_to_send(7.0, 65_536)) is compression


def test_a_key_that_cannot_be_sent_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="white space") as caught:
        connection("sk_sandbox_c4nary\n")
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "said", "reason"),
    [
        (1001, "", "the gateway closed the connection with code 1001"),
        (1001, "restart", 'the gateway closed the connection with code 1001: "restart"'),
        (1005, "", "the gateway closed the connection without a code"),
        (
            1008,
            f"bad key {KEY}\r\nFORGED",
            'the gateway closed the connection with code 1008: "bad key ***??FORGED"',
        ),
        (
            1008,
            f"bad key {KEY[:-3]}",
            'the gateway closed the connection with code 1008: "bad key ***"',
        ),
    ],
)
def test_a_close_of_the_gateway_is_told_in_one_line_without_the_key(
    code: int, said: str, reason: str
) -> None:
    ended = Ended(cause=Cause.PEER_CLOSED, reason=said, code=code, up_for=3.0)
    assert explained(ended, KEY) == Ended(
        cause=Cause.PEER_CLOSED, reason=reason, code=code, up_for=3.0
    )


def test_a_fault_of_the_gateway_is_told_as_one() -> None:
    ended = Ended(cause=Cause.PROTOCOL_ERROR, reason="the frame is masked", code=1002)
    assert explained(ended, KEY).reason == (
        "the gateway broke RFC 6455 (close code 1002): the frame is masked"
    )


def test_a_message_that_is_too_large_breaks_nothing_but_a_limit() -> None:
    ended = Ended(cause=Cause.PROTOCOL_ERROR, reason="a message is larger than 9 bytes", code=1009)
    assert explained(ended, KEY).reason == "a message is larger than 9 bytes (max_message_size)"


@pytest.mark.parametrize(
    "cause", sorted(set(Cause) - {Cause.PEER_CLOSED, Cause.PROTOCOL_ERROR}, key=str)
)
def test_every_other_reason_stands(cause: Cause) -> None:
    ended = Ended(cause=cause, reason="it was so")
    assert explained(ended, KEY) is ended
