"""The REST side of the local gateway, as an EPOS and as a tester sees it."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead
from queue import SimpleQueue
from time import monotonic
from typing import Any, NamedTuple

import pytest

from dojo_simulator import Account, LocalGateway, NoRoute, Registry, WaitTimedOut
from dojo_simulator.events import Notified, ObserverEvent, Registered, RestRefused
from dojo_simulator.rest import RestApi, RestFault

Serve = Callable[..., Any]
OURS = Account("acme-epos", "sk_sandbox_c4nary")
HEADERS = {
    "Authorization": "Basic sk_sandbox_c4nary",
    "software-house-id": "acme-epos",
    "version": "2026-02-27",
}
JSON = {"Content-Type": "application/json"}
WS = "/epos/integrations/ws"
SEARCH = {"name": "SearchOrders", "version": "v1"}
BILL = {"name": "GetOrderBill", "version": "v1"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served:
    """One gateway and its REST side for all tests: each begins with an empty registry."""

    def __init__(self) -> None:
        self.told: SimpleQueue[ObserverEvent] = SimpleQueue()
        self.gateway = LocalGateway(route="registered", close_timeout=0.01, on_event=self.told.put)
        self.rest = RestApi(self.gateway)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    served = Served()
    with served.gateway, served.rest:
        yield served


@pytest.fixture(autouse=True)
def gateway(served: Served) -> LocalGateway:
    served.gateway.registry = Registry()
    return served.gateway


@pytest.fixture
def rest(served: Served) -> RestApi:
    return served.rest


@pytest.fixture
def told(served: Served) -> SimpleQueue[ObserverEvent]:
    served.gateway.clear_faults()  # a step of its loop, so what was done before has been told
    while not served.told.empty():
        served.told.get()
    return served.told


@pytest.fixture
def ask(rest: RestApi) -> Callable[..., Answer]:
    def ask(
        method: str,
        path: str,
        body: Any = None,
        *,
        without: str | None = None,
        headers: dict[str, str] = HEADERS | JSON,
    ) -> Answer:
        connection = HTTPConnection(rest.host, rest.port, timeout=5)
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        try:
            sent = {name: value for name, value in headers.items() if name != without}
            connection.request(method, path, raw, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    return ask


Ask = Callable[..., Answer]


# Registration.


def test_a_registration_is_read_back_as_it_was_written(ask: Ask, gateway: LocalGateway) -> None:
    assert ask("GET", WS).json == []
    written = ask("PUT", WS, {"capabilities": [SEARCH, BILL]})
    assert written.status == 200
    [read] = ask("GET", WS).json
    assert read == written.json
    assert [(each["name"], each["version"]) for each in read["capabilities"]] == [
        ("SearchOrders", "v1"),
        ("GetOrderBill", "v1"),
    ]
    assert all(each["updatedAt"] for each in read["capabilities"])
    assert read["createdAt"]
    assert ask("GET", "/epos/integrations").json == {
        "wsIntegrations": [read],
        "restIntegrations": [],
    }
    registered = gateway.registry.wait_for_registration()
    assert (registered.account, registered.names) == (OURS, ("GetOrderBillById", "SearchOrders"))


def test_each_list_is_complete_and_belongs_to_its_key(ask: Ask, gateway: LocalGateway) -> None:
    first = ask("PUT", WS, {"capabilities": [SEARCH, BILL]}).json
    second = ask("PUT", WS, {"capabilities": [SEARCH]}).json
    assert second == {
        "createdAt": first["createdAt"],
        "capabilities": [first["capabilities"][0]],  # unchanged, so its updatedAt stays
    }
    other = HEADERS | JSON | {"Authorization": "Basic sk_prod_other"}
    assert ask("GET", WS, headers=other).json == []
    assert gateway.registry.names(OURS) == ("SearchOrders",)
    assert [each.names for each in gateway.registry.updates] == [
        ("GetOrderBillById", "SearchOrders"),
        ("SearchOrders",),
    ]


def test_what_is_registered_is_routed_from_then_on(
    ask: Ask, gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    with pytest.raises(NoRoute):
        gateway.call("SearchOrders")
    ask("PUT", WS, {"capabilities": [SEARCH]})
    with ThreadPoolExecutor() as threads:
        called = threads.submit(gateway.call, "SearchOrders")
        epos.answer(epos.read_request(), {"data": []})
        assert called.result(5).result == {"data": []}


def test_names_that_dojo_does_not_document_can_be_allowed(ask: Ask, gateway: LocalGateway) -> None:
    new = {"capabilities": [{"name": "MakeTea", "version": "v2"}]}
    assert ask("PUT", WS, new).json["detail"] == "capabilities: no such name: MakeTea"
    gateway.registry.known.add("MakeTea")
    assert ask("PUT", WS, new).status == 200


@pytest.mark.parametrize(
    ("without", "status", "said"),
    [
        ("Authorization", 401, "Authorization: expected `Basic`"),
        ("software-house-id", 400, "software-house-id: the header is missing"),
        ("version", 400, "version: expected 2026-02-27, the header is missing"),
        ("Content-Type", 415, "Content-Type: expected application/json, got 'none'"),
    ],
)
def test_every_header_is_needed(
    ask: Ask, gateway: LocalGateway, without: str, status: int, said: str
) -> None:
    refused = ask("PUT", WS, {"capabilities": [SEARCH]}, without=without)
    assert refused.status == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json["status"] == status
    assert refused.json["detail"].startswith(said)
    assert gateway.registry.registration() is None


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"version": "2025-01-01"}, 400, "version: expected 2026-02-27, got '2025-01-01'"),
        ({"Authorization": "Bearer sk_sandbox_x"}, 401, "Authorization: expected `Basic`"),
        ({"Content-Type": "text/plain"}, 415, "got 'text/plain'"),
    ],
)
def test_a_header_that_is_wrong_is_named(
    ask: Ask, changed: dict[str, str], status: int, said: str
) -> None:
    refused = ask("PUT", WS, {"capabilities": []}, headers=HEADERS | JSON | changed)
    assert refused.status == status
    assert said in refused.json["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "the body is no JSON"),
        (b"\xff", "the body is no JSON"),
        (b'{"capabilities": "SearchOrders"}', "Expected `array`, got `str` - at `$.capabilities`"),
        (b'{"capabilities": [{"name": "SearchOrders"}]}', "missing required field `version`"),
        (b"{}", "missing required field `capabilities`"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(ask: Ask, body: bytes, said: str) -> None:
    refused = ask("PUT", WS, body)
    assert refused.status == 400
    assert said in refused.json["detail"]


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ([{"name": "SearchOrder", "version": "v1"}], "no such name: SearchOrder"),
        ([{"name": "SearchOrdersV1", "version": "v1"}], "no such name: SearchOrdersV1"),
        ([{"name": "HandleEvent", "version": "v1"}], "no such name: HandleEvent"),
        ([SEARCH, SEARCH], "more than once: SearchOrders"),
        ([{"name": "SearchOrders", "version": ""}], "a version is empty"),
    ],
)
def test_only_a_list_of_known_names_is_registered(
    ask: Ask, gateway: LocalGateway, listed: list[dict[str, str]], said: str
) -> None:
    refused = ask("PUT", WS, {"capabilities": listed})
    assert (refused.status, refused.json["title"]) == (400, "Bad Request")
    assert said in refused.json["detail"]
    assert gateway.registry.updates == ()


# Events.


@pytest.mark.parametrize(
    ("event_type", "member"),
    [
        ("OrderUpdated", "orderId"),
        ("PartyUpdated", "partyId"),
        ("ReservationUpdated", "reservationId"),
    ],
)
def test_an_event_is_received(
    ask: Ask, gateway: LocalGateway, event_type: str, member: str
) -> None:
    body = {"eventType": event_type, "event": {member: "7"}}
    assert ask("POST", "/epos/events", body).status == 200
    event = gateway.registry.wait_for_event(event_type, "7")
    assert (event.account, event.event) == (OURS, {member: "7"})
    assert gateway.registry.events == (event,)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"eventType": "TableUpdated", "event": {"id": "1"}}, "Invalid enum value 'TableUpdated'"),
        ({"eventType": "OrderUpdated", "event": {"partyId": "1"}}, "OrderUpdated needs orderId"),
        ({"eventType": "OrderUpdated", "event": {"orderId": 7}}, "OrderUpdated needs orderId"),
        ({"eventType": "OrderUpdated"}, "missing required field `event`"),
    ],
)
def test_an_event_that_does_not_fit_is_refused(
    ask: Ask, gateway: LocalGateway, body: dict[str, Any], said: str
) -> None:
    refused = ask("POST", "/epos/events", body)
    assert refused.status == 400
    assert said in refused.json["detail"]
    with pytest.raises(WaitTimedOut, match=r"POST /epos/events, answered with 400"):
        gateway.registry.wait_for_event(timeout=0.01)


# What is seen of it.


def test_every_call_is_remembered_and_told(
    ask: Ask, gateway: LocalGateway, told: SimpleQueue[ObserverEvent]
) -> None:
    ask("PUT", WS, {"capabilities": [BILL]})
    ask("POST", "/epos/events", {"eventType": "OrderUpdated", "event": {"orderId": "7"}})
    ask("GET", WS, without="version")
    calls = gateway.registry.wait_for_calls(3)
    assert [(each.method, each.path, each.status) for each in calls] == [
        ("PUT", WS, 200),
        ("POST", "/epos/events", 200),
        ("GET", WS, 400),
    ]
    assert calls[0].headers["version"] == "2026-02-27"
    assert json.loads(calls[0].body) == {"capabilities": [BILL]}
    assert [told.get(timeout=5) for _ in range(3)] == [
        Registered(software_house_id="acme-epos", capabilities=("GetOrderBillById",)),
        Notified(software_house_id="acme-epos", event_type="OrderUpdated", id="7"),
        RestRefused(
            method="GET",
            path=WS,
            status=400,
            reason="version: expected 2026-02-27, the header is missing",
        ),
    ]


def test_other_hosts_and_paths_are_not_served(ask: Ask, rest: RestApi) -> None:
    assert ask("GET", WS, headers=HEADERS | {"Host": "attacker.example"}).status == 400
    assert ask("GET", WS, headers=HEADERS | {"Host": f"localhost:{rest.port}"}).status == 200
    assert ask("GET", "/epos").status == 404
    assert ask("DELETE", WS).status == 405


# Faults.


def test_a_refusal_is_answered_as_often_as_told_and_takes_nothing_in(
    ask: Ask, rest: RestApi, gateway: LocalGateway
) -> None:
    rest.answer_next(RestFault(status=503, retry_after=7), n=2)
    for _ in range(2):
        refused = ask("PUT", WS, {"capabilities": [SEARCH]})
        assert (refused.status, refused.headers["retry-after"]) == (503, "7")
    assert gateway.registry.registration() is None
    assert ask("PUT", WS, {"capabilities": [SEARCH]}).status == 200


def test_an_answer_can_be_a_web_page(ask: Ask, rest: RestApi) -> None:
    rest.answer_next(RestFault(html=True))
    answer = ask("GET", WS)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!doctype html>")


def test_an_answer_can_end_in_the_middle(ask: Ask, rest: RestApi) -> None:
    rest.answer_next(RestFault(truncated=True, html=True))
    with pytest.raises(IncompleteRead) as broken:
        ask("GET", WS)
    assert broken.value.partial.startswith(b"<!doctype html>")
    assert ask("GET", WS).json == []


def test_an_answer_can_be_late(ask: Ask, rest: RestApi) -> None:
    rest.answer_next(RestFault(delay=0.1))
    began = monotonic()
    assert ask("GET", WS).json == []
    assert monotonic() - began >= 0.1


def test_a_late_answer_holds_up_nobody_who_leaves(gateway: LocalGateway) -> None:
    with RestApi(gateway) as rest:
        rest.answer_next(RestFault(delay=3600))
        connection = HTTPConnection(rest.host, rest.port, timeout=5)
        connection.request("GET", WS, headers=HEADERS)
        gateway.registry.wait_for_calls(1)
    assert connection.getresponse().status == 200
    connection.close()


# The tester API.


def test_flows_are_listed_started_and_read(ask: Ask, rest: RestApi) -> None:
    names = [each["flowName"] for each in ask("GET", "/flows", headers={}).json]
    assert "PayAtTable" in names
    started = ask(
        "POST", "/flows", {"flow": "PayAtTable", "params": {"orderId": "7"}}, headers=JSON
    )
    assert started.status == 201
    id = started.json["flowID"]
    rest.flows.wait(id, 5)
    flow = ask("GET", f"/flows/{id}", headers={}).json
    assert (flow["flowID"], flow["flowName"], flow["status"]) == (id, "PayAtTable", "FAILURE")
    [step] = flow["steps"]
    assert (step["name"], step["status"]) == ("SearchOrders", "FAILURE")
    assert "no EPOS is connected" in step["additionalInformation"][0]
    assert flow["startedAt"] <= step["startedAt"] <= step["finishedAt"] <= flow["finishedAt"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"flow": "Dance"}, "expected one of PayAtTable, .*; got 'Dance'"),
        ({"flow": "PayAtTable", "params": {"parts": 0}}, r"Expected `int` >= 1 .*\$\.parts"),
        ({"flow": "PayAtTable", "params": {"order": "1"}}, "unknown field `order`"),
        ({"name": "PayAtTable"}, "unknown field `name`|missing required field `flow`"),
        (b"{", "the body is no JSON"),
    ],
)
def test_a_flow_that_cannot_be_played_is_refused(ask: Ask, body: Any, said: str) -> None:
    refused = ask("POST", "/flows", body, headers=JSON)
    assert refused.status == 400
    assert re.search(said, refused.json["detail"])


def test_a_web_page_cannot_start_a_flow(ask: Ask) -> None:
    # A browser sends this without asking first; application/json it does not.
    refused = ask("POST", "/flows", {"flow": "WalkIn"}, headers={"Content-Type": "text/plain"})
    assert refused.status == 415


def test_an_unknown_flow_is_not_found(ask: Ask) -> None:
    assert ask("GET", "/flows/7", headers={}).status == 404
