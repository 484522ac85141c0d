"""Pages of orders: how a terminal walks through more than it can show."""

from dojo_simulator.check import stock
from dojo_simulator.check.answers import expect, expect_true
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.flows.orders import all_orders
from dojo_simulator.check.framework import Failed, Flow, Json, Skipped, Source

flow = Flow("Paging")

_STEPS = 12
"""Pages of one order that are walked through: more of them show nothing more."""


def _search(bench: Bench, cursor: Json) -> Json:
    return bench.result("SearchOrders", {"cursor": cursor})


def _ids(page: Json) -> list[str]:
    return [str(each.get("id")) for each in stock.data("SearchOrders", page)]


@flow.check(
    "ORD-6",
    "SearchOrders page by page: limits of 1 and 100, none, 0 and 101; forwards and backwards",
    expected=f"never more than the limit or {stock.PAGE}; a walk meets every order once, always in "
    "the same order, both ways",
    source=Source.API,
    needs=("SearchOrders",),
)
def _walk(bench: Bench) -> str | None:
    count = len(all_orders(bench))
    if count < 2 and not bench.can("new_order"):
        raise Skipped("pages need two orders or more: open some")
    opened = _fill(bench, stock.PAGE + 1 - count)
    try:
        _walk_through(bench)
    finally:
        if bench.can("close"):
            for order_id in opened:
                bench.till.close(order_id)
    few = count + len(opened) <= stock.PAGE
    return f"only {count} orders: one page takes them all" if few else None


def _fill(bench: Bench, missing: int) -> list[str]:
    """Have more orders than one page takes, if the till can open some; return the new ones."""
    return [bench.till.new_order() for _ in range(missing)] if bench.can("new_order") else []


def _walk_through(bench: Bench) -> None:
    whole = _forwards(bench, stock.PAGE)
    expect_true("a walk", len(set(whole)) == len(whole), expected="each order once", came=whole)
    unlimited = _ids(bench.result("SearchOrders"))
    expect_true(
        "a page without a limit", len(unlimited) <= stock.PAGE,
        expected=f"{stock.PAGE} orders at the most", came=len(unlimited),
    )  # fmt: skip
    expect("its orders", unlimited, whole[: len(unlimited)])
    third = max(2, len(whole) // 3)
    expect(f"a walk with a limit of {third}", _forwards(bench, third), whole)
    expect(f"a walk backwards with a limit of {third}", _backwards(bench, third, whole), whole)
    _one_by_one(bench, whole)
    for limit, most in ((0, 0), (stock.PAGE + 1, stock.PAGE)):
        answer = bench.call("SearchOrders", {"cursor": {"limit": limit}})
        if answer.error is not None:
            answer.refusal("InvalidRequest")
            continue
        count = len(_ids(answer.object()))
        expect_true(
            f"a page with a limit of {limit}", count <= most,
            expected=f"InvalidRequest, or {most} orders at the most", came=count,
        )  # fmt: skip


def _forwards(bench: Bench, limit: int) -> list[str]:
    found: list[str] = []
    for page in stock.pages(bench, "SearchOrders", {}, limit=limit):
        ids = _ids(page)
        expect_true(
            f"a page with a limit of {limit}", len(ids) <= limit,
            expected=f"{limit} orders at the most", came=len(ids),
        )  # fmt: skip
        found += ids
    return found


def _backwards(bench: Bench, limit: int, whole: list[str]) -> list[str]:
    """Walk to the last page, and from there back by `before`."""
    page: Json = {}
    for page in stock.pages(bench, "SearchOrders", {}, limit=limit):  # noqa: B007 - the last counts
        pass
    found = _ids(page)
    while (before := page.get("before")) is not None:
        page = _search(bench, {"limit": limit, "before": before})
        ids = _ids(page)
        expect_true("a page before another", ids, expected="some orders", came=ids)
        found = ids + found
        if len(found) > len(whole):
            raise Failed("a walk backwards", expected="an end", came="more orders than there are")
    return found


def _one_by_one(bench: Bench, whole: list[str]) -> None:
    cursor: Json = {"limit": 1}
    for place, order_id in enumerate(whole[:_STEPS]):
        page = _search(bench, cursor)
        expect(f"page {place + 1} with a limit of 1", _ids(page), [order_id])
        if place + 1 == len(whole):
            return
        after = page.get("after")
        expect_true(f"page {place + 1}", after is not None, expected="a cursor `after`", came=None)
        cursor = {"limit": 1, "after": after}


@flow.check(
    "ORD-7",
    "SearchOrders with before and after at once",
    expected="InvalidRequest",
    source=Source.API,
    needs=("SearchOrders",),
)
def _both_ways(bench: Bench) -> None:
    page = _search(bench, {"limit": 1})
    cursor = page.get("after") or page.get("before") or "any"
    bench.refused("SearchOrders", {"cursor": {"before": cursor, "after": cursor}}, "InvalidRequest")


@flow.check(
    "ORD-8",
    "SearchOrders for a table that does not exist",
    expected="no orders and no cursors; that is no error",
    source=(Source.INFERRED, Source.OLD_TESTS),
    needs=("SearchOrders",),
)
def _nothing_found(bench: Bench) -> None:
    page = bench.result("SearchOrders", {"dineIn": {"tableId": stock.fresh("table")}})
    expect("the page", page, {"data": []})
