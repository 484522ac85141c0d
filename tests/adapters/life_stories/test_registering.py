"""What a service says to Dojo over REST: what it serves, and what has changed at the till."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Network
from tests.adapters.life_stories.serving import Runtime, Served
from tests.adapters.life_stories.tills import HELD, Till, payment
from tests.adapters.played_api import PlayedApi, answer, listed

from dojo_proto import ConfigurationError, Epos, OrderUpdated
from dojo_proto.events import ApiCallFailed, Closed, Draining, NoticesDropped, Registered
from dojo_simulator import LocalGateway

Open = Callable[..., Served]


@pytest.fixture
def api() -> Iterator[PlayedApi]:
    with PlayedApi() as api:
        yield api


@pytest.fixture
def serve(runtime: Runtime, network: Network, api: PlayedApi) -> Iterator[Open]:
    """Serve with `api` as Dojo's: `settings` are fields of Settings."""
    started: list[Served] = []

    def serve(epos: Epos, *, register: bool = False, **settings: Any) -> Served:
        chosen = network.settings(**({"api_url": api.url} | settings))
        options = {**network.options, "journal": "memory:", "register": register}
        started.append(Served(runtime, epos, chosen, **options))
        return started[-1]

    yield serve
    for served in started:
        served.end()


def test_it_registers_what_it_has_handlers_for(serve: Open, epos: Epos, api: PlayedApi) -> None:
    served = serve(epos, register=True)
    registered = served.wait_for_event(Registered)
    assert registered == Registered(capabilities=epos.capabilities(), changed=True)
    assert [each["name"] for each in api.registered] == [*epos.capabilities()]
    assert api.asked[0].headers["authorization"] == "Basic sk_sandbox_c4nary"
    assert served.status().registration == "done"


def test_a_registration_that_fails_holds_up_nothing(
    serve: Open, epos: Epos, api: PlayedApi, gateway: LocalGateway
) -> None:
    api.answers.append(None)  # it hangs
    served = serve(epos, register=True)
    assert served.ready()
    assert gateway.wait_for_epos().call("SearchOrdersV1", {}).error is None
    assert served.status().registration == "pending"
    served.stop()


def test_unless_asked_it_says_nothing(serve: Open, epos: Epos, api: PlayedApi) -> None:
    served = serve(epos)
    assert served.ready()
    served.stop()
    assert served.status().registration == "off"
    assert api.asked == []


def test_a_change_is_told(serve: Open, epos: Epos, api: PlayedApi) -> None:
    served = serve(epos)
    served.notify(OrderUpdated("order-1"))
    assert api.wait(1)[0].json == {"eventType": "OrderUpdated", "event": {"orderId": "order-1"}}


def test_a_change_during_an_outage_is_told_after_it(
    serve: Open, epos: Epos, api: PlayedApi, gateway: LocalGateway
) -> None:
    served = serve(epos)
    assert served.ready()
    gateway.stop_accepting()
    gateway.wait_for_epos().drop()
    served.wait_for_event(Closed)
    served.notify(OrderUpdated("order-1"))
    assert served.status().notices_waiting == 1
    assert api.asked == []
    gateway.resume()
    assert len(api.wait(1)) == 1


def test_a_change_that_dojo_cannot_take_now_is_told_again(
    serve: Open, epos: Epos, api: PlayedApi
) -> None:
    api.answers.append(answer(503))
    served = serve(epos)
    served.notify(OrderUpdated("order-1"))
    assert [asked.json["event"] for asked in api.wait(2)] == [{"orderId": "order-1"}] * 2
    failed = served.wait_for_event(ApiCallFailed)
    assert (failed.status, failed.attempt) == (503, 1)


def test_a_change_just_before_the_stop_is_told(serve: Open, epos: Epos, api: PlayedApi) -> None:
    served = serve(epos)
    assert served.ready()
    served.notify(OrderUpdated("order-1"))
    served.stop()
    assert len(api.wait(1)) == 1
    assert served.status().notices_waiting == 0
    assert served.status().notices_dropped == 0


def test_a_change_by_what_may_finish_is_told(
    serve: Open, epos: Epos, till: Till, api: PlayedApi, gateway: LocalGateway
) -> None:
    served = serve(epos)
    paying = gateway.wait_for_epos().start_call("RecordOrderPaymentByIdV1", payment(HELD, "pi-1"))
    till.wait_for_visitor()
    served.request_stop()
    assert served.wait_for_event(Draining).running == 1
    served.notify(OrderUpdated(HELD))
    assert api.wait(1)[0].json["event"] == {"orderId": HELD}
    till.door.set()
    assert paying.wait().error is None
    served.wait()


def test_a_hard_stop_drops_what_waits_and_says_so(serve: Open, epos: Epos, api: PlayedApi) -> None:
    api.answers.append(None)
    served = serve(epos)
    served.notify(OrderUpdated("order-1"))
    api.wait(1)
    served.abort()
    dropped = served.wait_for_event(NoticesDropped)
    assert dropped.count == served.status().notices_dropped == 1


def test_the_local_gateway_is_not_confused_with_dojo(serve: Open, epos: Epos) -> None:
    served = serve(epos, register=True, api_url="https://api.dojo.tech")
    with pytest.raises(ConfigurationError, match=r"set api_url \(DOJO_API_URL\)"):
        served.wait()


def test_what_was_registered_before_is_left_alone(serve: Open, epos: Epos, api: PlayedApi) -> None:
    api.answers.append(listed(*epos.capabilities()))
    served = serve(epos, register=True)
    assert not served.wait_for_event(Registered).changed
    assert len(api.asked) == 1
