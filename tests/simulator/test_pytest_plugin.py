"""The gateway that a user's own tests ask for by name."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from dojo_adapters.runtimes import RUNTIMES
from dojo_proto import AuthenticationError, Context, Epos, OrderUpdated, Settings
from dojo_proto.address import parse_url
from dojo_proto.events import Event, Opened
from dojo_simulator import ConnectionEnded, SimulatorError
from dojo_simulator.serving import ServingGateway

pytest_plugins = ["pytester", "dojo_simulator.pytest_plugin"]

ORDER = {
    "id": "7",
    "status": "Accepted",
    "details": {"orderType": "DineIn", "dineIn": {"tableId": "1"}},
}
PAYMENT = {
    "orderId": "7",
    "paymentIntentId": "pi-1",
    "paidAmount": {"value": 1050, "currencyCode": "GBP"},
}

epos = Epos("acme-epos")


@epos.on("GetOrderById")
def get(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    return {**ORDER, "id": params["orderId"]}


@epos.on("RecordOrderPaymentById")
def pay(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    ctx.state.append(params["paymentIntentId"])
    return ORDER


@epos.lookup("RecordOrderPaymentById")
def paid(ctx: Context, params: dict[str, Any]) -> dict[str, Any] | None:
    return ORDER if params["paymentIntentId"] in ctx.state else None


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_serves_an_epos_in_any_runtime(dojo_gateway: ServingGateway, runtime: str) -> None:
    service = dojo_gateway.serve(epos, runtime=runtime)
    assert service.status().healthy
    reply = dojo_gateway.call("GetOrderById", {"orderId": "8"})
    assert reply.error is None
    assert reply.result["id"] == "8"


def test_calling_twice_books_once(dojo_gateway: ServingGateway) -> None:
    booked: list[str] = []
    dojo_gateway.serve(epos, state=booked)
    first, second = dojo_gateway.call_twice("RecordOrderPaymentById", PAYMENT)
    assert first.id == second.id
    assert first.result == second.result == ORDER
    assert booked == ["pi-1"]


def test_a_dropped_epos_is_soon_back(dojo_gateway: ServingGateway) -> None:
    booked: list[str] = []
    dojo_gateway.serve(epos, state=booked)
    before = dojo_gateway.wait_for_epos()
    lost = before.start_call("RecordOrderPaymentByIdV1", PAYMENT, drop_before_answer=True)
    with pytest.raises(ConnectionEnded):
        lost.wait()
    again = dojo_gateway.wait_for_epos(after=before).call("RecordOrderPaymentByIdV1", PAYMENT)
    assert again.result == ORDER
    assert booked == ["pi-1"]


def test_settings_and_options_may_be_given(dojo_gateway: ServingGateway) -> None:
    events: list[Event] = []
    settings = dojo_gateway.settings(api_key="sk_sandbox_mine", reseller_id="acme")
    service = dojo_gateway.serve(epos, settings, on_event=events.append)
    headers = dojo_gateway.wait_for_epos().headers
    assert headers["authorization"] == "Basic sk_sandbox_mine"
    assert headers["reseller-id"] == "acme"
    service.stop()
    assert isinstance(events[0], Opened)


def test_settings_lead_to_the_gateway(dojo_gateway: ServingGateway) -> None:
    settings = dojo_gateway.settings(workers=1)
    assert isinstance(settings, Settings)
    assert (settings.url, settings.workers) == (dojo_gateway.url, 1)


def test_what_ends_a_service_before_it_is_connected_is_raised(
    dojo_gateway: ServingGateway,
) -> None:
    dojo_gateway.refuse_next(401)
    with pytest.raises(AuthenticationError):
        dojo_gateway.serve(epos)


def test_it_sees_what_was_registered_and_told(dojo_gateway: ServingGateway) -> None:
    service = dojo_gateway.serve(epos, register=True)
    registered = dojo_gateway.registry.wait_for_registration()
    assert registered.names == epos.capabilities()
    service.notify(OrderUpdated("7"))
    assert dojo_gateway.registry.wait_for_event("OrderUpdated").id == "7"


def test_its_rest_side_may_be_there_before_the_epos(dojo_gateway: ServingGateway) -> None:
    url = dojo_gateway.rest.url
    assert dojo_gateway.rest.url == url
    assert dojo_gateway.settings().api_url == url
    dojo_gateway.serve(epos).notify(OrderUpdated("7"))
    assert dojo_gateway.registry.wait_for_event().account.software_house_id == "acme-epos"


def test_without_its_rest_side_nobody_else_is_told(dojo_gateway: ServingGateway) -> None:
    assert parse_url("api_url", dojo_gateway.settings().api_url, "http").is_loopback


def test_without_starlette_it_says_what_is_missing(
    dojo_gateway: ServingGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dojo_simulator.rest", None)
    with pytest.raises(SimulatorError, match=r"needs the extra dojo-proto\[simulator\]"):
        _ = dojo_gateway.rest


# Somebody else's tests.

RunTests = Callable[..., pytest.RunResult]
ASKING = 'pytest_plugins = ["dojo_simulator.pytest_plugin"]'


@pytest.fixture
def run_tests(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> RunTests:
    """Run the tests of a user, who has no other plugins."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run_tests(tests: str, *, conftest: str = ASKING) -> pytest.RunResult:
        pytester.makeconftest(conftest)
        pytester.makepyfile(till=TILL)
        pytester.makepyfile(tests)
        return pytester.runpytest("-p", "no:cacheprovider")

    return run_tests


TILL = """
from dojo_proto import Epos

epos = Epos("acme-epos")
epos.on("ListAreas")(lambda ctx, params: [])
"""


def test_a_test_that_asks_for_it_gets_one_of_its_own(run_tests: RunTests) -> None:
    result = run_tests(
        """
        from till import epos

        urls = set()

        def use(gateway):
            gateway.serve(epos)
            assert len(gateway.connections) == 1
            urls.add(gateway.url)

        def test_one(dojo_gateway):
            use(dojo_gateway)

        def test_two(dojo_gateway):
            use(dojo_gateway)
            assert len(urls) == 2
        """
    )
    result.assert_outcomes(passed=2)


def test_services_end_with_the_test_that_served_them(run_tests: RunTests) -> None:
    result = run_tests(
        """
        from till import epos

        left = []

        def test_one(dojo_gateway):
            left.append((dojo_gateway.serve(epos), dojo_gateway.wait_for_epos()))
            raise RuntimeError("and ends badly")

        def test_two():
            [(service, connection)] = left
            assert service.wait(0)
            assert connection.wait_closed(0).code == 1000
        """
    )
    result.assert_outcomes(passed=1, failed=1)


def test_its_gateway_may_be_named_in_annotations(run_tests: RunTests) -> None:
    importing = f"from dojo_simulator.serving import ServingGateway\n{ASKING}"
    tests = "from dojo_simulator.serving import ServingGateway\ndef test_one(dojo_gateway): pass"
    result = run_tests(tests, conftest=importing)
    result.assert_outcomes(passed=1, warnings=0)


def test_nothing_loads_it_by_itself(run_tests: RunTests) -> None:
    result = run_tests("def test_one(dojo_gateway): pass", conftest="")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*fixture 'dojo_gateway' not found"])
