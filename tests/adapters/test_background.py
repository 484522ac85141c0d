"""A service in a thread of its own is the same on every runtime."""

import sys
from threading import enumerate as running_threads
from typing import Any

import pytest
from tests.adapters.played_api import PlayedApi

from dojo_adapters.background import in_background
from dojo_adapters.runtimes import RUNTIMES, RuntimeNotInstalled, load_runtime
from dojo_proto import (
    AuthenticationError,
    ConfigurationError,
    Context,
    Epos,
    OrderUpdated,
    Settings,
)
from dojo_proto.connection import Ended
from dojo_proto.events import Cause
from dojo_simulator import LocalGateway

pytestmark = pytest.mark.parametrize("runtime", RUNTIMES)

epos = Epos(software_house_id="acme-epos")


@epos.on("ListAreas")
def list_areas(_ctx: Context, _params: dict[str, object]) -> list[object]:
    return []


def settings(gateway: LocalGateway) -> Settings:
    return Settings(api_key="sk_sandbox_c4nary", url=gateway.url)


def end(gateway: LocalGateway) -> Ended:
    return gateway.connections[-1].wait_closed()


def test_it_serves_until_the_block_is_left(runtime: str) -> None:
    with LocalGateway() as gateway:
        with in_background(runtime, epos, settings(gateway)) as service:
            assert service.ready(5)
            assert service.status().healthy
            assert gateway.wait_for_epos().call("ListAreasV1", {}).result == []
            assert not service.wait(0)
        assert (end(gateway).cause, end(gateway).code) == (Cause.PEER_CLOSED, 1000)
    assert service.wait(0)
    assert service.status().state == "stopped"
    assert not [t for t in running_threads() if t.name in {"dojo-loop", "dojo-io"}]


def test_it_tells_dojo_of_changes(runtime: str) -> None:
    with LocalGateway() as gateway, PlayedApi() as api:
        chosen = Settings(api_key="sk_sandbox_c4nary", url=gateway.url, api_url=api.url)
        with in_background(runtime, epos, chosen, register=True) as service:
            service.notify(OrderUpdated("order-1"))
        told = [asked.json for asked in api.asked if asked.line.startswith("POST")]
        assert told == [{"eventType": "OrderUpdated", "event": {"orderId": "order-1"}}]


def test_an_option_that_is_misspelt_is_named(runtime: str) -> None:
    options: Any = {"regsiter": True}
    with (
        LocalGateway() as gateway,
        pytest.raises(ConfigurationError, match=r"no option 'regsiter'; there are: .* register"),
        in_background(runtime, epos, settings(gateway), **options),
    ):
        pass


def test_an_exception_in_the_block_stops_it_at_once(runtime: str) -> None:
    def fail(gateway: LocalGateway) -> None:
        with in_background(runtime, epos, settings(gateway)):
            gateway.wait_for_epos()
            raise ZeroDivisionError

    with LocalGateway() as gateway:
        with pytest.raises(ZeroDivisionError):
            fail(gateway)
        assert end(gateway).cause is Cause.LOST


@pytest.mark.parametrize("hard", [False, True])
def test_it_can_be_asked_to_end(runtime: str, *, hard: bool) -> None:
    with (
        LocalGateway() as gateway,
        in_background(runtime, epos, settings(gateway)) as service,
    ):
        assert service.ready(5)
        if hard:
            service.request_abort()
        else:
            service.request_stop()
        assert service.wait(5)
        service.stop()  # harmless


def test_what_ends_it_is_raised_by_those_who_wait_and_by_the_block(runtime: str) -> None:
    raised = []

    def serve(gateway: LocalGateway) -> None:
        with in_background(runtime, epos, settings(gateway)) as service:
            for wait in (service.ready, service.wait):
                try:
                    wait(5)
                except AuthenticationError as error:
                    raised.append(error)

    with LocalGateway() as gateway:
        gateway.refuse_next(401)
        with pytest.raises(AuthenticationError) as caught:
            serve(gateway)
    assert raised == [caught.value] * 2


def test_a_wrong_configuration_is_raised_before_the_block(runtime: str) -> None:
    with (
        LocalGateway() as gateway,
        pytest.raises(ConfigurationError, match="handles nothing"),
        in_background(runtime, Epos("acme-epos"), settings(gateway)),
    ):
        pytest.fail("the block must not run")


def test_a_runtime_that_is_not_installed_is_named_with_the_way_to_get_it(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if runtime not in {"trio", "anyio"}:
        # The others are Python's own.
        assert load_runtime(runtime) is sys.modules[f"dojo_adapters.{runtime}"]
        return
    monkeypatch.setitem(sys.modules, runtime, None)
    monkeypatch.delitem(sys.modules, f"dojo_adapters.{runtime}", raising=False)
    with pytest.raises(RuntimeNotInstalled, match=rf"pip install 'dojo-proto\[{runtime}\]'"):
        load_runtime(runtime)


def test_another_name_is_refused(runtime: str) -> None:
    with pytest.raises(ConfigurationError, match=f"expected one of .*{runtime}.*; got 'twisted'"):
        load_runtime("twisted")
