"""The sample restaurant itself: its rooms, its bills, its staff, and where it keeps its data."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.simulator.shop import Clock, at, ids, lock, payment, pounds

from dojo_proto import ConfigurationError, Conflict, InvalidRequest, NotFound
from dojo_proto.contract import METHODS
from dojo_proto.registration import Notice, OrderUpdated, PartyUpdated, ReservationUpdated
from dojo_simulator.restaurant import Restaurant, Staff, epos, house, ledger, till_actions

Call = Callable[..., Any]


def test_it_handles_every_method() -> None:
    assert epos.handlers().keys() == {method.wire for method in METHODS}
    money = [h for h in epos.handlers().values() if h.method.kind.name == "MONEY"]
    assert [handler.lookup is not None for handler in money] == [True, True]


# Tables and areas.


def test_tables_and_areas_name_one_another_and_their_waiters(call: Call) -> None:
    areas = call("ListAreas")
    assert areas == [
        {"id": "inside", "name": "Inside", "waiterIds": ["anna", "ben"]},
        {"id": "terrace", "name": "Terrace", "waiterIds": ["ben", "cleo"]},
    ]
    tables = call("SearchTables")["data"]
    assert tables[0] == {
        "id": "1",
        "name": "1",
        "maxCovers": 2,
        "areaId": "inside",
        "waiterIds": ["anna"],
    }
    assert {table["areaId"] for table in tables} == {area["id"] for area in areas}
    names = [(table["areaId"], table["name"]) for table in tables]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"areaId": "terrace"}, ["10", "11", "12"]),
        ({"waiterId": "anna"}, ["1", "4", "7"]),
        ({"areaId": "terrace", "waiterId": "ben"}, ["12"]),
        ({"areaId": "nope"}, []),
        ({"waiterId": "nope"}, []),
    ],
)
def test_tables_are_found_by_area_and_waiter(call: Call, wanted: Any, found: list[str]) -> None:
    page = call("SearchTables", **wanted)
    assert ids(page) == found
    assert page.keys() == {"data"}


def test_tables_come_in_pages(call: Call) -> None:
    page = call("SearchTables", cursor={"limit": 5})
    assert ids(page) == ["1", "2", "3", "4", "7"]
    assert ids(call("SearchTables", cursor={"after": page["after"]})) == ["10", "11", "12"]


# Bills.


def texts(section: Any) -> list[str]:
    return [line["text"]["value"] for line in section["lines"] if line["lineType"] == "Text"]


def test_a_bill_shows_the_order_as_it_is_between_header_and_footer(call: Call) -> None:
    bill = call("GetOrderBillById", orderId="order-1")
    assert texts(bill["header"]) == ["Table 1"]
    assert texts(bill["footer"]) == ["Total 67.50 GBP", "Thank you!"]
    call("RecordOrderPaymentById", **payment("p", 750))
    bill = call("GetOrderBillById", orderId="order-1")
    assert bill["order"] == call("GetOrderById", orderId="order-1")
    assert texts(bill["footer"])[1:3] == ["Paid 7.50 GBP", "To pay 60.00 GBP"]


def test_each_line_of_a_bill_has_what_its_type_says(call: Call) -> None:
    bill = call("GetOrderBillById", orderId="order-1")
    for line in bill["header"]["lines"] + bill["footer"]["lines"]:
        kind = line["lineType"]
        assert line.keys() == {"lineType", kind[0].lower() + kind[1:]}


def test_nobody_waits_for_the_printer_but_who_asked_for_the_bill(
    call: Call, till: Restaurant
) -> None:
    meanwhile = []

    def printing() -> None:
        with ThreadPoolExecutor() as threads:
            meanwhile.append(threads.submit(till.order, "order-2").result(5).id)

    till.printer = printing
    call("GetOrderBillById", orderId="order-1")
    assert meanwhile == ["order-2"]


# The staff.


@pytest.fixture
def told(till: Restaurant) -> list[Notice]:
    """What the staff's changes tell Dojo."""
    notices: list[Notice] = []
    till.on_change(notices.append)
    return notices


def test_every_change_of_an_order_is_told(till: Restaurant, told: list[Notice]) -> None:
    order_id = till.open_order("3", "ben", [till.item("soup-1", 2)])
    till.add_item(order_id, till.item("coffee-1"))
    with till.edit(order_id):
        assert len(told) == 3
    till.unlock(order_id)
    till.prepare(order_id)
    till.close(order_id)
    assert told == [OrderUpdated("order-5")] * 7
    assert till.order(order_id).total_amount == till.order(order_id).paid_amount


def test_changes_of_guests_are_told_and_who_is_deleted_is_gone(
    call: Call, till: Restaurant, told: list[Notice]
) -> None:
    guests = {"tableIds": ["3"], "startTime": at(0)}
    party = call("CreateParty", dojoPartyId="d", **guests)
    booking = {**guests, "name": "Kim", "covers": 2, "endTime": at(60)}
    reservation = call("CreateReservation", dojoReservationId="d", **booking)
    staff = Staff(till)
    assert told == []  # Dojo knows what it has asked for
    staff.change_party(party["id"])
    staff.change_reservation(reservation["id"])
    assert call("GetPartyById", partyId=party["id"]) == {**party, "covers": 1}
    assert call("GetReservationById", reservationId=reservation["id"])["covers"] == 3
    staff.delete_party(party["id"])
    staff.delete_reservation(reservation["id"])
    assert told == [PartyUpdated(party["id"]), ReservationUpdated(reservation["id"])] * 2
    with pytest.raises(NotFound):
        call("GetPartyById", partyId=party["id"])
    with pytest.raises(NotFound):
        call("GetReservationById", reservationId=reservation["id"])


def test_what_is_refused_changes_nothing_and_is_not_told(
    call: Call, till: Restaurant, told: list[Notice]
) -> None:
    call("CreateOrderLock", **lock("a"))
    soup = till.item("soup-1")
    before = till.order("order-1")
    refused: list[tuple[type[Exception], Callable[[], object]]] = [
        (Conflict, lambda: till.add_item("order-1", soup)),
        (Conflict, lambda: till.close("order-1")),
        (NotFound, lambda: till.close("nope")),
        (NotFound, lambda: till.delete_party("nope")),
        (NotFound, lambda: till.change_reservation("nope", lambda _: None)),
        (InvalidRequest, lambda: till.open_order("99", "ben")),
        (InvalidRequest, lambda: till.item("nope")),
    ]
    for error, change in refused:
        with pytest.raises(error):
            change()
    assert (told, till.order("order-1")) == ([], before)


def test_an_order_that_is_open_is_open_once(till: Restaurant) -> None:
    with till.edit("order-1"):
        till.add_item("order-1", till.item("soup-1"))
        with pytest.raises(Conflict, match="another waiter"), till.edit("order-1"):
            pass
        assert till.order("order-1").payable is False
    assert till.order("order-1").payable is True


def test_a_closed_order_is_not_changed_any_more(till: Restaurant) -> None:
    till.close("order-1")
    for change in (till.close, till.prepare, Staff(till).change):
        with pytest.raises(Conflict, match="closed"):
            change("order-1")
    with pytest.raises(Conflict, match="closed"), till.edit("order-1"):
        pass


def test_an_empty_order_is_closed_without_a_payment(till: Restaurant) -> None:
    order_id = till.open_order("3", "ben")
    till.close(order_id)
    order = till.order(order_id)
    assert (order.status, order.payments, order.payable) == ("Finalized", [], False)


def test_the_staff_of_the_house_works_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dojo_simulator.restaurant.till._house", [])
    order_id = till_actions.new_order()
    told: list[Notice] = []
    till_actions.on_change(told.append)
    with till_actions.edit(order_id):
        till_actions.change(order_id)
    till_actions.unlock(order_id)
    till_actions.close(order_id)
    assert house().order(order_id).status == "Finalized"
    assert set(told) == {OrderUpdated(order_id)}


# Where it keeps its data.


def test_who_serves_without_a_state_serves_the_house(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "house.db"
    monkeypatch.setattr("dojo_simulator.restaurant.till._house", [])
    monkeypatch.setenv("DOJO_RESTAURANT_DB", str(file))
    call("RecordOrderPaymentById", state=None, **payment("p1", 750))
    assert house().path == file
    assert house() is house()
    house().shut()
    with Restaurant(file) as reopened:
        assert reopened.order("order-1").paid_amount == ledger.money(750)


def test_importing_it_opens_nothing(tmp_path: Path) -> None:
    file = tmp_path / "house.db"
    environ = {**os.environ, "DOJO_RESTAURANT_DB": str(file)}
    subprocess.run(
        [sys.executable, "-c", "import dojo_simulator.restaurant"], env=environ, check=True
    )
    assert not file.exists()


def test_a_restaurant_without_a_file_leaves_none_behind(clock: Clock) -> None:
    first, second = Restaurant(clock=clock), Restaurant(clock=clock)
    paths = [first.path, second.path]
    assert len({path for path in paths if path.exists()}) == 2
    first.shut()
    first.shut()
    del second
    assert [path.parent.exists() for path in paths] == [False, False]


def test_what_is_in_the_file_is_there_again(tmp_path: Path, call: Call) -> None:
    file = tmp_path / "till.db"
    with Restaurant(str(file)) as first:
        call("RecordOrderPaymentById", state=first, **payment("p1", 750))
        call("CreateOrderLock", state=first, **{**lock("a"), "expiry": "2999-01-01T00:00:00Z"})
        before = first.order("order-1")
        with first.writing() as books:  # a waiter opens it, and the power fails
            ledger.set_open_at_till(books, "order-2", is_open=True)
    with Restaurant(file) as second:
        assert second.order("order-1") == before
        assert second.order("order-2").payable is True
        with pytest.raises(Conflict, match="locked"):
            call("RecordOrderPaymentById", state=second, **payment("p2", 1))
        assert call("RecordOrderPaymentById", state=second, **payment("p1", 750))[
            "paidAmount"
        ] == pounds(750)
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database, but long enough to be looked at " * 100)
    foreign = tmp_path / "foreign.db"
    newer = tmp_path / "newer.db"
    for path, statement in (
        (foreign, "CREATE TABLE orders (id)"),
        (newer, "PRAGMA user_version=9"),
    ):
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.close()
    for path in (text, foreign, newer, tmp_path / "no" / "such" / "folder.db"):
        with pytest.raises(ConfigurationError, match=path.name):
            Restaurant(path)


def test_a_change_that_raises_leaves_everything_as_it_was(till: Restaurant) -> None:
    def halfway() -> None:
        with till.writing() as books:
            books.run("DELETE FROM reserved_tables")
            books.run("UPDATE orders SET total = 0")
            raise KeyError

    with pytest.raises(KeyError):
        halfway()
    assert till.order("order-1").total_amount == ledger.money(6750)


def test_many_threads_take_turns(till: Restaurant) -> None:
    with ThreadPoolExecutor(8) as threads:
        opened = list(threads.map(lambda _: till.open_order("3", "ben"), range(8)))
    assert set(opened) == {f"order-{number}" for number in range(5, 13)}
