"""What the tests of decisions share: calls of each kind, and what the journal has found."""

import msgspec
from tests.proto.till import an_order

from dojo_proto.call import Call, Waiter
from dojo_proto.contract import BY_NAME
from dojo_proto.decisions import (
    Reply,
    Step,
    after_begin,
    error_object,
)
from dojo_proto.errors import Conflict, DomainError, UnexpectedError
from dojo_proto.handlers import Handler
from dojo_proto.journal import FRESH, Entry, Found, Identity, Row, RowState, Verdict
from dojo_proto.work import Raised

READ = "GetOrderById"
CHANGE = "CreateOrderLock"
EMPTY = "ExtendOrderLock"
MONEY = "RecordOrderPaymentById"

US, OTHERS = "us", "others"

ORDER = an_order("o")
ORDER_JSON = msgspec.json.encode(ORDER)
MISFIT = {"id": "o"}
MISFIT_JSON = b'{"id":"o"}'
MISFIT_FAULT = "Object missing required field `status` - at `$`"
BOOM = Raised(RuntimeError("boom"))
CONFLICT = Conflict("order is closed")
LATER = UnexpectedError("database is down")
REFUSAL = error_object(CONFLICT)
ASKED_FOR_REFUSED = "it was refused, and the journal could not be asked whether it is booked"
UNSETTLED = "what is to settle it returned neither a result, True, False nor None"


def handler(method: str) -> Handler:
    return Handler(
        method=BY_NAME[method],
        function=lambda _ctx, _params: None,
        is_async=False,
        decode=msgspec.json.decode,
    )


LOOKUP = handler(MONEY)


def call(method: str, *, lookup: bool = False, shed: bool = False, again: bool = False) -> Call:
    handled = handler(method)
    if lookup:
        handled = msgspec.structs.replace(handled, lookup=LOOKUP)
    made = Call(1, handled, [Waiter(1, b'"1"', 0.0, None)], 0.0, 0.0, {}, b"{}")
    made.shed = shed
    made.redelivered = again
    return made


def found(verdict: Verdict, *, owner: str = OTHERS, answer: bytes = b"") -> Found:
    if verdict is Verdict.FRESH:
        return FRESH
    identity = Identity(key="k", repeat="r", content="c", amounts="a")
    entry = Entry(ticket="t", method="M", identity=identity, idempotency_key="i", owner=owner)
    return Found(
        verdict=verdict, row=Row(entry=entry, state=RowState(verdict.value), answer=answer)
    )


def begin(made: Call, came: Found, *, started: bool = False, draining: bool = False) -> Step:
    return after_begin(made, came, owner=US, started=started, draining=draining)


def error(reason: DomainError) -> Reply:
    return Reply(error_object(reason))


class Unencodable:
    """No JSON can carry it."""
