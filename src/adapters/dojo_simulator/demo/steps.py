"""The steps of the demonstration. Each checks what it claims, and returns a line that says it."""

from collections.abc import Callable
from functools import partial
from threading import Event
from time import monotonic
from typing import Any, TypeAlias

import msgspec

from dojo_proto.events import Cause, RequestFinished, RequestOutcome, RetryScheduled
from dojo_simulator.demo.visit import (
    PATIENCE,
    WAITER,
    Unexpected,
    Visit,
    elapsed,
    expect,
    expect_money,
    expiry,
    money,
    pounds,
    result,
    with_headers,
)
from dojo_simulator.errors import ConnectionEnded

Run: TypeAlias = Callable[[Visit], str]

_FAST = 5

# The till's orders: tables 1 and 7 are anna's, table 2 is not.
_TABLE_1, _TABLE_2, _TABLE_7 = "order-1", "order-2", "order-3"
_TOTAL = 6750
_FIRST, _SECOND, _TIP = 4000, 2750, 500
_LOST, _LOST_TIP = 1400, 140
_LOCK = {"orderId": _TABLE_1, "lockId": "lock-1"}
_LOST_PAYMENT = {
    "orderId": _TABLE_2,
    "paymentIntentId": "pi_3",
    "paidAmount": money(_LOST),
    "tipsAmount": money(_LOST_TIP),
}
_LOST_ID = "request-that-was-lost"
_PAY = "RecordOrderPaymentByIdV1"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step, and what must have passed for it to make sense."""

    name: str
    run: Run
    needs: tuple[Run, ...]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """Steps that belong together."""

    title: str
    steps: tuple[Step, ...]


def connect(visit: Visit) -> str:
    """The EPOS opens the one connection, with the vendor's headers."""
    visit.service.ready(PATIENCE)
    headers = visit.epos.headers
    expect("path", visit.epos.target, "/epos")
    expect("scheme of the key", headers.get("authorization", "").split(" ")[0], "Basic")
    expect("software-house-id", headers.get("software-house-id"), "dojo-sample-restaurant")
    return "101; key and software-house-id as Dojo wants them"


def search(visit: Visit) -> str:
    """The terminal lists what can be paid."""
    found = visit.call("SearchOrdersV1", {"payableOnly": True, "dineIn": {"waiterId": WAITER}})
    expect("the orders", [each["id"] for each in found["data"]], [_TABLE_1, _TABLE_7])
    names = ", ".join(each["displayName"] for each in found["data"])
    return f"{WAITER}'s payable orders: {names}"


def get_order(visit: Visit) -> str:
    """The terminal opens one of them."""
    order = visit.call("GetOrderByIdV1", {"orderId": _TABLE_1})
    expect_money("totalAmount", order["totalAmount"], _TOTAL)
    _expect_paid(order, paid=0, tips=0, payments=[])
    expect("payable", order["payable"], expected=True)
    return f"{order['displayName']} owes {pounds(_TOTAL)}, nothing is paid"


def lock(visit: Visit) -> str:
    """The waiter goes to the table."""
    order = visit.call("CreateOrderLockV1", {**_LOCK, "expiry": expiry(60)})
    expect("id", order["id"], _TABLE_1)
    return "nobody changes the order for 60 s"


def pay_first(visit: Visit) -> str:
    """One guest pays a part."""
    payment = {**_LOCK, "paymentIntentId": "pi_1", "paidAmount": money(_FIRST)}
    order = visit.call(_PAY, payment)
    _expect_paid(order, paid=_FIRST, tips=0, payments=["pi_1"])
    return f"{pounds(_FIRST)} booked, {pounds(_TOTAL - _FIRST)} left"


def pay_second(visit: Visit) -> str:
    """The other one pays the rest, and tips: a tip pays for nothing that was ordered."""
    payment = {
        **_LOCK,
        "paymentIntentId": "pi_2",
        "paidAmount": money(_SECOND),
        "tipsAmount": money(_TIP),
    }
    order = visit.call(_PAY, payment)
    _expect_paid(order, paid=_TOTAL, tips=_TIP, payments=["pi_1", "pi_2"])
    expect("payable", order["payable"], expected=False)
    return f"{pounds(_SECOND)} and {pounds(_TIP)} tip: paid in full"


def extend(visit: Visit) -> str:
    """They still want their bill."""
    expect("the result", visit.call("ExtendOrderLockV1", {**_LOCK, "expiry": expiry(120)}), {})
    return "the lock holds for 120 s more"


def bill(visit: Visit) -> str:
    """The bill, as the printer would have it."""
    printed = visit.call("GetOrderBillByIdV1", {"orderId": _TABLE_1})
    _expect_paid(printed["order"], paid=_TOTAL, tips=_TIP, payments=["pi_1", "pi_2"])
    texts = [each["text"]["value"] for each in printed["footer"]["lines"] if "text" in each]
    if f"Total {pounds(_TOTAL)}" not in texts:
        raise Unexpected("the footer", expected=f"Total {pounds(_TOTAL)}", came=texts)
    return f'prints "Total {pounds(_TOTAL)}"'


def unlock(visit: Visit) -> str:
    """Everybody goes home."""
    order = visit.call("DeleteOrderLockV1", _LOCK)
    _expect_paid(order, paid=_TOTAL, tips=_TIP, payments=["pi_1", "pi_2"])
    return f"{order['displayName']} is free again"


def overtake(visit: Visit) -> str:
    """A slow request does not hold up those behind it."""
    params = with_headers({"orderId": _TABLE_7})
    printed = Event()
    visit.till.printer = partial(printed.wait, PATIENCE)
    try:
        began = monotonic()
        slow = visit.epos.start_call("GetOrderBillByIdV1", params, timeout=PATIENCE)
        fast = [
            visit.epos.start_call("GetOrderByIdV1", params, timeout=PATIENCE) for _ in range(_FAST)
        ]
        for call in fast:
            result(call.wait(PATIENCE))
        took = elapsed(began)
        if slow.done:
            raise Unexpected("the slow answer", expected="still to come", came="come already")
        printed.set()
        result(slow.wait(PATIENCE))
    finally:
        printed.set()
    return f"{_FAST} answers in {took * 1000:.1f} ms while a bill was printing"


def unknown_order(visit: Visit) -> str:
    """Nobody has ordered that."""
    params = {"orderId": "order-999"}
    visit.refused("GetOrderByIdV1", params, code=-32004, error_type="NotFound")
    return "NotFound, -32004"


def unknown_method(visit: Visit) -> str:
    """A method that nobody has written a handler for costs an answer, not the connection."""
    epos = visit.epos
    visit.refused("OrderPizzaV1", {}, code=-32601, error_type="InvalidRequest")
    visit.call("GetOrderByIdV1", {"orderId": _TABLE_1})
    expect("the connection", visit.epos, epos)
    return "-32601, and the next call is answered"


def lose_answer(visit: Visit) -> str:
    """The money is booked, and the gateway never hears of it."""
    visit.lost = visit.epos
    call = visit.lost.start_call(
        _PAY, with_headers(_LOST_PAYMENT), request_id=_LOST_ID, drop_before_answer=True
    )
    try:
        call.wait(PATIENCE)
    except ConnectionEnded:
        _expect_paid(visit.books(_TABLE_2), paid=_LOST, tips=_LOST_TIP, payments=["pi_3"])
        return f"{pounds(_LOST)} booked; dropped before the answer"
    raise Unexpected("the connection", expected="dropped", came="an answer")


def reconnect(visit: Visit) -> str:
    """The EPOS dials again, by itself."""
    epos = visit.gateway.wait_for_epos(PATIENCE, after=visit.lost)
    retry = visit.heard.wait(RetryScheduled)
    return f"waited {retry.seconds:g} s; connection {epos.number} is open"


def retry_same_id(visit: Visit) -> str:
    """The gateway asks again, as it was."""
    return _retry(visit, _LOST_ID)


def retry_new_id(visit: Visit) -> str:
    """The gateway asks again as if for the first time: only the payment is the same."""
    return _retry(visit, "request-of-the-retry")


def books(visit: Visit) -> str:
    """Every order of the till has what was paid for it, to the penny."""
    paid = {
        _TABLE_1: (_TOTAL, _TIP, ["pi_1", "pi_2"]),
        _TABLE_2: (_LOST, _LOST_TIP, ["pi_3"]),
        _TABLE_7: (0, 0, []),
    }
    for order_id, (amount, tips, payments) in paid.items():
        _expect_paid(visit.books(order_id), paid=amount, tips=tips, payments=payments)
    return f"{pounds(_TOTAL + _LOST)} and {pounds(_TIP + _LOST_TIP)} tips in 3 payments"


def stop(visit: Visit) -> str:
    """The EPOS finishes what runs, and says goodbye."""
    epos = visit.epos
    visit.service.stop()
    ended = epos.wait_closed(PATIENCE)
    expect("the end", (ended.cause, ended.code), (Cause.PEER_CLOSED, 1000))
    return "drained; closed with code 1000"


def _retry(visit: Visit, request_id: str) -> str:
    epos = visit.gateway.wait_for_epos(PATIENCE, after=visit.lost)
    order = visit.call(_PAY, _LOST_PAYMENT, request_id=request_id)
    _expect_paid(order, paid=_LOST, tips=_LOST_TIP, payments=["pi_3"])
    shown = msgspec.json.encode(request_id).decode()
    finished = visit.heard.wait(
        RequestFinished, lambda each: each.request_id == shown and each.link >= epos.number
    )
    expect("how the EPOS answered", finished.outcome, RequestOutcome.REPEAT)
    return f"{pounds(_LOST)} paid; the handler did not run again"


def _expect_paid(order: dict[str, Any], *, paid: int, tips: int, payments: list[str]) -> None:
    expect_money(f"paidAmount of {order['displayName']}", order["paidAmount"], paid)
    expect_money(f"tipsAmount of {order['displayName']}", order["tipsAmount"], tips)
    booked = [payment["paymentIntentId"] for payment in order.get("payments", ())]
    expect(f"payments of {order['displayName']}", booked, payments)


def _step(name: str, run: Run, *needs: Run) -> Step:
    return Step(name=name, run=run, needs=needs or (connect,))


SCENES = (
    Scene(
        title="The EPOS connects",
        steps=(Step(name="connect", run=connect, needs=()),),
    ),
    Scene(
        title="Two guests pay at their table",
        steps=(
            _step("SearchOrdersV1", search),
            _step("GetOrderByIdV1", get_order),
            _step("CreateOrderLockV1", lock),
            _step(_PAY, pay_first),
            _step(_PAY, pay_second, pay_first),
            _step("ExtendOrderLockV1", extend, lock),
            _step("GetOrderBillByIdV1", bill, pay_second),
            _step("DeleteOrderLockV1", unlock, lock, pay_second),
        ),
    ),
    Scene(
        title="Fast requests overtake a slow one, and mistakes are answered",
        steps=(
            _step("slow and fast requests", overtake),
            _step("an unknown order", unknown_order),
            _step("an unknown method", unknown_method),
        ),
    ),
    Scene(
        title="A payment's answer is lost, and nothing is booked twice",
        steps=(
            _step(_PAY, lose_answer),
            _step("reconnect", reconnect, lose_answer),
            _step("retry, same id", retry_same_id, reconnect),
            _step("retry, new id", retry_new_id, reconnect),
            _step("the restaurant's books", books),
        ),
    ),
    Scene(
        title="The EPOS stops",
        steps=(_step("stop", stop),),
    ),
)
