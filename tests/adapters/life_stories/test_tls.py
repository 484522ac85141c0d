"""TLS that is refused: the connection is not made, the key is not sent, and the reason helps."""

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Authority, Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import Served

from dojo_adapters import engine
from dojo_proto import ConfigurationError, Epos
from dojo_proto.events import Cause, Closed
from dojo_simulator import LocalGateway

ONCE: dict[str, Any] = {"backoff_initial": 300, "backoff_max": 300}
"""Settings that leave it at one dial."""


def refusal(service: Served) -> Closed:
    closed = service.wait_for_event(Closed)
    assert closed.cause is Cause.TLS_FAILED
    assert closed.reason.startswith("TLS with 127.0.0.1 failed: ")
    return closed


def refuse_handshake(played: PlayedGateway, context: ssl.SSLContext) -> None:
    """Have the next connection refused by the server, which waits until the client has gone."""
    accepted = played.accept().socket
    tls = context.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
    with tls:
        with pytest.raises(ssl.SSLError):
            tls.do_handshake()
        while socket.recv(tls, 1 << 16):  # what has crossed the alert; unread it would be a reset
            pass


def test_a_self_signed_certificate_is_refused_by_the_systems_trust_store(
    serve: Serve, epos: Epos, authority: Authority, tmp_path: Path
) -> None:
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(authority.write_own_certificate(tmp_path / "own.pem"))
    with LocalGateway(tls=own) as gateway:
        reason = refusal(serve(epos, url=gateway.url, **ONCE)).reason
        assert "self-signed certificate" in reason
        assert "pass an ssl_context that trusts it" in reason
        assert gateway.connections == ()


def test_a_certificate_for_another_host_is_refused(
    serve: Serve, epos: Epos, authority: Authority
) -> None:
    with LocalGateway(tls=authority.server_context("elsewhere.example")) as gateway:
        service = serve(epos, url=gateway.url, ssl_context=authority.trusting(), **ONCE)
        reason = refusal(service).reason
        assert "mismatch" in reason
        assert "check the url" in reason
        assert gateway.connections == ()


def test_a_certificate_that_has_expired_is_refused(
    serve: Serve, epos: Epos, authority: Authority
) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with LocalGateway(tls=authority.new_server_context("127.0.0.1", yesterday)) as gateway:
        service = serve(epos, url=gateway.url, ssl_context=authority.trusting(), **ONCE)
        reason = refusal(service).reason
        assert "certificate has expired" in reason
        assert "its owner has to renew it" in reason
        assert gateway.connections == ()


def untrusted(serve: Serve, epos: Epos, authority: Authority) -> None:
    with LocalGateway(tls=authority.server_context("127.0.0.1")) as gateway:
        reason = refusal(serve(epos, url=gateway.url, **ONCE)).reason
        assert "unable to get local issuer certificate" in reason
        assert "pass an ssl_context that trusts it" in reason
        assert gateway.connections == ()


def test_a_root_that_the_system_does_not_trust_is_refused(
    serve: Serve, epos: Epos, authority: Authority
) -> None:
    untrusted(serve, epos, authority)


def test_it_is_red_where_a_context_verifies_nothing(
    serve: Serve, epos: Epos, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname = False
    blind.verify_mode = ssl.CERT_NONE
    with monkeypatch.context() as planted:
        planted.setattr(engine, "make_context", lambda _context: blind)
        planted.setattr("tests.adapters.life_stories.serving.DEADLINE", 0.3)
        with pytest.raises(AssertionError, match="never told"):
            untrusted(serve, epos, authority)


def test_a_server_that_knows_only_tls_1_1_is_refused(
    serve: Serve, epos: Epos, authority: Authority, played: PlayedGateway
) -> None:
    old = authority.new_server_context("127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old it is, hence the test
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    url = played.url.replace("ws:", "wss:")
    service = serve(epos, url=url, ssl_context=authority.trusting(), **ONCE)
    refuse_handshake(played, old)
    assert "protocol version" in refusal(service).reason


def test_a_client_certificate_of_a_private_authority_is_shown(
    serve: Serve, epos: Epos, authority: Authority
) -> None:
    demanding = authority.demand_certificate(authority.new_server_context("127.0.0.1"))
    ours = authority.show_certificate(authority.trusting(), "till-7.example")
    with LocalGateway(tls=demanding) as gateway:
        service = serve(epos, url=gateway.url, ssl_context=ours)
        assert gateway.wait_for_epos().call("SearchOrdersV1").result == {"data": []}
        service.stop()


def test_without_a_client_certificate_that_is_demanded_the_reason_says_so(
    serve: Serve, epos: Epos, authority: Authority, played: PlayedGateway
) -> None:
    demanding = authority.demand_certificate(authority.new_server_context("127.0.0.1"))
    url = played.url.replace("ws:", "wss:")
    service = serve(epos, url=url, ssl_context=authority.trusting(), **ONCE)
    refuse_handshake(played, demanding)
    assert "certificate required" in refusal(service).reason


@pytest.mark.parametrize("begin", [b"", b"\x16\x03\x03\x40\x00\x02"], ids=["silent", "begun"])
def test_a_tls_handshake_that_does_not_go_on_has_the_deadline_of_opening(
    begin: bytes, serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    # On a busy machine a dial may take as long: then there is another.
    service = serve(epos, url=played.url.replace("ws:", "wss:"), open_timeout=0.1)
    peer = played.accept()
    assert b"sk_sandbox" not in peer.socket.recv(1 << 16)
    peer.socket.sendall(begin)
    service.wait_for_event(Closed, lambda closed: closed.cause is Cause.OPEN_TIMEOUT)


def test_a_peer_that_speaks_no_tls_is_told_apart(
    serve: Serve, epos: Epos, played: PlayedGateway
) -> None:
    service = serve(epos, url=played.url.replace("ws:", "wss:"))
    played.accept().socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "what came in is not TLS" in refusal(service).reason
    assert "sk_sandbox" not in str(service.events)


@pytest.mark.parametrize("verify_mode", [ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED])
def test_a_context_that_does_not_verify_is_refused_before_anything_is_dialed(
    verify_mode: ssl.VerifyMode, serve: Serve, epos: Epos
) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = verify_mode
    service = serve(epos, url="wss://127.0.0.1:1/epos", ssl_context=context)
    with pytest.raises(ConfigurationError, match=r"ssl_context: .*load_verify_locations"):
        service.wait()
    assert service.events == []
