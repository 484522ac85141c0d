"""Reservations, and the parties that come of them."""

from dojo_simulator.check import guests, stock
from dojo_simulator.check.answers import expect, expect_true
from dojo_simulator.check.bench import Bench, later
from dojo_simulator.check.framework import Flow, Json, Source

flow = Flow("Bookings")

HOUR = 3600.0
_RESERVATIONS = ("CreateReservation", "GetReservationById")
_PARTIES = ("CreateParty", "GetPartyById", "SearchParties", "SearchTables")


@flow.check(
    "BKG-1",
    "CreateReservation, then UpdateReservation with everything anew",
    expected="the same id, and what the update has; what it leaves out is gone",
    source=Source.BOOKINGS,
    needs=(*_RESERVATIONS, "UpdateReservation"),
)
def _update_reservation(bench: Bench) -> None:
    params = guests.reservation(bench, hostNotes="by the window", covers=2)
    made = bench.result("CreateReservation", params)
    update = {name: value for name, value in params.items() if name != "hostNotes"}
    update |= {"id": made["id"], "name": "Checked again", "covers": 4}
    updated = bench.result("UpdateReservation", update)
    expect("id", updated.get("id"), made["id"])
    found = bench.result("GetReservationById", {"reservationId": made["id"]})
    for name, value in (("name", "Checked again"), ("covers", 4), ("hostNotes", None)):
        for what, reservation in (("the answer", updated), ("the reservation", found)):
            expect(f"{name} of {what}", reservation.get(name), value)


@flow.check(
    "BKG-2",
    "CreateParty for a reservation, with a deposit",
    expected="an id of its own, the reservation and the deposit",
    source=Source.BOOKINGS,
    needs=(*_PARTIES, "CreateReservation"),
)
def _party_of_reservation(bench: Bench) -> None:
    reservation = guests.reserve(bench)
    deposit = {
        "totalAmount": stock.money(1000, "GBP"),
        "description": "a deposit",
        "paymentIntentIds": [stock.fresh("intent")],
    }
    with guests.seated(bench, reservationId=reservation["id"], deposit=deposit) as party:
        expect_true(
            "id", party["id"] != reservation["id"], expected="one of its own", came=party["id"]
        )
        found = bench.result("GetPartyById", {"partyId": party["id"]})
        for what, each in (("the answer", party), ("the party", found)):
            expect(f"reservationId of {what}", each.get("reservationId"), reservation["id"])
            came = each.get("deposit") or {}
            for name in ("totalAmount", "paymentIntentIds"):
                expect(f"deposit.{name} of {what}", came.get(name), deposit[name])


@flow.check(
    "BKG-3",
    "CreateParty for guests who have not reserved",
    expected="a party, at its table",
    source=Source.BOOKINGS,
    needs=_PARTIES,
)
def _walk_in(bench: Bench) -> None:
    table = guests.free_table(bench)
    with guests.seated(bench, table) as party:
        expect("tableIds", party.get("tableIds"), [table])
        expect("reservationId", party.get("reservationId"), None)


@flow.check(
    "BKG-4",
    "The till opens an order at a table where a party sits",
    expected="the order has the party's id",
    source=Source.API,
    needs=(*_PARTIES, "GetOrderById"),
    till=("new_order",),
)
def _order_of_party(bench: Bench) -> None:
    table = guests.free_table(bench)
    with guests.seated(bench, table) as party:
        order_id = bench.till.new_order(table)
        bench.note(f"(the till opens {order_id} at {table})", "")
        order = stock.get(bench, order_id)
        expect("details.dineIn.partyId", stock.dine_in(order).get("partyId"), party["id"])


@flow.check(
    "BKG-5",
    "SearchParties, and the same with completedOnly",
    expected="only parties without endTime; only those with it",
    source=Source.API,
    needs=(*_PARTIES, "UpdateParty"),
)
def _completed(bench: Bench) -> None:
    table = guests.free_table(bench)
    with guests.seated(bench, table) as party:
        _expect_listed(bench, party["id"], completed_only=False)
        guests.leave(bench, party)
        _expect_listed(bench, party["id"], completed_only=True)
    for completed_only in (False, True):
        for each in stock.search(bench, "SearchParties", {"completedOnly": completed_only}):
            expect(
                f"party {each.get('id')!r} with completedOnly {completed_only}: it has endTime",
                each.get("endTime") is not None,
                completed_only,
            )


def _expect_listed(bench: Bench, party_id: str, *, completed_only: bool) -> None:
    for asked in (False, True):
        found = stock.search(bench, "SearchParties", {"completedOnly": asked})
        expect(
            f"the party is listed with completedOnly {asked}",
            party_id in [each.get("id") for each in found],
            asked is completed_only,
        )


@flow.check(
    "BKG-6",
    "CreateParty at a table where somebody sits",
    expected="Conflict",
    source=(Source.BOOKINGS, Source.INFERRED),
    needs=_PARTIES,
)
def _table_taken(bench: Bench) -> None:
    table = guests.free_table(bench)
    with guests.seated(bench, table):
        bench.refused("CreateParty", guests.party(table), "Conflict")


@flow.check(
    "BKG-7",
    "DeletePartyById and DeleteReservationById, twice",
    expected="{}; then the Get is NotFound, and the second delete {} or NotFound",
    source=(Source.API, Source.INFERRED),
    needs=(*_PARTIES, *_RESERVATIONS, "DeletePartyById", "DeleteReservationById"),
)
def _delete(bench: Bench) -> None:
    for kind, made in (("Party", guests.seat(bench)), ("Reservation", guests.reserve(bench))):
        params = {f"{kind.lower()}Id": made["id"]}
        expect("the result", bench.call(f"Delete{kind}ById", params).result(), {})
        bench.refused(f"Get{kind}ById", params, "NotFound")
        second = bench.call(f"Delete{kind}ById", params)
        if second.error is None:
            expect("the result of the second", second.result(), {})
        else:
            second.refusal("NotFound")


@flow.check(
    "BKG-8",
    "SearchReservations by time and by table",
    expected="those inside the window and at the table, and no other",
    source=Source.API,
    needs=(*_RESERVATIONS, "SearchReservations", "SearchTables"),
)
def _windows(bench: Bench) -> None:
    start = 72 * HOUR
    made = guests.reserve(bench, startTime=later(start), endTime=later(start + 2 * HOUR))
    table = made["tableIds"][0]

    def listed(**filters: str) -> bool:
        found = stock.search(bench, "SearchReservations", filters)
        return made["id"] in [each.get("id") for each in found]

    around: Json = {"fromTime": later(start - HOUR), "toTime": later(start + 3 * HOUR)}
    cases = (
        ("all around it", around, True),
        ("that ends before it", {"toTime": later(start - HOUR)}, False),
        ("that begins after it", {"fromTime": later(start + 3 * HOUR)}, False),
        ("around it, at its table", {**around, "tableId": table}, True),
        ("around it, at another table", {**around, "tableId": stock.fresh("table")}, False),
    )
    for name, filters, expected in cases:
        expect(f"the reservation is listed for a window {name}", listed(**filters), expected)
    if bench.is_served("DeleteReservationById"):
        bench.call("DeleteReservationById", {"reservationId": made["id"]})
