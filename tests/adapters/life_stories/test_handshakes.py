"""Upgrades that are refused, and what becomes of the service."""

import socket
from typing import cast

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.transports import over_every_transport

from dojo_proto import AuthenticationError, ConfigurationError, Epos
from dojo_proto.events import AuthenticationRefused, Cause, Closed, RetryScheduled
from dojo_simulator import ConnectProxy, LocalGateway


def test_a_503_is_retried_no_sooner_than_it_asks_for(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    gateway.refuse_next(503, retry_after=60)
    service = serve(epos)
    closed = service.wait_for_event(Closed)
    assert (closed.cause, closed.status, closed.retry_after) == (Cause.UNAVAILABLE, 503, 60)
    assert service.wait_for_event(RetryScheduled).seconds >= 60
    assert service.status().state == "waiting"


def test_a_503_that_asks_for_nothing_is_retried_soon(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    gateway.refuse_next(503, n=2)
    service = serve(epos)
    assert service.ready()
    assert gateway.refused == 2
    assert service.wait_for_event(Closed, count=2).cause is Cause.UNAVAILABLE


@over_every_transport
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_a_service_that_was_never_connected(
    status: int, serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    gateway.refuse_next(status)
    service = serve(epos)
    with pytest.raises(AuthenticationError, match=str(status)) as ready:
        service.ready()
    with pytest.raises(AuthenticationError) as waited:
        service.wait()
    assert ready.value.status == waited.value.status == status
    assert "c4nary" not in str(waited.value)
    assert gateway.refused == 1


def test_a_key_that_was_taken_before_is_tried_again(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos)
    first = gateway.wait_for_epos()
    gateway.refuse_next(403)
    first.drop()
    assert service.wait_for_event(AuthenticationRefused).status == 403
    assert gateway.wait_for_epos(after=first).is_open
    service.stop()
    assert service.error is None


def test_a_proxy_that_refuses_is_named_with_its_status(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    with ConnectProxy(credentials=("till", "s3cret")) as proxy:
        service = serve(epos, proxy=proxy.url, backoff_initial=300, backoff_max=300)
        refused = service.wait_for_event(Closed)
        assert (refused.cause, refused.status) == (Cause.PROXY_REFUSED, 407)
        assert proxy.url.removeprefix("http://") in refused.reason
        service.abort()
    assert gateway.connections == ()


def test_a_proxy_that_is_not_there_is_told_to_be_one_and_where_it_was_named(
    serve: Serve, epos: Epos
) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        port = deaf.getsockname()[1]
        service = serve(
            epos, proxy=f"http://till:s3cret@127.0.0.1:{port}", backoff_initial=300, backoff_max=300
        )
        reason = service.wait_for_event(Closed).reason
        named = f"no connection to the proxy 127.0.0.1:{port} (of Settings.proxy): "
        assert reason.startswith(named)
        assert "s3cret" not in reason
        service.abort()


def test_a_mistake_of_the_program_is_told_before_anything_is_dialed(
    serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    with pytest.raises(ConfigurationError, match="got the text 'till:epos'"):
        serve(cast("Epos", "till:epos")).wait()
    with pytest.raises(ConfigurationError, match="journal"):
        serve(epos, journal=None).wait()
    with pytest.raises(ConfigurationError, match="handles nothing"):
        serve(Epos("acme-epos")).wait()
    assert gateway.connections == ()
    assert gateway.refused == 0
