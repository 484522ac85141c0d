"""TLS between a socket and the client: one side is the library's, the other a server in memory."""

import ssl
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import trustme
import truststore
from tests.adapters.tls_talk import HOST, Conversation, Cut, Server, server_context, trusting
from tests.proto.wired import KEY, bytewise, whole

from dojo_adapters.tls import make_context
from dojo_proto import ConfigurationError
from dojo_proto.events import Cause, Closed


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


# Handshake and data.


@pytest.mark.parametrize("cut", [whole, bytewise])
def test_the_upgrade_and_a_call_go_through_tls_however_the_stream_is_cut(
    ca: trustme.CA, cut: Cut
) -> None:
    conversation = Conversation(make_context(trusting(ca)))
    server = Server(server_context(ca))
    conversation.talk(server, cut)
    assert conversation.is_open
    number = server.machine.call("1", "SearchOrdersV1", {"text": "ä"}, 0.0)
    conversation.talk(server, cut)
    [answer] = server.answers
    assert (answer.call, answer.result) == (number, '{"data":[],"after":"ä"}'.encode())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_speaks_tls_1_2_and_1_3(ca: trustme.CA, version: ssl.TLSVersion) -> None:
    context = server_context(ca)
    context.minimum_version = context.maximum_version = version
    conversation, server = Conversation(make_context(trusting(ca))), Server(context)
    conversation.talk(server)
    assert conversation.is_open
    assert server.tls.version() == version.name.replace("_", ".")


def test_it_offers_http_1_1_and_nothing_else(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    assert server.tls.selected_alpn_protocol() == "http/1.1"
    context = server_context(ca)
    context.set_alpn_protocols(["h2"])
    server = Server(context)
    Conversation(make_context(trusting(ca))).talk(server)
    assert server.tls.selected_alpn_protocol() is None


def test_it_refuses_to_renegotiate(ca: trustme.CA) -> None:
    context = trusting(ca)
    context.options &= ~ssl.OP_NO_RENEGOTIATION
    assert make_context(context).options & ssl.OP_NO_RENEGOTIATION


def test_it_names_the_host_that_it_wants(ca: trustme.CA) -> None:
    named: list[str | None] = []
    context = server_context(ca)
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    Conversation(make_context(trusting(ca))).talk(Server(context))
    assert named == [HOST]


def test_much_data_both_ways(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    text = "x" * 900_000
    server.machine.call("1", "SearchOrdersV1", {"text": text}, 0.0)
    conversation.talk(server)
    [answer] = server.answers
    assert answer.result == f'{{"data":[],"after":"{text}"}}'.encode()


def test_a_limit_bounds_what_one_write_takes(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    server.machine.call("1", "SearchOrdersV1", {"text": "x" * 50_000}, 0.0)
    conversation.hear(server.data_to_send())
    first = conversation.wire.data_to_send(0.0, 1000)
    assert 1000 <= len(first) < 1100  # with what TLS adds
    server.receive(first)
    conversation.talk(server)
    assert len(server.answers) == 1


def test_nothing_of_the_client_is_readable_on_the_wire(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    seen = b""
    while up := conversation.say():
        seen += up
        server.receive(up)
        conversation.hear(server.data_to_send())
    assert conversation.is_open
    assert KEY.encode() not in seen
    assert b"acme-epos" not in seen


def test_without_tls_the_wire_is_the_clients_own_bytes() -> None:
    conversation = Conversation(None, url="ws://127.0.0.1:8765/epos")
    assert conversation.say().startswith(b"GET /epos HTTP/1.1\r\n")
    conversation.hear(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
    assert conversation.closed.status == 503


# Who is not trusted.


def refused(context: ssl.SSLContext, server: ssl.SSLContext) -> Closed:
    """How a connection ends that has to end before anything is sent."""
    conversation = Conversation(make_context(context))
    played = Server(server)
    conversation.talk(played)
    assert not conversation.is_open
    assert played.tls.pending() == 0
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert KEY not in conversation.closed.reason
    return conversation.closed


def test_a_certificate_for_another_host(ca: trustme.CA) -> None:
    closed = refused(trusting(ca), server_context(ca, "other.example"))
    assert f"TLS with {HOST} failed: its certificate is refused" in closed.reason
    assert "Hostname mismatch" in closed.reason
    assert HOST in closed.reason


def test_a_certificate_of_a_ca_that_nobody_knows(ca: trustme.CA) -> None:
    closed = refused(trusting(trustme.CA()), server_context(ca))
    assert "its certificate is refused" in closed.reason
    assert "pass an ssl_context that trusts it" in closed.reason


def test_the_trust_store_of_the_system_does_not_know_a_private_ca(ca: trustme.CA) -> None:
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    assert "its certificate is refused" in refused(context, server_context(ca)).reason


def test_a_certificate_that_has_expired(ca: trustme.CA) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    closed = refused(trusting(ca), server_context(ca, not_after=yesterday))
    assert "certificate has expired" in closed.reason


def test_a_server_that_knows_only_tls_1_1(ca: trustme.CA) -> None:
    context = server_context(ca)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old it is, hence the test
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert "alert protocol version" in refused(trusting(ca), context).reason


def test_a_server_that_speaks_plain_http_on_the_port(ca: trustme.CA) -> None:
    conversation = Conversation(make_context(trusting(ca)))
    assert conversation.say()
    conversation.hear(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert "is the port a TLS one?" in conversation.closed.reason


@pytest.mark.parametrize(
    "noise", [b"\x00" * 100, b"\x16\x03\x03\xff\xff" + b"\x01" * 100, b"SSH-2.0-x\r\n"]
)
def test_noise_ends_the_connection_and_nothing_else(ca: trustme.CA, noise: bytes) -> None:
    conversation = Conversation(make_context(trusting(ca)))
    assert conversation.say()
    conversation.hear(noise)
    conversation.hear_the_end()
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert not conversation.is_open


def test_noise_inside_an_open_connection(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    conversation.hear(b"\x17\x03\x03\x00\x20" + b"?" * 32)
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert conversation.closed.reason.startswith(f"TLS with {HOST} failed: ")
    conversation.hear(b"more of it")  # late news of a link that is gone
    conversation.hear_the_end()
    assert len([event for event in conversation.events if isinstance(event, Closed)]) == 1


# How it ends.


def test_the_end_of_the_stream_during_the_handshake(ca: trustme.CA) -> None:
    conversation = Conversation(make_context(trusting(ca)))
    assert conversation.say()
    conversation.hear_the_end()
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert conversation.closed.reason == (
        "the peer ended the stream during the TLS handshake; is the port a TLS one?"
    )


def test_the_end_of_tls_during_the_handshake_is_the_end_of_the_stream(ca: trustme.CA) -> None:
    conversation = Conversation(make_context(trusting(ca)))
    assert conversation.say()
    conversation.hear(bytes.fromhex("15 0303 0002 01 00"))  # close_notify: RFC 8446 section 6.1
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert conversation.closed.reason.startswith("the peer ended the stream during the TLS hand")


def test_the_end_of_the_stream_without_tls_is_no_tls_that_failed() -> None:
    conversation = Conversation(None, url="ws://127.0.0.1:8765/epos")
    assert conversation.say()
    conversation.hear_the_end()
    assert conversation.closed.cause is not Cause.TLS_FAILED


def test_the_end_of_the_stream_afterwards_is_a_lost_connection(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    conversation.hear_the_end()
    assert (conversation.closed.cause, conversation.closed.code) == (Cause.LOST, 1006)


def test_the_end_of_tls_is_the_end_of_the_stream(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    with pytest.raises(ssl.SSLWantReadError):
        server.tls.unwrap()  # says close_notify, and would wait for ours
    conversation.hear(server.data_to_send())
    assert (conversation.closed.cause, conversation.closed.code) == (Cause.LOST, 1006)


def test_a_close_frame_and_the_end_of_tls_in_one_read(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(server_context(ca))
    conversation.talk(server)
    server.machine.close(0.0, 4000, "moved")
    last = server.data_to_send()
    with pytest.raises(ssl.SSLWantReadError):
        server.tls.unwrap()
    conversation.hear(last + server.data_to_send())
    assert (conversation.closed.cause, conversation.closed.code) == (Cause.PEER_CLOSED, 4000)


# Through a proxy.


@pytest.mark.parametrize("cut", [whole, bytewise])
def test_tls_begins_behind_the_tunnel(ca: trustme.CA, cut: Cut) -> None:
    conversation = Conversation(
        make_context(trusting(ca)), proxy="http://user:s3cret@proxy.example:3128"
    )
    asked = conversation.say()
    assert asked.startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n".encode())
    assert KEY.encode() not in asked
    for piece in cut(b"HTTP/1.1 200 Connection established\r\n\r\n"):
        conversation.hear(piece)
    server = Server(server_context(ca))
    conversation.talk(server, cut)
    assert conversation.is_open
    assert server.tls.selected_alpn_protocol() == "http/1.1"


def test_a_proxy_that_refuses_is_no_tls_that_failed(ca: trustme.CA) -> None:
    conversation = Conversation(make_context(trusting(ca)), proxy="http://proxy.example:3128")
    conversation.say()
    conversation.hear(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
    assert (conversation.closed.cause, conversation.closed.status) == (Cause.PROXY_REFUSED, 407)
    assert conversation.say() == b""


def test_the_end_of_the_stream_behind_the_tunnel(ca: trustme.CA) -> None:
    conversation = Conversation(make_context(trusting(ca)), proxy="http://proxy.example:3128")
    conversation.say()
    conversation.hear(b"HTTP/1.1 200 OK\r\n\r\n")
    assert conversation.say()[:1] == b"\x16"  # a TLS handshake record
    conversation.hear_the_end()
    assert conversation.closed.cause is Cause.TLS_FAILED


# Client certificates.


def wants_certificate(ca: trustme.CA) -> ssl.SSLContext:
    context = server_context(ca)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def test_a_client_certificate_of_the_users_own_context_is_shown(ca: trustme.CA) -> None:
    context = trusting(ca)
    ca.issue_cert("till-7.example").configure_cert(context)
    conversation, server = Conversation(make_context(context)), Server(wants_certificate(ca))
    conversation.talk(server)
    assert conversation.is_open
    shown = server.tls.getpeercert()
    assert shown is not None
    assert ("DNS", "till-7.example") in shown["subjectAltName"]


def test_without_one_that_the_gateway_wants_the_reason_says_so(ca: trustme.CA) -> None:
    conversation, server = Conversation(make_context(trusting(ca))), Server(wants_certificate(ca))
    conversation.talk(server)
    assert not conversation.is_open
    assert conversation.closed.cause is Cause.TLS_FAILED
    assert "certificate required" in conversation.closed.reason


# The context.


def test_by_default_the_system_is_trusted() -> None:
    context = make_context(None)
    assert isinstance(context, truststore.SSLContext)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_that_of_the_system_is_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    context = make_context(None)
    # Where the system verifies, this is off for as long as another thread begins to speak TLS.
    monkeypatch.setattr(type(context), "check_hostname", False)
    assert make_context(None) is context


def test_a_context_of_ones_own_stays_the_same_object(ca: trustme.CA) -> None:
    context = trusting(ca)
    assert make_context(context) is context


def test_tls_1_2_is_the_least_and_more_is_kept() -> None:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    assert make_context(context).minimum_version is ssl.TLSVersion.TLSv1_2
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert make_context(context).minimum_version is ssl.TLSVersion.TLSv1_3


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def any_host() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    return context


def optional() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def for_servers() -> ssl.SSLContext:
    return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


@pytest.mark.parametrize("make", [unverified, any_host, optional, for_servers])
def test_a_context_that_does_not_verify_is_refused(make: Callable[[], ssl.SSLContext]) -> None:
    with pytest.raises(ConfigurationError, match=r"^ssl_context: it does not verify"):
        make_context(make())
