"""Rows that an earlier process has left open: reported at once, asked about one after the other."""

from typing import Any

import msgspec
import pytest

from dojo_proto.admission import Admission
from dojo_proto.call import Call, Phase, Waiter
from dojo_proto.contract import BY_NAME, Kind
from dojo_proto.decisions import Asking
from dojo_proto.events import Event, OutcomeUnknown
from dojo_proto.handlers import ACKNOWLEDGE, Handler
from dojo_proto.journal import Entry, Identity, Row, RowState, Told
from dojo_proto.naming import new_row
from dojo_proto.receipts import UNCONFIRMED_AFTER, Receipts
from dojo_proto.reports import Reports
from dojo_proto.settings import Settings
from dojo_proto.settling import Settling, Unresolved
from dojo_proto.table import Table

PAY = msgspec.structs.replace(
    ACKNOWLEDGE, method=BY_NAME["RecordOrderPaymentById"], lookup=ACKNOWLEDGE
)
ASK = msgspec.structs.replace(ACKNOWLEDGE, is_async=True)


def a_row(
    intent: str,
    age: float,
    state: RowState = RowState.BEGUN,
    method: str = "RecordOrderPaymentById",
) -> Row:
    identity = Identity(key=f"hash of {intent}", repeat="", content="c", amounts="a")
    entry = Entry(
        ticket=intent,
        method=method,
        identity=identity,
        idempotency_key=f"{method}/o/{intent}",
        owner="earlier",
    )
    return Row(entry=entry, state=state, age=age)


class Start:
    """A service that starts, at second 1000; `asked` has the calls that ask."""

    def __init__(
        self, ask: Handler | None = ASK, *, serves: Handler = PAY, **settings: Any
    ) -> None:
        self.events: list[Event] = []
        self.notes: list[tuple[tuple[str, ...], Told]] = []
        self.asked: list[Call] = []
        self.table = Table()
        self.admission = Admission(Settings(api_key="sk_sandbox_x", **settings))
        self.receipts = Receipts(
            note=lambda tickets, told: self.notes.append((tickets, told)), emit=self.events.append
        )
        self.settling = Settling(
            ask,
            {serves.method.wire: serves},
            table=self.table,
            admission=self.admission,
            reports=Reports(emit=self.events.append, observe=False, trace_prefix="t"),
            receipts=self.receipts,
            run=lambda call, _handler, phase, _now: self._ask(call, phase),
        )

    def _ask(self, call: Call, phase: Phase) -> None:
        assert phase is Phase.ASKING
        self.asked.append(call)

    def resume(self, *rows: Row) -> None:
        self.settling.resume(rows, 1000.0)

    def over(self) -> list[Call]:
        """The call that asks is over, and what it was about is still not known."""
        call = self.asked[-1]
        del self.table.started[call.number]
        self.table.forget(call)
        self.admission.release(call)
        behind = self.settling.over(call)
        self.settling.start_next(1001.0)
        return list(behind)

    @property
    def tickets(self) -> list[str]:
        return [call.ticket for call in self.asked]


def a_retry(intent: str) -> Call:
    call = Call(1, PAY, [Waiter(1, b'"1"', 0.0, None)], 0.0, 0.0, {}, b"{}")
    call.identity = a_row(intent, 0.0).entry.identity
    return call


def test_every_row_that_is_begun_is_reported_at_once_the_oldest_first() -> None:
    start = Start(ask=None)
    start.resume(a_row("young", 1.0), a_row("old", 100.0))
    assert start.events == [
        OutcomeUnknown(
            method="RecordOrderPaymentByIdV1",
            key=f"RecordOrderPaymentById/o/{intent}",
            reason="its handler was cut off by a crash or a hard stop",
            age=age,
        )
        for intent, age in (("old", 100.0), ("young", 1.0))
    ]
    assert start.table.open_rows == {"old": False, "young": False}
    assert start.asked == []


def test_the_call_that_asks_goes_on_with_the_row() -> None:
    start = Start()
    start.resume(a_row("p", 60.0))
    (call,) = start.asked
    assert call.params == Unresolved(
        method="RecordOrderPaymentById", key="RecordOrderPaymentById/o/p", age=60.0
    )
    assert (call.ticket, call.idempotency_key, call.begun_at) == (
        "p",
        "RecordOrderPaymentById/o/p",
        940.0,
    )
    assert call.asking is Asking.UNRESOLVED
    assert (call.waiters, call.raw_params) == ([], b"{}")
    assert (call.handler.method, call.handler.is_async) == (PAY.method, True)
    assert start.table.same(a_retry("p")) is call


def test_one_is_asked_about_after_the_other() -> None:
    start = Start()
    start.resume(a_row("second", 1.0), a_row("first", 2.0))
    assert start.tickets == ["first"]
    start.over()
    assert start.tickets == ["first", "second"]
    start.over()
    assert start.settling.asking is None
    assert start.tickets == ["first", "second"]


def test_while_one_is_asked_about_no_other_is_however_many_places_there_are() -> None:
    start = Start()
    start.resume(a_row("second", 1.0), a_row("first", 2.0))
    start.settling.start_next(1001.0)
    assert start.tickets == ["first"]
    assert start.over() == []
    assert start.tickets == ["first", "second"]


def test_a_call_that_has_nothing_to_do_with_it_ends_no_wait() -> None:
    start = Start()
    start.resume(a_row("p", 1.0))
    start.settling.behind.append(a_retry("p"))
    assert start.settling.over(a_retry("q")) == ()
    assert start.over() != []
    assert start.settling.behind == []


def test_those_behind_it_may_be_gone_with_their_link() -> None:
    start = Start()
    start.resume(a_row("p", 1.0))
    retry = a_retry("p")
    start.settling.behind.append(retry)
    assert start.settling.abandoned() == [retry]
    assert start.over() == []


@pytest.mark.parametrize("how", ["is under way", "has settled it", "was run here"])
def test_what_a_retry_has_taken_up_is_not_asked_about(how: str) -> None:
    start = Start()
    start.resume(a_row("first", 3.0), a_row("retried", 2.0), a_row("last", 1.0))
    match how:
        case "is under way":
            start.table.know(a_retry("retried"))
        case "has settled it":
            del start.table.open_rows["retried"]
        case _:
            start.table.open_rows["retried"] = True
    start.over()
    assert start.tickets == ["first", "last"]


def test_without_a_place_it_waits_for_one() -> None:
    start = Start(max_in_flight=1)
    retry = a_retry("q")
    assert start.admission.take(retry)
    start.resume(a_row("p", 1.0))
    assert start.asked == []
    start.admission.release(retry)
    start.settling.start_next(1001.0)
    assert start.tickets == ["p"]


def test_a_service_that_stops_asks_no_more() -> None:
    start = Start()
    start.resume(a_row("first", 2.0), a_row("second", 1.0))
    start.settling.stop()
    start.over()
    assert start.tickets == ["first"]


def test_a_method_that_this_epos_serves_no_more_can_still_be_asked_about() -> None:
    start = Start()
    start.resume(a_row("p", 1.0, method="CreateOrder"))
    (call,) = start.asked
    assert (call.handler.method.wire, call.handler.lookup) == ("CreateOrderV1", None)


def test_a_method_that_dojo_has_added_since_is_followed_like_any_other() -> None:
    method = new_row("TakeDepositV1", "TakeDeposit", Kind.MONEY, ("depositId",))
    start = Start(serves=msgspec.structs.replace(ACKNOWLEDGE, method=method))
    start.resume(
        a_row("begun", 2.0, method="TakeDeposit"),
        a_row("booked", 1.0, RowState.SUCCEEDED, "TakeDeposit"),
    )
    (call,) = start.asked
    assert (call.ticket, call.handler.method) == ("begun", method)
    assert [event.method for event in start.events if isinstance(event, OutcomeUnknown)] == [
        "TakeDepositV1"
    ]
    assert start.receipts.unconfirmed == 1


@pytest.mark.parametrize("state", [RowState.BEGUN, RowState.SUCCEEDED])
def test_of_a_method_that_nobody_knows_nothing_is_asked(state: RowState) -> None:
    start = Start()
    start.resume(a_row("p", 1.0, state, "PayByBarter"))
    assert start.asked == []
    assert start.receipts.next_timer() is None
    assert len(start.events) == (state is RowState.BEGUN)


def test_a_payment_that_dojo_may_not_know_of_is_followed_from_its_commit_on() -> None:
    start = Start()
    start.resume(a_row("old", 400.0, RowState.SUCCEEDED), a_row("young", 100.0, RowState.SUCCEEDED))
    assert start.asked == []
    assert start.receipts.unconfirmed == 2
    start.receipts.handle_timer(1000.0)
    assert start.notes == [(("old",), Told.REPORTED)]
    assert start.receipts.next_timer() == 900.0 + UNCONFIRMED_AFTER


def test_the_parts_of_a_key_are_those_of_the_request() -> None:
    key = "RecordOrderPaymentById/table%2F7/50%25"
    unresolved = Unresolved(method="RecordOrderPaymentById", key=key, age=1.0)
    assert unresolved.parts == ("table/7", "50%")
    assert Unresolved(method="CreateOrderLock", key="3f2a", age=1.0).parts == ()
