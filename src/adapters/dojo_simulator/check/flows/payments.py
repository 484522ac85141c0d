"""Recording payments: the money is taken already, and Dojo gives it back if it hears an error."""

from collections.abc import Iterator
from contextlib import contextmanager

from dojo_simulator.check import stock
from dojo_simulator.check.amounts import judge_amounts
from dojo_simulator.check.answers import NoAnswer, expect, expect_one_of, expect_true
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.flows.events import payment_event
from dojo_simulator.check.framework import Failed, Flow, Json, Skipped, Source

flow = Flow("Payments")

_NEEDS = ("RecordOrderPaymentById", "GetOrderById")


def booked(order: Json) -> tuple[int, int, list[str]]:
    """What a payment changes: what is paid, the tips, and the payment intents."""
    paid, tips = stock.amount(order, "paidAmount"), stock.amount(order, "tipsAmount")
    return paid, tips, sorted(stock.intents(order))


@contextmanager
def nothing_booked(bench: Bench, order: Json) -> Iterator[None]:
    """Raise Failed if something is recorded on the order by what the block does."""
    yield
    expect(
        "what is recorded on the order (paid, tips, intents)",
        booked(stock.get(bench, order["id"])),
        booked(order),
    )


def expect_paid_up(order: Json) -> None:
    """Raise Failed unless nothing is owed any more, and nothing can be paid."""
    expect(
        "paidAmount, and so totalAmount",
        stock.amount(order, "paidAmount"),
        stock.amount(order, "totalAmount"),
    )
    expect("payable", order.get("payable"), expected=False)


@flow.check(
    "PAY-1",
    "All that is owed is paid at once",
    expected="the order, with paidAmount equal to totalAmount, and not payable any more",
    source=Source.API,
    needs=_NEEDS,
)
def _in_full(bench: Bench) -> None:
    order = stock.payable(bench, whole=True)
    intent = stock.fresh("intent")
    paid = stock.pay(bench, order, stock.owed(order), intent=intent).object()
    expect("id of the order", paid.get("id"), order["id"])
    expect_true(
        "its payments",
        intent in stock.intents(paid),
        expected=f"{intent} among them",
        came=stock.intents(paid),
    )
    expect_paid_up(paid)
    expect_paid_up(stock.get(bench, order["id"]))


@flow.check(
    "PAY-2",
    "The bill is split: two equal parts, a part of somebody's choice, and the rest",
    expected="paidAmount adds up; payable until the last part",
    source=(Source.LOCKS, Source.MERCHANTS),
    needs=_NEEDS,
)
def _split(bench: Bench) -> None:
    order = stock.payable(bench, at_least=4, whole=True)
    owed, before = stock.owed(order), stock.amount(order, "paidAmount")
    part = owed // 4
    for done, value in (
        (part, part),
        (2 * part, part),
        (2 * part + 1, 1),
        (owed, owed - 2 * part - 1),
    ):
        if not value:
            continue
        order = stock.pay(bench, order, value).object()
        expect("paidAmount", stock.amount(order, "paidAmount"), before + done)
        if done < owed:
            expect("payable, while something is owed", order.get("payable"), expected=True)
    expect_paid_up(order)


@flow.check(
    "PAY-3",
    "A payment with a tip",
    expected="the tip is in tipsAmount, and nowhere else",
    source=Source.API,
    needs=_NEEDS,
)
def _with_tip(bench: Bench) -> None:
    order = stock.payable(bench, at_least=2)
    tip = stock.money(37, stock.currency(order))
    paid = stock.pay(bench, order, 1, tipsAmount=tip).object()
    for name, more in (("paidAmount", 1), ("tipsAmount", 37), ("totalAmount", 0)):
        expect(name, stock.amount(paid, name), stock.amount(order, name) + more)
    judge_amounts(paid)


@flow.check(
    "PAY-4",
    "The same payment intent again: at once, and after the EPOS has been started anew",
    expected="success with the order as it is, each time; recorded once. An error would have the "
    "payment reversed",
    source=(Source.CONNECTING, Source.API),
    needs=_NEEDS,
)
def _again(bench: Bench) -> str | None:
    order = stock.payable(bench, at_least=4)
    params = stock.payment(order, 2)
    first = bench.result("RecordOrderPaymentById", params)
    _expect_once(bench, params, first)
    # A journal remembers for a time; a till has to know by itself, for ever.
    if not bench.forget():
        return "the EPOS runs by itself, so it was not started anew"
    _expect_once(bench, params, first)
    return None


def _expect_once(bench: Bench, params: Json, first: Json) -> None:
    repeated = bench.result("RecordOrderPaymentById", params)
    for what, order in (("the answer", repeated), ("the order", stock.get(bench, first["id"]))):
        expect(f"what is recorded (paid, tips, intents) by {what}", booked(order), booked(first))


@flow.check(
    "PAY-5",
    "More is paid than is owed",
    expected="Conflict, and nothing recorded",
    source=Source.API,
    needs=_NEEDS,
)
def _too_much(bench: Bench) -> None:
    order = stock.payable(bench)
    with nothing_booked(bench, order):
        stock.pay(bench, order, stock.owed(order) + 1).refusal("Conflict")


@flow.check(
    "PAY-6",
    "An order that is closed or cancelled is paid",
    expected="Conflict, and nothing recorded",
    source=Source.LOCKS,
    needs=_NEEDS,
)
def _closed(bench: Bench) -> None:
    order = stock.payable(bench, at_least=2)
    if bench.can("close"):
        bench.till.close(order["id"])
        bench.note(f"(the till closes {order['id']})", "")
    elif bench.is_served("CancelOrderById"):
        if bench.call("CancelOrderById", {"orderId": order["id"]}).error is not None:
            raise Skipped("the order could not be cancelled: a till with `close` would close one")
    else:
        raise Skipped("nobody closes an order: name TillActions with `close`")
    order = stock.get(bench, order["id"])
    with nothing_booked(bench, order):
        stock.pay(bench, order, 1).refusal("Conflict")


@flow.check(
    "PAY-7",
    "An order that does not exist is paid",
    expected="NotFound",
    source=Source.API,
    needs=_NEEDS,
)
def _unknown(bench: Bench) -> None:
    order = stock.payable(bench)
    with nothing_booked(bench, order):
        nowhere = {**order, "id": stock.fresh("order")}
        stock.pay(bench, nowhere, 1).refusal("NotFound")


@flow.check(
    "PAY-8",
    "Payments that make no sense: another currency, half a penny, no amount, no payment intent",
    expected="InvalidRequest or Conflict, and nothing recorded",
    source=Source.API,
    needs=_NEEDS,
)
def _senseless(bench: Bench) -> None:
    order = stock.payable(bench, at_least=3)
    foreign = "JPY" if stock.currency(order) != "JPY" else "SEK"
    right = stock.payment(order, 1)
    wrong: list[Json] = [
        {**right, "paidAmount": stock.money(1, foreign)},
        {**right, "paidAmount": {"value": 1.5, "currencyCode": stock.currency(order)}},
        {name: value for name, value in right.items() if name != "paidAmount"},
        {name: value for name, value in right.items() if name != "paymentIntentId"},
    ]
    with nothing_booked(bench, order):
        for params in wrong:
            if "paymentIntentId" in params:
                params["paymentIntentId"] = stock.fresh("intent")
            bench.refused("RecordOrderPaymentById", params, "InvalidRequest", "Conflict")


@flow.check(
    "PAY-9",
    "Two pay all that is owed, at the same moment",
    expected="one succeeds, the other is told Conflict",
    source=Source.INFERRED,
    needs=_NEEDS,
)
def _at_once(bench: Bench) -> None:
    order = stock.payable(bench, whole=True)
    owed = stock.owed(order)
    pending = [bench.start("RecordOrderPaymentById", stock.payment(order, owed)) for _ in range(2)]
    answers = [each.wait() for each in pending]
    lost = [each for each in answers if each.error is not None]
    expect("payments that succeeded", len(answers) - len(lost), 1)
    lost[0].refusal("Conflict")
    expect_paid_up(stock.get(bench, order["id"]))


@flow.check(
    "PAY-10",
    "A payment while the till cannot store anything",
    expected="UnexpectedError, or no answer; nothing recorded; success when Dojo tries again later",
    source=Source.API,
    needs=_NEEDS,
    till=("failing_storage",),
)
def _no_storage(bench: Bench) -> None:
    order = stock.payable(bench, at_least=2)
    params = stock.payment(order, 1)
    with nothing_booked(bench, order), bench.till.failing_storage():
        bench.note("(from here on the till cannot store anything)", "")
        try:
            answer = bench.call("RecordOrderPaymentById", params, timeout=bench.pace.silence)
        except NoAnswer:
            pass
        else:
            answer.refusal("UnexpectedError")
    bench.note("(the till can store again)", "")
    # Its retry may be told once more that nothing was done, and only then find the till well.
    for _ in range(3):
        try:
            retried = bench.call("RecordOrderPaymentById", params, timeout=bench.pace.silence)
        except NoAnswer:
            continue
        if retried.error is None:
            break
        retried.refusal("UnexpectedError")
    else:
        raise Failed("a retry, when the till can store again", expected="success", came="none of 3")
    now = stock.get(bench, order["id"])
    expect(
        "paidAmount after the retry",
        stock.amount(now, "paidAmount"),
        stock.amount(order, "paidAmount") + 1,
    )


@flow.check(
    "PAY-11",
    "Dojo says that a recorded payment was reversed, and another one refunded",
    expected="{} each time, and the order shows it: the payment is gone, or marked",
    source=(Source.EVENTS, Source.INFERRED),
    needs=(*_NEEDS, "HandleEvent"),
)
def _reversed_later(bench: Bench) -> None:
    for status in ("Reversed", "Refunded"):
        order = stock.payable(bench, at_least=2)
        intent = stock.fresh("intent")
        paid = stock.pay(bench, order, 1, intent=intent).object()
        event = payment_event(intent, status=status)
        expect("the answer to the event", bench.call("HandleEvent", event).result(), {})
        now = stock.get(bench, order["id"])
        expect_true(
            f"the order after its payment was {status.lower()}", now != paid,
            expected="another state than with the payment", came="the same as before",
        )  # fmt: skip
        expect_one_of(
            "paidAmount",
            stock.amount(now, "paidAmount"),
            (stock.amount(paid, "paidAmount"), stock.amount(order, "paidAmount")),
        )
