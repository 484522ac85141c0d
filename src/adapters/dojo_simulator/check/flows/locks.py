"""Locks: while somebody pays, nobody changes what is owed."""

from dojo_proto import Conflict
from dojo_simulator.check import stock
from dojo_simulator.check.answers import expect, expect_true
from dojo_simulator.check.bench import Bench, later
from dojo_simulator.check.framework import Failed, Flow, Json, Source

flow = Flow("Locks")

LONG = 120.0
"""Seconds that a lock holds which is not to run out."""

_NEEDS = ("CreateOrderLock", "DeleteOrderLock", "GetOrderById")
_PAYS = (*_NEEDS, "RecordOrderPaymentById")
_NO_TILL = "nobody was there to try it at the till"


def create(bench: Bench, order_id: str, lock_id: str, *, seconds: float = LONG) -> Json:
    """Lock the order, and return it."""
    return bench.result(
        "CreateOrderLock", {"orderId": order_id, "lockId": lock_id, "expiry": later(seconds)}
    )


def delete(bench: Bench, order_id: str, lock_id: str) -> Json:
    """Free the order, and return it."""
    order = bench.result("DeleteOrderLock", {"orderId": order_id, "lockId": lock_id})
    expect("id of the order", order.get("id"), order_id)
    return order


def expect_blocked(bench: Bench, order_id: str) -> bool:
    """Raise Failed if the till can open the order; say whether somebody was there to try."""
    if not bench.can("edit"):
        return False
    try:
        with bench.till.edit(order_id):
            raise Failed("the till opens the locked order", expected="Conflict", came="it can")
    except Conflict:
        bench.note(f"(the till tries to open {order_id})", "Conflict")
    return True


def expect_free(bench: Bench, order_id: str) -> bool:
    """Raise Failed if the till cannot open the order; say whether somebody was there to try."""
    if not bench.can("edit"):
        return False
    try:
        with bench.till.edit(order_id):
            bench.note(f"(the till opens {order_id}, and lets go of it)", "")
    except Conflict as error:
        raise Failed("the till opens the free order", expected="it can", came=error) from None
    return True


def _expect_refused(bench: Bench, order_id: str) -> None:
    """Another lock is told Conflict, in words."""
    params = {"orderId": order_id, "lockId": stock.fresh("lock"), "expiry": later(LONG)}
    error = bench.refused("CreateOrderLock", params, "Conflict")
    text = error.get("debugMessage")
    expect_true("debugMessage", isinstance(text, str) and text.strip(), expected="words", came=text)


@flow.check(
    "LCK-1",
    "CreateOrderLock on an order that nobody uses",
    expected="the order; the till cannot open it",
    source=(Source.PAY_AT_TABLE, Source.API),
    needs=_NEEDS,
)
def _lock(bench: Bench) -> str | None:
    order_id, lock_id = stock.payable(bench)["id"], stock.fresh("lock")
    expect("id of the order", create(bench, order_id, lock_id).get("id"), order_id)
    tried = expect_blocked(bench, order_id)
    delete(bench, order_id, lock_id)
    return None if tried else _NO_TILL


@flow.check(
    "LCK-2",
    "CreateOrderLock on an order that somebody else has locked, and on one open at the till",
    expected="Conflict, with a debugMessage that says why",
    source=Source.API,
    needs=_NEEDS,
)
def _locked_already(bench: Bench) -> str | None:
    order_id, lock_id = stock.payable(bench)["id"], stock.fresh("lock")
    create(bench, order_id, lock_id)
    _expect_refused(bench, order_id)
    delete(bench, order_id, lock_id)
    if not bench.can("edit"):
        return _NO_TILL
    with bench.till.edit(order_id):
        bench.note(f"(the till opens {order_id})", "")
        _expect_refused(bench, order_id)
    return None


@flow.check(
    "LCK-3",
    "The same lock again",
    expected="the order, as the first time",
    source=Source.INFERRED,
    needs=_NEEDS,
)
def _same_lock(bench: Bench) -> None:
    order_id, lock_id = stock.payable(bench)["id"], stock.fresh("lock")
    for _ in range(2):
        expect("id of the order", create(bench, order_id, lock_id).get("id"), order_id)
    delete(bench, order_id, lock_id)


@flow.check(
    "LCK-4",
    "A lock, two payments under it, and the lock is given back",
    expected="the order each time; afterwards the till can open it",
    source=Source.LOCKS,
    needs=_PAYS,
)
def _pay_and_unlock(bench: Bench) -> str | None:
    order, lock_id = stock.payable(bench, at_least=3), stock.fresh("lock")
    create(bench, order["id"], lock_id)
    for _ in range(2):
        stock.pay(bench, order, 1, lockId=lock_id).result()
    freed = delete(bench, order["id"], lock_id)
    expect("paidAmount", stock.amount(freed, "paidAmount"), stock.amount(order, "paidAmount") + 2)
    return None if expect_free(bench, order["id"]) else _NO_TILL


@flow.check(
    "LCK-5",
    "ExtendOrderLock, and the first expiry passes",
    expected="{}; the order is still locked, for others and for the till",
    source=(Source.API, Source.LOCKS),
    needs=(*_NEEDS, "ExtendOrderLock"),
)
def _extend(bench: Bench) -> str | None:
    order_id, lock_id = stock.payable(bench)["id"], stock.fresh("lock")
    create(bench, order_id, lock_id, seconds=bench.pace.lock)
    extension = {"orderId": order_id, "lockId": lock_id, "expiry": later(LONG)}
    expect("the result", bench.call("ExtendOrderLock", extension).result(), {})
    _let_run_out(bench)
    _expect_refused(bench, order_id)
    tried = expect_blocked(bench, order_id)
    delete(bench, order_id, lock_id)
    return None if tried else _NO_TILL


@flow.check(
    "LCK-6",
    "A lock runs out, and nobody gives it back",
    expected="the order is free: somebody else can lock it, and the till can open it",
    source=Source.API,
    needs=_NEEDS,
)
def _run_out(bench: Bench) -> str | None:
    order_id = _with_lock_run_out(bench)[0]["id"]
    tried = expect_free(bench, order_id)
    lock_id = stock.fresh("lock")
    create(bench, order_id, lock_id)
    delete(bench, order_id, lock_id)
    return None if tried else _NO_TILL


@flow.check(
    "LCK-7",
    "DeleteOrderLock of a lock that is gone: given back already, run out, never there",
    expected="the order: there is nothing to be done, and that is no error",
    source=Source.INFERRED,
    needs=_NEEDS,
)
def _gone_already(bench: Bench) -> None:
    order, lock_id = _with_lock_run_out(bench)
    order_id = order["id"]
    delete(bench, order_id, lock_id)
    delete(bench, order_id, lock_id)
    delete(bench, order_id, stock.fresh("lock"))


@flow.check(
    "LCK-8",
    "A payment with a lock that has run out meanwhile",
    expected="recorded, since nothing else has come in between",
    source=Source.INFERRED,
    needs=_PAYS,
)
def _pay_after_expiry(bench: Bench) -> None:
    order, lock_id = _with_lock_run_out(bench)
    paid = stock.pay(bench, order, 1, lockId=lock_id).object()
    expect("paidAmount", stock.amount(paid, "paidAmount"), stock.amount(order, "paidAmount") + 1)


@flow.check(
    "LCK-9",
    "Staff free an order by hand, and then the payment comes",
    expected="they can; the payment is recorded if it fits what is owed, else Conflict",
    source=Source.MERCHANTS,
    needs=_PAYS,
    till=("unlock",),
)
def _unlocked_by_hand(bench: Bench) -> str | None:
    order, lock_id = stock.payable(bench, at_least=2), stock.fresh("lock")
    create(bench, order["id"], lock_id)
    bench.till.unlock(order["id"])
    bench.note(f"(staff free {order['id']})", "")
    tried = expect_free(bench, order["id"])
    stock.pay(bench, order, stock.owed(order) + 1, lockId=lock_id).refusal("Conflict")
    paid = stock.pay(bench, order, 1, lockId=lock_id).object()
    expect("paidAmount", stock.amount(paid, "paidAmount"), stock.amount(order, "paidAmount") + 1)
    return None if tried else _NO_TILL


def _with_lock_run_out(bench: Bench) -> tuple[Json, str]:
    """An order, and a lock that it had."""
    order, lock_id = stock.payable(bench, at_least=2), stock.fresh("lock")
    create(bench, order["id"], lock_id, seconds=bench.pace.lock)
    _let_run_out(bench)
    return order, lock_id


def _let_run_out(bench: Bench) -> None:
    bench.pass_time(bench.pace.lock + 0.05)
    bench.note("(the lock's expiry passes)", "")
