"""A gateway that speaks HTTP/2 alone: `http/1.1` is asked for, and the refusal is clear.

That nothing but that is asked for shows behind nginx, which would take `h2` if it were offered.
"""

import shutil
import ssl
from pathlib import Path

import pytest
from tests.interop.process import Process
from tests.interop.servers.catalogue import on_node
from tests.interop.visiting import served, settings

from dojo_proto import Epos
from dojo_proto.events import Cause, Closed

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def test_one_that_refuses_the_alpn(
    runtime: str, epos: Epos, certificate: Path, trusting: ssl.SSLContext
) -> None:
    with Process(on_node("speaks_http2.js", str(certificate))) as http2:
        closed = refusal(runtime, epos, f"wss://127.0.0.1:{http2.port}/epos", trusting)
    assert closed.cause is Cause.TLS_FAILED
    assert "it refuses ALPN http/1.1, so it may speak HTTP/2 only" in closed.reason


def test_one_that_ignores_it_and_answers_in_http2(runtime: str, epos: Epos) -> None:
    with Process(on_node("speaks_http2.js")) as http2:
        closed = refusal(runtime, epos, f"ws://127.0.0.1:{http2.port}/epos")
    assert closed.cause is Cause.BAD_HANDSHAKE
    assert "the answer is not HTTP/1.1" in closed.reason


def refusal(runtime: str, epos: Epos, url: str, trusting: ssl.SSLContext | None = None) -> Closed:
    """How the one dial ends that is made within a test."""
    once = settings(url, backoff_initial=300, backoff_max=300)
    with served(runtime, epos, once, trusting=trusting) as service:
        return service.told(Closed)[0]
