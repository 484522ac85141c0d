"""Pieces of work, and what each carries."""

from collections.abc import Callable
from itertools import count

import msgspec
import pytest

from dojo_proto.agenda import Agenda
from dojo_proto.call import Call, Phase, Waiter, move
from dojo_proto.contract import BY_NAME
from dojo_proto.decisions import Forget, Keep
from dojo_proto.errors import LocalProtocolError
from dojo_proto.handlers import Handler
from dojo_proto.journal import Identity, RowState, Told
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.work import Abort, Begin, Cancel, Commit, Note, Run

IDENTITY = Identity(key="k", repeat="r", content="c", amounts="a")
ERROR = ErrorObject(code=-32009, message="closed", error_type="Conflict")
STATE = object()


def function(_ctx: object, _params: object) -> None:
    """A handler; it is never called here."""


def asked(_ctx: object, _params: object) -> None:
    """A lookup; it is never called here."""


def handler(method: str, called: Callable[..., object] = function) -> Handler:
    return Handler(
        method=BY_NAME[method], function=called, is_async=False, decode=msgspec.json.decode
    )


def call(method: str, params: bytes = b"{}", *, lookup: bool = False) -> Call:
    handled = handler(method)
    if lookup:
        handled = msgspec.structs.replace(handled, lookup=handler(method, asked))
    made = Call(1, handled, [Waiter(1, b'"a"', 2.0, None)], 2.0, 2.0, "decoded", params)
    made.lookup_params = "decoded for the lookup"
    return made


@pytest.fixture
def agenda() -> Agenda:
    numbers = count(1)
    return Agenda(
        entropy=lambda n: next(numbers).to_bytes(n, "big"), state=STATE, wall_offset=1000.0
    )


def test_work_comes_in_order(agenda: Agenda) -> None:
    first, second = call("GetOrderById"), call("GetOrderById")
    agenda.cancel(first)
    agenda.cancel(second)
    assert agenda.work == [Cancel(first), Cancel(second)]


@pytest.mark.parametrize("insert", [False, True])
def test_begin_carries_the_natural_key(agenda: Agenda, insert: bool) -> None:
    payment = call("RecordOrderPaymentById", b'{"orderId":"o","paymentIntentId":"p"}')
    payment.identity = IDENTITY
    agenda.begin(payment, insert=insert)
    [begin] = agenda.work
    assert isinstance(begin, Begin)
    assert begin.insert is insert
    assert begin.entry.method == "RecordOrderPaymentById"
    assert begin.entry.identity is IDENTITY
    assert begin.entry.owner == agenda.owner
    assert begin.entry.ticket == payment.ticket
    assert begin.entry.idempotency_key == payment.idempotency_key == "RecordOrderPaymentById/o/p"
    assert payment.phase is Phase.BEGINNING


def test_without_a_natural_key_the_ticket_is_the_idempotency_key(agenda: Agenda) -> None:
    one, other = call("CancelOrderById"), call("CancelOrderById")
    one.identity = IDENTITY
    agenda.begin(one, insert=True)
    other.identity = IDENTITY
    agenda.begin(other, insert=True)
    assert one.idempotency_key == one.ticket
    assert len({one.ticket, other.ticket, agenda.owner}) == 3


def test_run_carries_the_handler_and_its_context(agenda: Agenda) -> None:
    payment = call("RecordOrderPaymentById", b'{"headers":{"waiterId":"w"}}', lookup=True)
    payment.redelivered, payment.idempotency_key = True, "key"
    agenda.run(payment, payment.handler, Phase.RUNNING)
    [run] = agenda.work
    assert isinstance(run, Run)
    assert (run.function, run.params, run.is_async) == (function, "decoded", False)
    ctx = run.context
    assert (ctx.method, ctx.request_id) == ("RecordOrderPaymentByIdV1", "a")
    assert (ctx.idempotency_key, ctx.redelivered, ctx.state) == ("key", True, STATE)
    assert ctx.received_at.timestamp() == 1002.0
    assert ctx.headers.waiter_id == "w"
    assert payment.phase is Phase.RUNNING


def test_a_lookup_gets_params_of_its_own_type(agenda: Agenda) -> None:
    payment = call("RecordOrderPaymentById", lookup=True)
    move(payment, Phase.BEGINNING)
    assert payment.handler.lookup is not None
    agenda.run(payment, payment.handler.lookup, Phase.ASKING)
    [run] = agenda.work
    assert isinstance(run, Run)
    assert (run.function, run.params) == (asked, "decoded for the lookup")


def test_what_nobody_waits_for_any_more_has_no_id(agenda: Agenda) -> None:
    payment = call("RecordOrderPaymentById")
    payment.waiters = []
    agenda.run(payment, payment.handler, Phase.RUNNING)
    [run] = agenda.work
    assert isinstance(run, Run)
    assert run.context.request_id is None


@pytest.mark.parametrize(
    ("lookup", "content", "stored"),
    [
        (False, b'{"id":"o"}', b'{"id":"o"}'),
        (True, b'{"id":"o"}', b""),  # the lookup will give the state of then
        (True, ERROR, msgspec.json.encode(ERROR)),
    ],
)
def test_commit_stores_the_answer_where_nothing_else_can_give_it(
    agenda: Agenda, lookup: bool, content: bytes | ErrorObject, stored: bytes
) -> None:
    payment = call("RecordOrderPaymentById", lookup=lookup)
    move(payment, Phase.RUNNING)
    payment.ticket = "t"
    keeping = Keep(RowState.SUCCEEDED, content)
    agenda.keep(payment, keeping)
    assert agenda.work == [Commit(payment, "t", RowState.SUCCEEDED, stored)]
    assert agenda.kept(payment) is keeping


def test_abort_removes_the_row(agenda: Agenda) -> None:
    payment = call("RecordOrderPaymentById")
    move(payment, Phase.RUNNING)
    payment.ticket = "t"
    forget = Forget(ERROR)
    agenda.keep(payment, forget)
    assert agenda.work == [Abort(payment, "t")]
    assert agenda.kept(payment) is forget


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.COMMITTING])
def test_a_report_on_what_was_not_being_committed_is_a_mistake(
    agenda: Agenda, phase: Phase
) -> None:
    payment = call("RecordOrderPaymentById")
    payment.phase = phase
    with pytest.raises(LocalProtocolError, match="was not being committed"):
        agenda.kept(payment)


def test_an_impossible_phase_makes_no_work(agenda: Agenda) -> None:
    payment = call("RecordOrderPaymentById")
    payment.phase = Phase.DONE
    with pytest.raises(LocalProtocolError):
        agenda.run(payment, payment.handler, Phase.RUNNING)
    assert agenda.work == []


def test_a_row_is_read_anew_under_its_own_ticket(agenda: Agenda) -> None:
    payment = call("RecordOrderPaymentById", b'{"orderId":"o","paymentIntentId":"p"}')
    payment.identity = IDENTITY
    agenda.begin(payment, insert=True)
    ticket = payment.ticket
    payment.phase = Phase.RUNNING
    agenda.begin(payment, insert=False)
    assert payment.ticket == ticket


def test_a_read_has_no_place_in_the_journal(agenda: Agenda) -> None:
    with pytest.raises(LocalProtocolError, match="is a read"):
        agenda.begin(call("GetOrderById"), insert=True)


def test_notes_are_work_without_a_call(agenda: Agenda) -> None:
    agenda.note(("t1", "t2"), Told.SENT)
    assert agenda.work == [Note(("t1", "t2"), Told.SENT)]
