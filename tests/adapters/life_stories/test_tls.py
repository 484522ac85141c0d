"""TLS that is refused: the connection is not made, the key is not sent, and the reason helps."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Authority, Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import Served

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
