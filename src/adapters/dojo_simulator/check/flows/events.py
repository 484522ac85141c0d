"""Events: what Dojo tells the EPOS, and what the EPOS tells Dojo."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from dojo_simulator.check import guests, stock
from dojo_simulator.check.answers import expect
from dojo_simulator.check.bench import Bench, later
from dojo_simulator.check.framework import Failed, Flow, Json, Source
from dojo_simulator.errors import WaitTimedOut

flow = Flow("Events")


def payment_event(
    intent: str, *, status: str = "Captured", event: str = "payment_intent.status_updated"
) -> Json:
    """The params of HandleEvent."""
    return {
        "id": stock.fresh("event"),
        "accountId": "check",
        "event": event,
        "data": {"paymentIntentId": intent, "paymentStatus": status, "captureMode": "Auto"},
        "createdAt": later(0),
    }


@flow.check(
    "EVT-1",
    "The same event twice, and after the EPOS has been started anew",
    expected="{} each time, and the order as after the first",
    source=Source.EVENTS,
    needs=("HandleEvent", "RecordOrderPaymentById", "GetOrderById"),
)
def _twice(bench: Bench) -> str | None:
    order = stock.payable(bench, at_least=4)
    intent = stock.fresh("intent")
    stock.pay(bench, order, 1, intent=intent).result()
    event = payment_event(intent, status="Reversed")
    expect("the answer", bench.call("HandleEvent", event).result(), {})
    first = stock.get(bench, order["id"])
    expect("the answer to the second", bench.call("HandleEvent", event).result(), {})
    expect("the order after the second", stock.get(bench, order["id"]), first)
    if not bench.forget():
        return "the EPOS runs by itself, so it was not started anew"
    expect("the answer after the start", bench.call("HandleEvent", event).result(), {})
    expect("the order after that", stock.get(bench, order["id"]), first)
    return None


@flow.check(
    "EVT-2",
    "An event of a type that Dojo may add tomorrow, and one with more data than today",
    expected="{} each time",
    source=Source.INFERRED,
    needs=("HandleEvent",),
)
def _unknown_event(bench: Bench) -> None:
    intent = stock.fresh("intent")
    other = payment_event(intent, event="terminal.added_tomorrow")
    expect("the answer to the type", bench.call("HandleEvent", other).result(), {})
    more = payment_event(intent)
    more["data"] = {**more["data"], "addedTomorrow": {"deep": [1, 2]}}
    more["addedTomorrow"] = "yes"
    expect("the answer to more data", bench.call("HandleEvent", more).result(), {})


@flow.check(
    "EVT-3",
    "The till opens an order, changes it and closes it",
    expected="each time POST /epos/events with OrderUpdated, and the order's id alone",
    source=Source.EPOS_EVENTS,
    till=("new_order", "change", "close", "on_change"),
    hosted=True,
    rest=True,
)
def _order_updated(bench: Bench) -> None:
    till = bench.till
    with told_dojo(bench) as expect_told:
        order_id = expect_told("opens an order", till.new_order, "OrderUpdated", "orderId")
        for what, act in (("changes", till.change), ("closes", till.close)):
            expect_told(f"{what} it", partial(_on, act, order_id), "OrderUpdated", "orderId")


@flow.check(
    "EVT-4",
    "The till changes and deletes a party and a reservation",
    expected="each time POST /epos/events with PartyUpdated or ReservationUpdated; NotFound for "
    "what was deleted",
    source=Source.EPOS_EVENTS,
    needs=("CreateParty", "GetPartyById", "CreateReservation", "GetReservationById"),
    till=(
        "change_party",
        "delete_party",
        "change_reservation",
        "delete_reservation",
        "on_change",
    ),
    hosted=True,
    rest=True,
)
def _guests_updated(bench: Bench) -> None:
    till = bench.till
    kinds = (
        ("Party", guests.seat, till.change_party, till.delete_party),
        ("Reservation", guests.reserve, till.change_reservation, till.delete_reservation),
    )
    with told_dojo(bench) as expect_told:
        for kind, create, change, delete in kinds:
            name = f"{kind.lower()}Id"
            made = str(create(bench)["id"])
            event = f"{kind}Updated"
            expect_told("changes it", partial(_on, change, made), event, name)
            expect("its id", bench.result(f"Get{kind}ById", {name: made}).get("id"), made)
            expect_told("deletes it", partial(_on, delete, made), event, name)
            bench.refused(f"Get{kind}ById", {name: made}, "NotFound")


def _on(act: Callable[[str], None], of: str) -> str:
    act(of)
    return of


@contextmanager
def told_dojo(bench: Bench) -> Iterator[Callable[[str, Callable[[], str], str, str], str]]:
    """Pass on what the till tells of its changes, as the EPOS's program does.

    Gives a function that does something at the till, which returns the id of what it was done to,
    and raises Failed unless Dojo is told of just that.
    """
    registry, service = bench.registry, bench.hosted.service

    def expect_told(what: str, act: Callable[[], str], event_type: str, name: str) -> str:
        seen = len(registry.events)
        of = act()
        bench.note(f"(the till {what})", of)
        try:
            notice = registry.wait_for_event(
                event_type, of, timeout=bench.pace.patience, after=seen
            )
        except WaitTimedOut as error:
            raise Failed(
                f"after the till {what}", expected=f"{event_type} of {of}", came=error
            ) from None
        bench.note("POST /epos/events", f"{notice.event_type} {notice.event}")
        expect("the event has the id alone", notice.event, {name: of})
        return of

    bench.till.on_change(service.notify)
    try:
        yield expect_told
    finally:
        bench.till.on_change(lambda _: None)
