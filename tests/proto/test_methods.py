"""The method table against the vendor's facts, written out by hand."""

from typing import Any

import pytest

from dojo_proto import contract
from dojo_proto.contract import BY_NAME, METHODS, Kind, Method

READS = {
    "SearchOrders",
    "GetOrderById",
    "GetOrderBillById",
    "SearchTables",
    "ListAreas",
    "GetPartyById",
    "SearchParties",
    "GetReservationById",
    "SearchReservations",
}
CHANGES = {
    "CancelOrderById",
    "CreateOrderLock",
    "ExtendOrderLock",
    "DeleteOrderLock",
    "CreateParty",
    "UpdateParty",
    "DeletePartyById",
    "CreateReservation",
    "UpdateReservation",
    "DeleteReservationById",
    "HandleEvent",
}
MONEY = {"RecordOrderPaymentById", "CreateOrder"}

MEMBERS = {
    "CreateOrder": "items note customer discounts totalAmount taxLines serviceChargeAmount "
    "reference dojoOrderId payments details displayName",
    "CancelOrderById": "orderId",
    "CreateOrderLock": "orderId lockId expiry",
    "ExtendOrderLock": "orderId lockId expiry",
    "DeleteOrderLock": "orderId lockId",
    "RecordOrderPaymentById": "orderId paymentIntentId paidAmount tipsAmount lockId",
    "CreateParty": "name covers tableIds status startTime expectedEndTime hostNotes guestRequests "
    "reservationId deposit dojoPartyId dojoReservationId",
    "UpdateParty": "id dojoPartyId name covers tableIds status startTime expectedEndTime endTime "
    "hostNotes guestRequests deposit",
    "DeletePartyById": "partyId",
    "CreateReservation": "name covers startTime endTime tableIds hostNotes guestRequests "
    "dojoReservationId",
    "UpdateReservation": "id dojoReservationId name covers startTime endTime tableIds hostNotes "
    "guestRequests",
    "DeleteReservationById": "reservationId",
    "HandleEvent": "id accountId event data createdAt",
}

ORDER = {
    "GetOrderById",
    "CreateOrder",
    "CancelOrderById",
    "CreateOrderLock",
    "DeleteOrderLock",
    "RecordOrderPaymentById",
}
NOTHING = {"ExtendOrderLock", "HandleEvent", "DeletePartyById", "DeleteReservationById"}


def names(kind: Kind) -> set[str]:
    return {method.name for method in METHODS if method.kind is kind}


def test_there_are_22_methods() -> None:
    assert len(METHODS) == 22
    assert {method.name for method in METHODS} == READS | CHANGES | MONEY


def test_each_method_is_of_the_kind_that_it_is() -> None:
    assert names(Kind.READ) == READS
    assert names(Kind.CHANGE) == CHANGES
    assert names(Kind.MONEY) == MONEY


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_the_wire_name_is_the_name_and_a_version(method: Method) -> None:
    assert method.wire == method.name + "V1"


def test_there_are_23_capabilities() -> None:
    capabilities = [name for method in METHODS for name in method.capabilities]
    assert len(capabilities) == 23
    assert set(capabilities) == ((READS | CHANGES | MONEY) - {"HandleEvent"}) | {
        "HandleEvent:payment_intent.created",
        "HandleEvent:payment_intent.status_updated",
    }


def test_only_events_have_another_capability_than_their_name() -> None:
    others = [method.name for method in METHODS if method.capabilities != (method.name,)]
    assert others == ["HandleEvent"]


def test_four_methods_have_an_older_name() -> None:
    assert {alias: method.name for method in METHODS for alias in method.aliases} == {
        "GetOrderBill": "GetOrderBillById",
        "RecordOrderPayment": "RecordOrderPaymentById",
        "UpdatePartyById": "UpdateParty",
        "UpdateReservationById": "UpdateReservation",
    }


def test_exactly_five_methods_name_what_they_create() -> None:
    assert {method.name: method.natural_key for method in METHODS if method.natural_key} == {
        "CreateOrder": ("dojoOrderId",),
        "CreateParty": ("dojoPartyId",),
        "CreateReservation": ("dojoReservationId",),
        "RecordOrderPaymentById": ("orderId", "paymentIntentId"),
        "HandleEvent": ("id",),
    }


def test_a_changes_content_is_all_its_members() -> None:
    changes = [method for method in METHODS if method.kind is not Kind.READ]
    assert {method.name: set(method.members) for method in changes} == {
        name: set(members.split()) for name, members in MEMBERS.items()
    }


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_keys_and_amounts_are_members_and_none_is_named_twice(method: Method) -> None:
    assert len(set(method.members)) == len(method.members)
    assert {*method.natural_key, *method.amounts} <= set(method.members)
    assert "headers" not in method.members


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_params_have_a_type_of_the_methods_name(method: Method) -> None:
    assert method.params is getattr(contract, f"{method.name}Params")


def test_results_have_the_type_that_they_have() -> None:
    assert {method.name: method.result for method in METHODS} == {
        **dict.fromkeys(ORDER, contract.Order),
        **dict.fromkeys(NOTHING, None),
        "SearchOrders": contract.PagedOrdersResponse,
        "GetOrderBillById": contract.OrderBill,
        "SearchTables": contract.PagedTablesResponse,
        "ListAreas": list[contract.Area],
        "SearchParties": contract.PagedPartiesResponse,
        **dict.fromkeys(("GetPartyById", "CreateParty", "UpdateParty"), contract.Party),
        "SearchReservations": contract.PagedReservationsResponse,
        **dict.fromkeys(
            ("GetReservationById", "CreateReservation", "UpdateReservation"), contract.Reservation
        ),
    }


def test_a_method_that_dojo_adds_later_can_be_described_by_hand() -> None:
    method = Method(name="Sing", wire="SingV2", capabilities=("Sing",))
    assert (method.kind, method.params, method.result) == (Kind.READ, dict, Any)
    assert (method.members, method.empty_result) == ((), False)


def test_what_books_money_names_its_amounts() -> None:
    assert {method.name: set(method.amounts) for method in METHODS if method.amounts} == {
        "CreateOrder": {"totalAmount", "payments"},
        "RecordOrderPaymentById": {"paidAmount", "tipsAmount"},
    }


def test_four_methods_answer_with_an_empty_object() -> None:
    assert {method.name for method in METHODS if method.empty_result} == NOTHING


def test_a_method_is_found_by_its_wire_name_its_name_and_its_older_name() -> None:
    assert len(BY_NAME) == 22 + 22 + 4
    for method in METHODS:
        for name in (method.wire, method.name, *method.aliases):
            assert BY_NAME[name] is method
