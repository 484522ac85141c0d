"""What was registered and told, and waiting for it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from dojo_simulator import Account, ReceivedCall, Registry, WaitTimedOut

OURS = Account("acme-epos", "sk_sandbox_c4nary")
THEIRS = Account("other-epos", "sk_sandbox_c4nary")
NOTHING_SOON = 0.01


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.mark.parametrize(
    ("authorization", "key"),
    [
        ("Basic sk_sandbox_x", "sk_sandbox_x"),
        ("basic sk_sandbox_x", "sk_sandbox_x"),
        ("Bearer sk_sandbox_x", ""),
        ("", ""),
    ],
)
def test_an_account_is_the_software_house_and_the_key(authorization: str, key: str) -> None:
    headers = {"authorization": authorization, "software-house-id": "acme-epos"}
    assert Account.of(headers) == Account("acme-epos", key)
    assert Account.of({}) == Account("", "")


def test_an_account_shows_no_key() -> None:
    assert repr(OURS) == "Account('acme-epos', 'sk_sandbox_…')"
    assert str(OURS) == "acme-epos with sk_sandbox_…"
    assert str(Account("", "c4nary")) == "nobody with …"


def test_who_has_registered_nothing_serves_nothing(registry: Registry) -> None:
    assert (registry.registration(), registry.registration(OURS)) == (None, None)
    assert (registry.names(), registry.names(OURS)) == ((), ())
    assert not registry.serves(OURS, "ListAreas", {})


def test_each_account_has_its_own_list_and_a_new_one_replaces_it(registry: Registry) -> None:
    first = registry.register(OURS, {"ListAreas": "v1", "UpdatePartyById": "v1"})
    theirs = registry.register(THEIRS, {"SearchTables": "v1"})
    second = registry.register(OURS, {"ListAreas": "v2", "SearchTables": "v1"})
    assert registry.updates == (first, theirs, second)
    assert registry.accounts == (OURS, THEIRS)
    assert (registry.registration(OURS), registry.registration()) == (second, second)
    assert first.names == ("ListAreas", "UpdateParty")
    assert second.created_at == first.created_at
    assert second.capabilities[0].updated_at > first.capabilities[0].updated_at  # another version


@pytest.mark.parametrize(
    ("registered", "method", "params", "served"),
    [
        ("UpdatePartyById", "UpdatePartyV1", {}, True),
        ("UpdateParty", "UpdatePartyById", {}, True),
        ("UpdateParty", "UpdateReservation", {}, False),
        ("HandleEvent:a", "HandleEventV1", {"event": "a"}, True),
        ("HandleEvent:a", "HandleEvent", {"event": "b"}, False),
        ("HandleEvent:a", "HandleEvent", {}, False),
        ("MakeTea", "MakeTeaV12", {}, True),
        ("MakeTea", "MakeTea", {}, True),
    ],
)
def test_a_call_needs_its_capability_under_whatever_name(
    registry: Registry, registered: str, method: str, params: dict[str, str], served: bool
) -> None:
    registry.register(OURS, {registered: "v1"})
    assert registry.serves(OURS, method, params) is served
    assert not registry.serves(THEIRS, method, params)


@pytest.mark.parametrize(
    ("do", "wait"),
    [
        (
            lambda registry: registry.register(OURS, {}),
            lambda registry: registry.wait_for_registration(after=1),
        ),
        (
            lambda registry: registry.notify(OURS, "OrderUpdated", "7", {"orderId": "7"}),
            lambda registry: registry.wait_for_event("OrderUpdated", "7"),
        ),
        (
            lambda registry: registry.note(
                ReceivedCall(method="GET", path="/", headers={}, body=b"", status=200)
            ),
            lambda registry: registry.wait_for_calls(1)[-1],
        ),
    ],
    ids=["registration", "event", "call"],
)
def test_waiting_ends_when_it_has_come(
    registry: Registry, do: Callable[[Registry], object], wait: Callable[[Registry], object]
) -> None:
    registry.register(OURS, {})
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(wait, registry)
        done = do(registry)
        came = waiting.result(5)
    assert done is None or done == came


def test_of_the_events_the_first_that_fits_and_is_new_enough_is_awaited(
    registry: Registry,
) -> None:
    for event_type, id in [("OrderUpdated", "1"), ("PartyUpdated", "2"), ("OrderUpdated", "2")]:
        registry.notify(OURS, event_type, id, {})
    assert registry.wait_for_event().id == "1"
    assert registry.wait_for_event("PartyUpdated").id == "2"
    assert registry.wait_for_event(id="2").event_type == "PartyUpdated"
    assert registry.wait_for_event("OrderUpdated", after=1).id == "2"
    told = "no OrderUpdated 3 was told: OrderUpdated 1, PartyUpdated 2, OrderUpdated 2"
    with pytest.raises(WaitTimedOut, match=told):
        registry.wait_for_event("OrderUpdated", "3", timeout=NOTHING_SOON)


def test_waiting_in_vain_says_what_came_instead(registry: Registry) -> None:
    with pytest.raises(WaitTimedOut, match="no EPOS registered: 0 registrations; no REST"):
        registry.wait_for_registration(NOTHING_SOON)
    with pytest.raises(WaitTimedOut, match="no event was told: nothing was"):
        registry.wait_for_event(timeout=NOTHING_SOON)
    registry.note(ReceivedCall(method="PUT", path="/epos", headers={}, body=b"", status=401))
    last = "the last REST call was PUT /epos, answered with 401"
    with pytest.raises(WaitTimedOut, match=f"1 REST calls came, not 2; {last}"):
        registry.wait_for_calls(2, NOTHING_SOON)
