"""Finding and showing orders: what a terminal does before anybody pays."""

from collections import Counter
from contextlib import ExitStack

from dojo_simulator.check import guests, stock
from dojo_simulator.check.amounts import judge_amounts
from dojo_simulator.check.answers import Answer, expect, expect_true
from dojo_simulator.check.bench import Bench, later
from dojo_simulator.check.framework import Failed, Flow, Json, Skipped, Source

flow = Flow("Orders")

NAME_SHOWN = 24
"""Characters of a name that terminals show."""


def all_orders(bench: Bench, **filters: object) -> list[Json]:
    """What SearchOrders finds. Raises Skipped if there are no orders at all to tell by."""
    found = stock.search(bench, "SearchOrders", filters)
    if not filters and not found:
        raise Skipped("SearchOrders finds no order: open some")
    return found


def ids(orders: list[Json]) -> list[str]:
    """Their ids, sorted."""
    return sorted(str(each.get("id")) for each in orders)


def expect_found(what: str, found: list[Json], expected: list[Json]) -> None:
    """Raise Failed unless these are the orders that were to be found."""
    expect_true(what, ids(found) == ids(expected), expected=f"{ids(expected)}", came=ids(found))


def fitting(orders: list[Json], **seat: object) -> list[Json]:
    """Those whose `details.dineIn` has all of these values."""
    return [each for each in orders if seat.items() <= stock.dine_in(each).items()]


@flow.check(
    "ORD-1",
    "SearchOrders with payableOnly",
    expected="all orders that are payable, and no other",
    source=(Source.API, Source.PAY_AT_TABLE),
    needs=("SearchOrders",),
)
def _payable_only(bench: Bench) -> str | None:
    with ExitStack() as stack:
        if bench.can("edit"):
            stack.enter_context(bench.till.edit(stock.payable(bench)["id"]))
            bench.note("(the till opens an order)", "")
        orders = all_orders(bench)
        found = all_orders(bench, payableOnly=True)
    expect_found("payable orders", found, [each for each in orders if each.get("payable") is True])
    left_out = len(orders) - len(found)
    return None if left_out else "every order is payable, so none had to be left out"


@flow.check(
    "ORD-2",
    "An order is open at the till, then it is paid up",
    expected="both times SearchOrders with payableOnly leaves it out",
    source=Source.PAY_AT_TABLE,
    needs=("SearchOrders", "GetOrderById"),
)
def _not_payable(bench: Bench) -> str | None:
    order = stock.payable(bench, whole=True)
    order_id = order["id"]

    def listed() -> bool:
        return order_id in ids(all_orders(bench, payableOnly=True))

    expect("the order is listed while nobody touches it", listed(), expected=True)
    edited = bench.can("edit")
    if edited:
        with bench.till.edit(order_id):
            bench.note(f"(the till opens {order_id})", "")
            expect("it is listed while it is open at the till", listed(), expected=False)
        bench.note(f"(the till lets go of {order_id})", "")
        expect("it is listed again afterwards", listed(), expected=True)
    stock.pay(bench, order, stock.owed(order)).result()
    expect("it is listed when it is paid up", listed(), expected=False)
    return None if edited else "nobody was there to open it at the till"


@flow.check(
    "ORD-3",
    "SearchOrders with dineIn.tableId, as from a QR code",
    expected="the orders of that table, and no other",
    source=Source.PAY_AT_TABLE,
    needs=("SearchOrders",),
)
def _by_table(bench: Bench) -> None:
    orders = all_orders(bench)
    used = {
        str(stock.dine_in(each)["tableId"]) for each in orders if "tableId" in stock.dine_in(each)
    }
    if not used:
        raise Skipped("no order is at a table")
    for table in sorted(used)[:3]:
        found = all_orders(bench, dineIn={"tableId": table})
        expect_found(f"orders of table {table!r}", found, fitting(orders, tableId=table))


@flow.check(
    "ORD-4",
    "SearchOrders for no waiter, for one, and for one that does not exist",
    expected="all orders; that waiter's own; none, or an error",
    source=Source.OLD_TESTS,
    needs=("SearchOrders",),
)
def _by_waiter(bench: Bench) -> None:
    orders = all_orders(bench)
    waiters = Counter(stock.dine_in(each).get("waiterId") for each in orders)
    known = sorted(str(each) for each in waiters if each is not None)
    waiter = bench.given.waiter or (known[0] if known else None)
    if waiter is None:
        raise Skipped("no order has a waiter: name one who has orders with --waiter")
    own = fitting(orders, waiterId=waiter)
    expect_found(
        f"orders with dineIn.waiterId {waiter!r}",
        all_orders(bench, dineIn={"waiterId": waiter}),
        own,
    )
    page = bench.call("SearchOrders", {"cursor": {"limit": stock.PAGE}}, waiter=waiter).object()
    found = stock.data("SearchOrders", page)
    whole = len(found) < stock.PAGE
    expect_found(
        f"orders with headers.waiterId {waiter!r}", found, own if whole else own[: len(found)]
    )
    nobody = stock.fresh("waiter")
    _expect_none(
        "dineIn.waiterId of nobody", bench.call("SearchOrders", {"dineIn": {"waiterId": nobody}})
    )
    _expect_none("headers.waiterId of nobody", bench.call("SearchOrders", waiter=nobody))


def _expect_none(what: str, answer: Answer) -> None:
    if answer.error is not None:
        answer.refusal("NotFound", "InvalidRequest", "Conflict")
        return
    expect(what, ids(stock.data("SearchOrders", answer.object())), [])


@flow.check(
    "ORD-5",
    "SearchOrders by party or reservation, alone and together with the table",
    expected="only orders that fit every filter",
    source=(Source.API, Source.INFERRED),
    needs=("SearchOrders",),
)
def _filters_together(bench: Bench) -> str | None:
    with ExitStack() as stack:
        _seat_guests(bench, stack)
        orders = all_orders(bench)
        tried = [name for name in ("partyId", "reservationId") if _filter(bench, orders, name)]
    seats = [stock.dine_in(each) for each in orders]
    table = next((seat["tableId"] for seat in seats if "tableId" in seat), None)
    nobody = {"tableId": table, "waiterId": stock.fresh("waiter")}
    answer = bench.call("SearchOrders", {"dineIn": nobody})
    _expect_none("orders at a table, of a waiter who is nobody", answer)
    return None if tried else "no order belongs to a party or a reservation"


def _seat_guests(bench: Bench, stack: ExitStack) -> None:
    """Have guests who have reserved, with an order, if the EPOS knows of such."""
    methods = ("CreateReservation", "CreateParty", "SearchTables", "SearchParties")
    if bench.can("new_order") and all(map(bench.is_served, methods)):
        table = guests.free_table(bench)
        reservation = guests.reserve(bench, tableIds=[table])
        stack.enter_context(guests.seated(bench, table, reservationId=reservation["id"]))
        bench.note(f"(the till opens an order at {table})", bench.till.new_order(table))


def _filter(bench: Bench, orders: list[Json], name: str) -> bool:
    """Search by party or reservation; say whether an order has one."""
    nobody = {name: stock.fresh(name)}
    expect(f"orders with {name} of nobody", ids(all_orders(bench, dineIn=nobody)), [])
    seats = [seat for each in orders if name in (seat := stock.dine_in(each))]
    if not seats:
        return False
    alone = {name: seats[-1][name]}
    expect_found(f"orders with {name}", all_orders(bench, dineIn=alone), fitting(orders, **alone))
    both = {**alone, "tableId": seats[-1].get("tableId")}
    expect_found(
        f"orders with {name}, at their table",
        all_orders(bench, dineIn=both), fitting(orders, **both),
    )  # fmt: skip
    elsewhere = {**alone, "tableId": stock.fresh("table")}
    expect(f"orders with {name}, at no table", ids(all_orders(bench, dineIn=elsewhere)), [])
    return True


@flow.check(
    "ORD-9",
    "The names that terminals show",
    expected=f"every payable order has a displayName, of {NAME_SHOWN} characters at the most",
    source=Source.PAY_AT_TABLE,
    needs=("SearchOrders",),
)
def _display_names(bench: Bench) -> str | None:
    orders = all_orders(bench, payableOnly=True)
    if not orders:
        raise Skipped("SearchOrders finds no payable order: open one")
    names = Counter[str]()
    for order in orders:
        name = order.get("displayName")
        if not isinstance(name, str) or not name.strip():
            raise Failed(
                f"displayName of {order.get('id')!r}",
                expected="a name: without one, terminals show the id of the table or the order",
                came=name,
            )
        expect_true(
            f"displayName of {order.get('id')!r}", len(name) <= NAME_SHOWN,
            expected=f"{NAME_SHOWN} characters at the most: the rest is cut off",
            came=f"{len(name)} characters: {name!r}",
        )  # fmt: skip
        names[name] += 1
    twice = sorted(name for name, count in names.items() if count > 1)
    return (
        f"terminals put a number behind names that come twice: {', '.join(twice)}"
        if twice
        else None
    )


@flow.check(
    "ORD-10",
    "GetOrderById after the order has changed",
    expected="the order as it is now",
    source=Source.PAY_AT_TABLE,
    needs=("GetOrderById",),
)
def _newest_state(bench: Bench) -> str | None:
    order = stock.payable(bench)
    before = stock.get(bench, order["id"])
    by_till = bench.can("change")
    if by_till:
        bench.till.change(order["id"])
        bench.note(f"(the till changes {order['id']})", "")
    else:
        stock.pay(bench, order, 1).result()
    after = stock.get(bench, order["id"])
    what_is_owed = [stock.owed(before), before.get("items")]
    expect_true(
        "the order", what_is_owed != [stock.owed(after), after.get("items")],
        expected="other items, or another amount owed, than before the change", came="the same",
    )  # fmt: skip
    return (
        None if by_till else "the change was a payment: nobody was there to change it at the till"
    )


@flow.check(
    "ORD-11",
    "GetOrderById for an order that does not exist",
    expected="NotFound",
    source=Source.EPOS_EVENTS,
    needs=("GetOrderById",),
)
def _unknown_order(bench: Bench) -> None:
    bench.refused("GetOrderById", {"orderId": stock.fresh("order")}, "NotFound")


@flow.check(
    "ORD-12",
    "The amounts of every order",
    expected="whole minor units of one currency; the total with the service charge and without "
    "tips; paidAmount and tipsAmount are the sums of the payments; payable ends when all is paid",
    source=Source.API,
    needs=("SearchOrders", "GetOrderById"),
)
def _amounts(bench: Bench) -> None:
    orders = all_orders(bench)
    for order in orders:
        judge_amounts(order)
    for order in orders[:5]:
        judge_amounts(stock.get(bench, order["id"]))


@flow.check(
    "ORD-13",
    "GetOrderById while the order is locked",
    expected="the order, as ever",
    source=Source.LOCKS,
    needs=("GetOrderById", "CreateOrderLock"),
)
def _read_while_locked(bench: Bench) -> None:
    order_id = stock.payable(bench)["id"]
    lock = {"orderId": order_id, "lockId": stock.fresh("lock")}
    bench.result("CreateOrderLock", {**lock, "expiry": later(60)})
    expect("id of the order", stock.get(bench, order_id).get("id"), order_id)
    bench.call("DeleteOrderLock", lock)
