"""The sample restaurant's guests: who sits where, and who will come."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.shop import Json, at, ids

from dojo_proto import Conflict, InvalidRequest, NotFound
from dojo_simulator.restaurant import Restaurant

Call = Callable[..., Any]


def guests(dojo_party_id: str = "dojo-1", *, tables: tuple[str, ...] = ("3",), **more: Any) -> Json:
    return {"dojoPartyId": dojo_party_id, "tableIds": list(tables), "startTime": at(0), **more}


def booking(
    dojo_reservation_id: str = "dojo-1", *, start: float = 60, end: float = 120, **more: Any
) -> Json:
    return {
        "dojoReservationId": dojo_reservation_id,
        "name": "Kim",
        "covers": 4,
        "startTime": at(start),
        "endTime": at(end),
        "tableIds": ["3"],
        **more,
    }


def zulu(text: str) -> str:
    return text.replace("+00:00", "Z")


DEPOSIT = {
    "totalAmount": {"value": 2000, "currencyCode": "GBP"},
    "paymentIntentIds": ["p1"],
    "description": "Sunday lunch",
}


# Reservations.


def test_a_reservation_is_shown_as_it_was_made(call: Call) -> None:
    made = call("CreateReservation", **booking(guestRequests="by the window", hostNotes="regular"))
    assert made == {
        "id": "reservation-1",
        "name": "Kim",
        "covers": 4,
        "startTime": "2026-03-01T13:00:00Z",
        "endTime": "2026-03-01T14:00:00Z",
        "tableIds": ["3"],
        "guestRequests": "by the window",
        "hostNotes": "regular",
    }
    assert call("GetReservationById", reservationId="reservation-1") == made


def test_an_update_replaces_the_whole_reservation(call: Call) -> None:
    made = call("CreateReservation", **booking(guestRequests="by the window"))
    update = {**booking(tableIds=["1", "2"], covers=6), "id": made["id"]}
    updated = call("UpdateReservation", **update)
    assert made.pop("guestRequests") == "by the window"  # and no more
    assert updated == {**made, "tableIds": ["1", "2"], "covers": 6}
    assert call("GetReservationById", reservationId=made["id"]) == updated
    assert ids(call("SearchReservations", tableId="3")) == []
    assert ids(call("SearchReservations", tableId="2")) == [made["id"]]


def test_the_same_reservation_again_is_the_same_reservation(call: Call) -> None:
    made = call("CreateReservation", **booking())
    assert call("CreateReservation", **booking(covers=9)) == made
    other = call("CreateReservation", **booking("dojo-2"))
    assert other["id"] != made["id"]


def test_a_reservation_that_is_deleted_is_gone_and_its_id_is_not_used_again(call: Call) -> None:
    made = call("CreateReservation", **booking())
    assert call("DeleteReservationById", reservationId=made["id"]) == {}
    for method in ("GetReservationById", "DeleteReservationById"):
        with pytest.raises(NotFound, match="no such reservation"):
            call(method, reservationId=made["id"])
    with pytest.raises(NotFound, match="no such reservation"):
        call("UpdateReservation", **{**booking(), "id": made["id"]})
    assert call("SearchReservations") == {"data": []}
    assert call("CreateReservation", **booking("dojo-2"))["id"] == "reservation-2"


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({}, ["reservation-1", "reservation-2"]),
        ({"fromTime": at(0), "toTime": at(60)}, []),
        ({"fromTime": at(0), "toTime": at(61)}, ["reservation-1"]),
        ({"fromTime": at(90), "toTime": at(100)}, ["reservation-1"]),
        ({"fromTime": at(120)}, ["reservation-2"]),
        ({"toTime": at(150)}, ["reservation-1"]),
        ({"fromTime": at(0), "toTime": at(999)}, ["reservation-1", "reservation-2"]),
        ({"fromTime": "2026-03-01T15:30:00+01:00"}, ["reservation-2"]),  # 14:30 in London
        ({"fromTime": at(240)}, []),
        ({"tableId": "1"}, ["reservation-2"]),
        ({"tableId": "1", "toTime": at(150)}, []),
    ],
)
def test_a_search_finds_what_takes_up_a_part_of_the_window(
    call: Call, window: Json, found: list[str]
) -> None:
    call("CreateReservation", **booking("dojo-1", start=60, end=120))
    call("CreateReservation", **booking("dojo-2", start=180, end=240, tableIds=["1", "2"]))
    assert ids(call("SearchReservations", **window)) == found


def test_reservations_come_in_pages(call: Call) -> None:
    for number in range(3):
        call("CreateReservation", **booking(f"dojo-{number}"))
    page = call("SearchReservations", cursor={"limit": 2})
    assert ids(page) == ["reservation-1", "reservation-2"]
    page = call("SearchReservations", cursor={"after": page["after"]})
    assert ids(page) == ["reservation-3"]
    assert page.keys() == {"data", "before"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (booking(tableIds=["99"]), "no such table"),
        (booking(tableIds=[]), "tableIds"),
        (booking(start=60, end=60), "endTime"),
        (booking(startTime="2026-03-01T13:00:00"), "startTime"),
    ],
)
def test_a_reservation_that_makes_no_sense_is_refused(call: Call, wrong: Json, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        call("CreateReservation", **wrong)
    assert call("SearchReservations") == {"data": []}


# Parties.


def test_a_party_is_linked_to_its_reservation_and_shows_its_deposit(call: Call) -> None:
    reservation_id = call("CreateReservation", **booking())["id"]
    party = call("CreateParty", **guests(reservationId=reservation_id, deposit=DEPOSIT, covers=4))
    assert party == {
        "id": "party-1",
        "status": "Seated",
        "tableIds": ["3"],
        "startTime": zulu(at(0)),
        "covers": 4,
        "reservationId": reservation_id,
        "deposit": DEPOSIT,
    }
    assert call("GetPartyById", partyId="party-1") == party


def test_a_reservation_may_be_named_by_dojos_own_id(call: Call) -> None:
    reservation_id = call("CreateReservation", **booking())["id"]
    party = call("CreateParty", **guests(dojoReservationId="dojo-1"))
    assert party["reservationId"] == reservation_id
    unknown = call("CreateParty", **guests("dojo-2", tables=("1",), dojoReservationId="nope"))
    assert "reservationId" not in unknown


def test_walk_ins_are_welcome(call: Call) -> None:
    party = call("CreateParty", **guests(status="Waiting for drinks"))
    assert party["status"] == "Waiting for drinks"
    assert "reservationId" not in party


def test_the_same_party_again_is_the_same_party(call: Call) -> None:
    party = call("CreateParty", **guests())
    assert call("CreateParty", **guests(covers=9)) == party
    assert call("CreateParty", **guests("dojo-2", tables=("1",)))["id"] != party["id"]


def test_orders_of_a_party_say_so(call: Call, till: Restaurant) -> None:
    reservation_id = call("CreateReservation", **booking())["id"]
    party = call("CreateParty", **guests(tables=("3", "4"), reservationId=reservation_id))
    order_id = till.open_order("4", "ben", [till.item("soup-1")])
    assert call("GetOrderById", orderId=order_id)["details"]["dineIn"] == {
        "tableId": "4",
        "waiterId": "ben",
        "partyId": party["id"],
        "reservationId": reservation_id,
    }
    for wanted in ({"partyId": party["id"]}, {"reservationId": reservation_id}):
        assert ids(call("SearchOrders", dineIn=wanted)) == [order_id]
        assert ids(call("SearchOrders", dineIn={**wanted, "waiterId": "anna"})) == []


def test_at_an_occupied_table_nobody_else_sits_down(call: Call) -> None:
    call("CreateParty", **guests(tables=("3", "4")))
    with pytest.raises(Conflict, match="another party"):
        call("CreateParty", **guests("dojo-2", tables=("2", "4")))
    second = call("CreateParty", **guests("dojo-2", tables=("2",)))
    move = {**guests("dojo-2", tables=("3",)), "id": second["id"], "status": "Seated"}
    with pytest.raises(Conflict, match="another party"):
        call("UpdateParty", **move)
    assert call("GetPartyById", partyId=second["id"])["tableIds"] == ["2"]


def test_an_update_replaces_the_party_and_its_end_frees_the_table(call: Call) -> None:
    reservation_id = call("CreateReservation", **booking())["id"]
    party = call("CreateParty", **guests(name="Kim", reservationId=reservation_id))
    update = {**guests(), "id": party["id"], "status": "Left", "endTime": at(90)}
    updated = call("UpdateParty", **update)
    assert updated == {
        "id": party["id"],
        "status": "Left",
        "tableIds": ["3"],
        "startTime": zulu(at(0)),
        "endTime": zulu(at(90)),
        "reservationId": reservation_id,
    }
    assert call("GetPartyById", partyId=party["id"]) == updated
    call("CreateParty", **guests("dojo-2"))
    back = {**guests(), "id": party["id"], "status": "Seated"}
    with pytest.raises(Conflict, match="another party"):
        call("UpdateParty", **back)


def test_a_party_without_a_status_is_refused_since_it_could_not_be_shown(call: Call) -> None:
    party = call("CreateParty", **guests(status=""))
    assert party["status"] == "Seated"
    with pytest.raises(InvalidRequest, match=r"shown this Party.*status"):
        call("UpdateParty", **{**guests(), "id": party["id"], "status": ""})
    assert call("SearchParties")["data"] == [party]


def test_a_search_finds_those_who_are_here_or_those_who_have_left(call: Call) -> None:
    left = call("CreateParty", **guests("dojo-1"))
    call("UpdateParty", **{**guests("dojo-1"), "id": left["id"], "status": "L", "endTime": at(9)})
    here = call("CreateParty", **guests("dojo-2", tables=("3", "4")))
    too = call("CreateParty", **guests("dojo-3", tables=("1",)))
    assert ids(call("SearchParties")) == [here["id"], too["id"]]
    assert ids(call("SearchParties", completedOnly=False, tableId="4")) == [here["id"]]
    assert ids(call("SearchParties", completedOnly=True)) == [left["id"]]
    assert call("SearchParties", completedOnly=True, tableId="4") == {"data": []}
    page = call("SearchParties", cursor={"limit": 1})
    assert ids(page) == [here["id"]]
    assert ids(call("SearchParties", cursor={"after": page["after"]})) == [too["id"]]


def test_a_party_that_is_deleted_is_gone(call: Call) -> None:
    party_id = call("CreateParty", **guests())["id"]
    assert call("DeletePartyById", partyId=party_id) == {}
    for method in ("GetPartyById", "DeletePartyById"):
        with pytest.raises(NotFound, match="no such party"):
            call(method, partyId=party_id)
    with pytest.raises(NotFound, match="no such party"):
        call("UpdateParty", **{**guests(), "id": party_id, "status": "Seated"})
    assert call("CreateParty", **guests("dojo-2"))["id"] == "party-2"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (guests(tables=("99",)), "no such table"),
        (guests(tables=()), "tableIds"),
        (guests(reservationId="nope"), "no such reservation"),
        ({**guests(), "dojoPartyId": 1}, "dojoPartyId"),
    ],
)
def test_a_party_that_makes_no_sense_is_refused(call: Call, wrong: Json, says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        call("CreateParty", **wrong)
    assert call("SearchParties") == {"data": []}
