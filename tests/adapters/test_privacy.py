"""What no log may say: nothing of the key, of customers or of amounts, whatever happens."""

import logging
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Any, get_args

import pytest
from tests.adapters.pieces import DEADLINE
from tests.proto.fates import Fate
from tests.proto.till import Till, pounds
from tests.proto.wired import KEY, Wired

from dojo_adapters.observer import Observer, describe, logger
from dojo_proto import OrderUpdated, Settings, events
from dojo_proto.events import Event, ObserverEvent
from dojo_proto.journal import Entry, Identity, JournalError, Row, RowState
from dojo_proto.registrar import Registrar
from dojo_proto.rest import RestCall
from dojo_proto.work import Raised

NAME, EMAIL, PHONE, AMOUNT = "Ada C4nary", "c4nary@example.com", "+44 20 7946 0123", 71_829
CUSTOMER = {"name": NAME, "emailAddress": EMAIL, "phoneNumber": PHONE}
SECRETS = (KEY, NAME, EMAIL, PHONE, str(AMOUNT), "c4nary")


class IndiscreetTill(Till):
    """Every answer is full of what a customer would not want to be in a log."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = False

    @property
    def order(self) -> dict[str, Any]:
        return {**super().order, "customer": CUSTOMER, "total": AMOUNT}

    def _bill(self, _ctx: Any, params: dict[str, Any]) -> Any:
        if self.fails:
            return {"customer": object(), **CUSTOMER}  # JSON cannot carry it
        return params


def say(wired: Wired, message: str) -> None:
    """Have the gateway send a message; what it is answered goes nowhere, since nobody asked."""
    assert wired.gateway is not None
    assert wired.link is not None
    wired.gateway.send_text(message.encode(), wired.now)
    wired.carry_down(1 << 16)
    wired.client.data_to_send(wired.link, wired.now)


def left_open(intent: str, state: RowState) -> Row:
    identity = Identity(key=intent, repeat="", content="c", amounts="a")
    entry = Entry(
        ticket=intent,
        method="RecordOrderPaymentById",
        identity=identity,
        idempotency_key=f"RecordOrderPaymentById/table-7/{intent}",
        owner="earlier",
    )
    return Row(entry=entry, state=state, answer=f'{{"name":"{NAME}"}}'.encode(), age=400.0)


def whole_life() -> list[Event]:
    """The events of a service to which everything happens."""
    wired = Wired(IndiscreetTill(), observe=True, max_in_flight=4, max_queued=0)
    till = wired.till
    assert isinstance(till, IndiscreetTill)
    # What an earlier process has left open.
    wired.client.resume(
        [left_open("pi-8", RowState.BEGUN), left_open("pi-9", RowState.SUCCEEDED)], 0
    )
    wired.fates.append(Fate(status=503, body=f"not with {KEY}".encode()))
    wired.start()
    wired.advance(2)
    assert wired.state == "up"
    person = {"orderId": "table-7", "customer": CUSTOMER, "total": AMOUNT}
    pay = {**person, "paymentIntentId": "pi-1", "paidAmount": pounds(AMOUNT)}
    # Everything that succeeds, fails, repeats or is refused.
    wired.call("SearchOrdersV1", person)
    wired.call("GetOrderByIdV1", person)
    wired.call("GetOrderByIdV1", {**person, "orderId": "none"})
    wired.call("GetOrderBillByIdV1", person)
    till.fails = True
    wired.call("GetOrderBillByIdV1", person)
    wired.call("RecordOrderPaymentByIdV1", pay, request_id="once")
    wired.call("RecordOrderPaymentByIdV1", pay, request_id="once")
    wired.call("RecordOrderPaymentByIdV1", {**pay, "paidAmount": pounds(AMOUNT + 1)})
    wired.call("RecordOrderPaymentByIdV1", {**pay, "paymentIntentId": CUSTOMER})
    wired.call("NoSuchMethodV1", person)
    for message in (
        f'{{"jsonrpc": "2.0", "method": "{NAME}"}}',
        f'{{"jsonrpc": "2.0", "result": "{NAME}"}}',
        f'["{NAME}", {{"id": "x", "{EMAIL}": 1}}]',
        f'{{"not": "{EMAIL}", json',
    ):
        say(wired, message)
    # A handler that raises, without saying what it was given.
    wired.held |= {"RecordOrderPaymentByIdV1", "CreateOrderLockV1", "SearchOrdersV1"}
    wired.call("RecordOrderPaymentByIdV1", {**pay, "paymentIntentId": "pi-2"})
    wired.finish(wired.holding[0], Raised(RuntimeError("the drawer is stuck")))
    # A journal that fails.
    perform = wired.journal.perform
    wired.journal.perform = lambda steps: [JournalError("disk full") for _ in steps]  # type: ignore[method-assign] # it breaks
    wired.call("CreateOrderLockV1", {**person, "lockId": "l-1"})
    wired.journal.perform = perform  # type: ignore[method-assign] # it is mended
    # Too slow, and too many.
    wired.call("CreateOrderLockV1", {**person, "lockId": "l-2"})
    for _ in range(5):
        wired.call("SearchOrdersV1", person)
    wired.advance(60)
    assert wired.gateway is not None
    wired.gateway.close(wired.now, 4000, f"away with {KEY}")
    wired.settle()
    wired.advance(2)
    wired.stop()
    wired.advance(60)
    return [event for _, event in wired.events]


@pytest.fixture
def at_debug() -> Iterator[None]:
    before = logger.level
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(before)


def registration(read_back: bytes) -> list[Event]:
    """The events of a registration whose answers are indiscreet, and of notices."""
    happened: list[Event] = []
    registrar = Registrar(Settings(api_key=KEY), uniform=lambda: 0.0, emit=happened.append)
    for number in range(2):
        registrar.notify(OrderUpdated(f"{EMAIL}-{number}"))
    registrar.register(("GetOrderById",))
    registrar.linked(up=True)
    for status, body in (
        (401, f"{KEY} is no key".encode()),
        (200, b"[]"),
        (200, b""),
        (200, read_back),
        (400, f"no order of {KEY}".encode()),
    ):
        request = registrar.next_request(inf)
        assert request is not None
        call = RestCall(
            request, settings=Settings(api_key=KEY), software_house_id="acme", api_key=KEY
        )
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        call.receive_data(call.link, head + body, 0.0)
        assert call.outcome is not None
        registrar.ended(call.outcome, 0.0)
    registrar.abort()
    return happened


def members(record: logging.LogRecord) -> str:
    """All that it holds, but for numbers in whose digits an amount is by chance."""
    others = {"created", "msecs", "relativeCreated", "thread", "process"}
    return repr({name: value for name, value in vars(record).items() if name not in others})


@pytest.mark.usefixtures("at_debug")
def test_no_key_and_no_customer_is_in_any_record_of_a_whole_life(
    caplog: pytest.LogCaptureFixture,
) -> None:
    happened = whole_life()
    happened += registration(b'[{"capabilities":[{"name":"GetOrderById"}]}]')
    happened += registration(b"[]")
    watching = Observer(None, logging.DEBUG)
    for event in happened:
        watching.put(event)
    watching.close(DEADLINE)
    kinds = {type(event) for event in happened}
    never = set(get_args(ObserverEvent)) - kinds
    assert never == {events.AuthenticationRefused, events.TakenOver}
    assert len(caplog.records) == len(happened)
    written = [caplog.text, *map(members, caplog.records)]
    written += [repr(event) for event in happened]
    for secret in SECRETS:
        assert not [line for line in written if secret in line], secret


def test_the_lines_of_a_life_can_be_told_apart() -> None:
    lines = [describe(event) for event in whole_life()]
    assert len(lines) > 30
    assert all(a != b for a, b in pairwise(lines) if "ping" not in a)
