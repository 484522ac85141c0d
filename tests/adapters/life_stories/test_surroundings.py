"""What a service takes from where it runs: the proxy, the clock, chance, and who listens."""

import logging
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.tills import order

from dojo_adapters.observer import Observer, logger
from dojo_adapters.threads import Runner
from dojo_proto import Context, Epos, Settings
from dojo_proto.events import (
    Cause,
    Closed,
    Event,
    Opened,
    RequestFinished,
    RequestStarted,
    RetryScheduled,
)
from dojo_simulator import LocalGateway

A_MOMENT = timedelta(minutes=1)


@pytest.fixture
def dialed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Whom services dial; nobody answers."""
    dialed: list[tuple[str, int]] = []

    def connect(
        host: str, port: int, _deadline: float, _wanted: Callable[[], bool]
    ) -> socket.socket:
        dialed.append((host, port))
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr("dojo_adapters.engine.connect", connect)
    return dialed


@pytest.mark.parametrize(
    ("no_proxy", "expected"),
    [
        ("", ("proxy.example", 3128)),
        ("elsewhere.example", ("proxy.example", 3128)),
        (".dojo.example", ("gateway.dojo.example", 443)),
    ],
)
def test_the_environment_names_the_proxy_and_whom_it_is_not_for(
    *,
    no_proxy: str,
    expected: tuple[str, int],
    serve: Serve,
    epos: Epos,
    dialed: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    service = serve(epos, url="wss://gateway.dojo.example/epos", proxy=None)
    assert service.wait_for_event(Closed).cause is Cause.DIAL_FAILED
    assert dialed[0] == expected


def test_times_are_those_of_the_wall_clock(serve: Serve, gateway: LocalGateway) -> None:
    epos = Epos("acme-epos")
    seen: list[Context] = []

    @epos.on("GetOrderById")
    def get_order(ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        seen.append(ctx)
        return order("o-1")

    before = datetime.now(UTC) - A_MOMENT
    service = serve(epos)
    connection = gateway.wait_for_epos()
    assert connection.call("GetOrderByIdV1", {"orderId": "o-1"}).error is None
    status = service.status()
    after = datetime.now(UTC) + A_MOMENT
    (ctx,) = seen
    for told in (ctx.received_at, status.since, status.last_received, status.last_request):
        assert told is not None
        assert before <= told <= after


def test_the_time_before_a_retry_is_left_to_chance(
    serve: Serve, epos: Epos, dialed: list[tuple[str, int]]
) -> None:
    somewhere = "ws://localhost:1/epos"
    service = serve(epos, url=somewhere, backoff_initial=0.01, backoff_max=0.01, jitter=1)
    service.wait_for_event(RetryScheduled, count=3)
    waits = [event.seconds for event in service.events if isinstance(event, RetryScheduled)]
    assert len(set(waits)) == len(waits)
    assert len(dialed) >= 3


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Event]]:
    """The events that services make, whether somebody listens or not."""
    made: list[Event] = []
    put = Observer.put

    def noted(observer: Observer, event: Event) -> None:
        made.append(event)
        put(observer, event)

    monkeypatch.setattr(Observer, "put", noted)
    level = logger.level
    yield made
    logger.setLevel(level)


@pytest.mark.parametrize(
    ("level", "expected"),
    [("INFO", []), ("DEBUG", [RequestStarted, RequestFinished])],
)
def test_events_of_each_request_are_made_only_if_somebody_would_see_them(
    level: str, expected: list[type[Event]], made: list[Event], played: PlayedGateway
) -> None:
    logger.setLevel(logging.DEBUG)  # as another service may have left it
    epos = Epos("acme-epos")
    epos.on("SearchOrders")(lambda _ctx, _params: {"data": []})
    settings = Settings(api_key="sk_sandbox_c4nary", url=played.url, proxy="", log_level=level)
    with Runner(epos, settings) as runner:
        peer = played.accept_epos()
        peer.send(peer.request(1, "SearchOrdersV1"))
        assert peer.next_answer()["result"] == {"data": []}
        runner.request_abort()
        assert runner.wait(10)
    kinds = [type(event) for event in made]
    assert Opened in kinds
    assert [kind for kind in kinds if kind in {RequestStarted, RequestFinished}] == expected
