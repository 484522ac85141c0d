"""What is said to Dojo over REST, and what is understood of the answers."""

import json
from typing import Any

import pytest

from dojo_proto.contract import METHODS
from dojo_proto.notices import Notice, OrderUpdated, PartyUpdated, ReservationUpdated
from dojo_proto.registration import (
    LIST,
    READ,
    Capability,
    Comparison,
    compare,
    newer_name,
    notify,
    read_list,
    read_registered,
    write,
)
from dojo_proto.rest import Answer, Failure


def answer(body: object) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(url="https://api.example/epos", body=data)


def capability(name: str, version: str = "v1") -> Capability:
    return Capability(name=name, version=version)


def same(*both: str, **differences: Any) -> Comparison:
    chosen: dict[str, Any] = {"missing": (), "surplus": (), "versions_differ": False}
    return Comparison(both=both, **(chosen | differences))


# Requests.


def test_what_is_written_is_the_whole_list() -> None:
    request = write(("GetOrderById", "HandleEvent:payment_intent.created"))
    assert (request.method, request.path) == ("PUT", "/epos/integrations/ws")
    assert json.loads(request.body) == {
        "capabilities": [
            {"name": "GetOrderById", "version": "v1"},
            {"name": "HandleEvent:payment_intent.created", "version": "v1"},
        ]
    }


def test_both_ways_to_read_ask_without_a_body() -> None:
    assert (READ.method, READ.path, READ.body) == ("GET", "/epos/integrations/ws", b"")
    assert (LIST.method, LIST.path, LIST.body) == ("GET", "/epos/integrations", b"")


@pytest.mark.parametrize(
    ("notice", "event"),
    [
        (OrderUpdated("o-1"), {"eventType": "OrderUpdated", "event": {"orderId": "o-1"}}),
        (PartyUpdated("p-1"), {"eventType": "PartyUpdated", "event": {"partyId": "p-1"}}),
        (
            ReservationUpdated("r-1"),
            {"eventType": "ReservationUpdated", "event": {"reservationId": "r-1"}},
        ),
    ],
)
def test_a_notice_has_the_id_and_nothing_else(notice: Notice, event: dict[str, object]) -> None:
    request = notify(notice)
    assert (request.method, request.path) == ("POST", "/epos/events")
    assert json.loads(request.body) == event


# Answers.


def test_what_is_registered_is_read_with_and_without_times() -> None:
    listed = [
        {"name": "GetOrderById", "version": "v1", "updatedAt": "2026-03-01T10:00:00Z"},
        {"name": "ListAreas", "version": "v1", "more": 1},
        {"name": "SearchOrders", "updatedAt": None},
    ]
    found = read_registered(answer([{"capabilities": listed, "createdAt": "2026-03-01"}]))
    assert found == (
        Capability(name="GetOrderById", version="v1", updated_at="2026-03-01T10:00:00Z"),
        Capability(name="ListAreas", version="v1"),
        Capability(name="SearchOrders"),
    )


def test_several_integrations_count_as_one() -> None:
    body = [{"capabilities": [{"name": "A"}]}, {}, {"capabilities": [{"name": "B"}]}]
    assert read_registered(answer(body)) == (Capability(name="A"), Capability(name="B"))
    assert read_registered(answer([])) == ()


def test_of_all_integrations_those_over_websocket_count() -> None:
    rest = [{"capabilities": [{"name": "ListAreas", "version": "v1"}], "url": "https://till"}]
    body = {"wsIntegrations": [{"capabilities": [{"name": "A"}]}], "restIntegrations": rest}
    assert read_list(answer(body)) == (Capability(name="A"),)
    assert read_list(answer({"restIntegrations": rest})) == ()
    assert read_list(answer({"wsIntegrations": [{"capabilities": [{"name": "A"}]}]})) == (
        Capability(name="A"),
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Input data was truncated"),
        (b"[{", "Input data was truncated"),
        (b"\xff\xfe", "JSON is malformed"),
        (b'["\xff"]', "expected"),
        (b'[{"capabilities":[{"name":"\xff"}]}]', "can't decode byte 0xff"),
        ({"capabilities": []}, "Expected `array`, got `object`"),
        ([{"capabilities": [{"name": 7}]}], "Expected `str`, got `int` - at `$[0].capabilities"),
        ([{"capabilities": [{"version": "v1"}]}], "missing required field `name`"),
        pytest.param(b'[{"x":' + b"[" * 100_000, "recursion", id="deep"),
    ],
)
def test_anything_else_is_no_list(body: object, said: str) -> None:
    found = read_registered(answer(body))
    assert isinstance(found, Failure)
    assert found.reason.startswith("https://api.example/epos answered with something else than a")
    assert said.lower() in found.reason.lower()
    assert found.reason.endswith("Is api_url the one of Dojo's API?")
    assert not found.passing


def test_a_list_of_another_shape_is_no_list_either() -> None:
    assert isinstance(read_list(answer([])), Failure)


def test_an_object_that_is_no_list_is_not_taken_for_an_empty_one() -> None:
    found = read_list(answer({"message": "welcome to the guest network"}))
    assert isinstance(found, Failure)
    assert "Object without `wsIntegrations`" in found.reason


# Comparison.


def test_the_same_set_is_the_same_in_any_order() -> None:
    found = compare(("A", "B"), [capability("B"), capability("A")])
    assert found == same("A", "B")
    assert found.is_same


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("GetOrderBill", "GetOrderBillById"),
        ("RecordOrderPayment", "RecordOrderPaymentById"),
        ("UpdatePartyById", "UpdateParty"),
        ("UpdateReservationById", "UpdateReservation"),
    ],
)
def test_an_older_name_means_the_newer_one(old: str, new: str) -> None:
    assert newer_name(old) == newer_name(new) == new
    assert compare((new,), [capability(old)]) == same(new)
    assert compare((new,), [capability(old), capability(new)]) == same(new)


def test_every_name_that_is_registered_today_means_itself() -> None:
    names = [name for method in METHODS for name in method.capabilities]
    assert [newer_name(name) for name in names] == names


def test_what_is_missing_and_what_is_too_much_are_named() -> None:
    found = compare(("B", "A", "C"), [capability("C"), capability("E"), capability("D")])
    assert found == same("C", missing=("A", "B"), surplus=("D", "E"))
    assert not found.is_same


def test_what_is_compared_may_come_in_any_order_and_but_once() -> None:
    served, registered = iter("HGFEDCBAhgfedcba"), map(capability, "87654321HGFEDCBA")
    assert compare(served, registered) == same(
        *"ABCDEFGH", missing=tuple("abcdefgh"), surplus=tuple("12345678")
    )


def test_without_a_version_it_is_not_another_one() -> None:
    registered = read_registered(answer([{"capabilities": [{"name": "A"}]}]))
    assert not isinstance(registered, Failure)
    assert compare(("A",), registered).is_same


@pytest.mark.parametrize(("version", "is_same"), [("v1", True), ("", True), ("1.0.0", False)])
def test_another_version_is_not_the_same(version: str, *, is_same: bool) -> None:
    found = compare(("A",), [capability("A", version)])
    assert found == same("A", versions_differ=not is_same)
    assert found.is_same is is_same
