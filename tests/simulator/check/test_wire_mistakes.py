"""Mistakes outside of the handlers: in the connection, in what is registered, at the till."""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from tests.simulator.check.conftest import Judge

from dojo_adapters.background import in_background
from dojo_proto import Context, Epos, Settings
from dojo_simulator.check import QUICK, Bench, Finding, Pace, Verdict, chosen, make, visited_bench
from dojo_simulator.registry import Account
from dojo_simulator.restaurant import Restaurant, Staff, epos

Visit = Callable[..., Bench]

ACCOUNT = Account("acme", "sk_sandbox_c4nary")


@pytest.fixture
def visit() -> Iterator[Visit]:
    """Wait for an EPOS that runs by itself, with settings of its own."""
    with ExitStack() as stack:

        def visit(served: Epos = epos, *, pace: Pace = QUICK, **settings: Any) -> Bench:
            bench = stack.enter_context(visited_bench(0, rest_port=0, pace=pace))
            fields = {"api_key": "sk_sandbox_c4nary", "jitter": 0, **settings}
            own = Settings(url=f"ws://127.0.0.1:{bench.tap.port}/epos", **fields)
            restaurant = stack.enter_context(Restaurant())
            stack.enter_context(
                in_background("asyncio", served, own, journal="memory:", state=restaurant)
            )
            return bench

        yield visit


def found(bench: Bench, check: str) -> Finding:
    return make(bench, chosen([check]))[0]


def failed(finding: Finding) -> str:
    assert finding.verdict is Verdict.FAILED, finding.said
    return finding.said


def test_a_key_in_base64(visit: Visit) -> None:
    key = b64encode(b"sk_sandbox_c4nary").decode()
    finding = found(visit(api_key=key), "CON-1")
    assert "base64" in failed(finding)
    assert key not in repr(finding.exchanges)


def test_no_ping(visit: Visit) -> None:
    assert "ping" in failed(found(visit(ping_interval=30), "CON-2"))


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited until a connection has lasted."""
    monkeypatch.setattr("dojo_simulator.check.flows.connection._STABLE", 0.0)


@pytest.mark.usefixtures("at_once")
def test_a_dial_right_after_a_drop(visit: Visit) -> None:
    # In the vendor's own time: beside that no machine is slow.
    bench = visit(pace=Pace(), backoff_initial=0.001, backoff_max=0.001)
    assert "rushed" in failed(found(bench, "CON-4"))


def test_a_dial_right_after_the_key_was_refused(visit: Visit) -> None:
    bench = visit(pace=Pace(), auth_retry="always", backoff_initial=0.001, backoff_max=0.001)
    assert "pause" in failed(found(bench, "CFG-1"))


@pytest.mark.usefixtures("at_once")
def test_pauses_that_never_begin_anew(visit: Visit) -> None:
    bench = visit(backoff_initial=0.04, backoff_max=0.6, stable_after=3600)
    assert "short one again" in failed(found(bench, "CON-4"))


def blocking() -> Epos:
    """An EPOS that holds up its own event loop."""
    wrong = Epos(software_house_id="acme")

    @wrong.on("SearchOrders")
    async def search(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        time.sleep(0.12)  # noqa: ASYNC251 - the mistake
        return {"data": []}

    return wrong


def test_a_handler_that_holds_up_the_pong(judge: Judge) -> None:
    pace = Pace(scale=0.02, pong_within=0.2)
    assert "pong" in failed(judge(blocking(), "CON-3", pace=pace))


def test_a_handler_that_holds_up_the_others(judge: Judge) -> None:
    assert "one after the other" in failed(judge(blocking(), "CON-5"))


def test_both_cursors_are_taken(judge: Judge) -> None:
    wrong = Epos(software_house_id="acme")

    @wrong.on("SearchOrders")
    def search(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        return {"data": []}

    assert "InvalidRequest" in failed(judge(wrong, "ORD-7"))


def test_half_of_the_locks_is_registered(visit: Visit) -> None:
    bench = visit()
    bench.registry.register(ACCOUNT, {"CreateOrderLock": "v1", "SearchOrders": "v1"})
    assert "CreateOrderLock" in failed(found(bench, "CAP-4"))


def test_a_version_that_dojo_does_not_have(visit: Visit) -> None:
    bench = visit()
    bench.registry.register(ACCOUNT, {"SearchOrders": "1.0.0"})
    assert "1.0.0" in failed(found(bench, "CAP-2"))


def test_a_method_that_has_no_handler_is_registered(visit: Visit) -> None:
    wrong = Epos(software_house_id="acme")

    @wrong.on("SearchOrders")
    def search(_ctx: Context, _params: dict[str, Any]) -> dict[str, Any]:
        return {"data": []}

    bench = visit(wrong)
    bench.registry.register(ACCOUNT, {"SearchOrders": "v1", "ListAreas": "v1"})
    assert "ListAreas" in failed(found(bench, "CAP-2"))


def test_a_call_without_a_version(visit: Visit) -> None:
    bench = visit()
    headers = {"Authorization": "Basic sk_sandbox_c4nary", "software-house-id": "acme"}
    with pytest.raises(HTTPError, match="400"):
        urlopen(Request(f"{bench.api_url}/epos/integrations", headers=headers))  # noqa: S310
    assert "version" in failed(found(bench, "CFG-2"))


def test_a_till_that_tells_nothing(host: Callable[..., Bench]) -> None:
    class Silent(Staff):
        def on_change(self, callback: object) -> None:
            pass

    with Restaurant() as restaurant:
        pace = Pace(scale=0.02, patience=0.5)
        bench = host(epos, state=restaurant, till=Silent(restaurant), pace=pace)
        findings = make(bench, chosen(["EVT-3", "EVT-4"]))
    assert ["Updated" in failed(each) for each in findings] == [True, True]
