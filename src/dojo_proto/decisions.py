"""The table of kinds: what follows from an answer of the journal or of a handler.

Pure functions of a call and what came back; dispatch carries out the Step they return. Every rule
that keeps money from being lost or doubled is in this module:

- a payment that may be booked is never answered with an error, nor with a guess;
- what was booked is answered with success, and an answer waits for the journal;
- a handler runs a second time only where the first run may not have been one, and is told so.
"""

import re
from collections.abc import Awaitable
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec

from dojo_proto.call import Call
from dojo_proto.contract import Kind, Method
from dojo_proto.errors import DomainError, UnexpectedError
from dojo_proto.handlers import Handler
from dojo_proto.journal import Found, Row, RowState, Verdict
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.results import encode_result
from dojo_proto.unshown import Unshown
from dojo_proto.work import Outcome, Raised, Returned

FAILED = UnexpectedError("the EPOS failed to handle the request")
UNFIT = UnexpectedError("the EPOS produced no usable result")
NOT_DONE = UnexpectedError("the EPOS failed, and nothing was done")
NO_JOURNAL = UnexpectedError("the EPOS cannot write its journal, and nothing was done")
OVERLOADED = UnexpectedError("the EPOS is busy, and nothing was done")
STOPPING = UnexpectedError("the EPOS is stopping, and nothing was done")
TOO_SLOW = UnexpectedError("the EPOS took too long")

# They would split a line of a log, or steer a terminal that shows one.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Asking(Enum):
    """Why the `lookup` is asked."""

    FAILED = "the handler raised"
    REDELIVERED = "an earlier run was cut off"
    UNCOMMITTED = "the journal could not keep the success"
    UNLISTED = "the journal could not be asked"
    UNRESOLVED = "an earlier process has left it open"


class RunHandler(msgspec.Struct, frozen=True):
    """Run the handler; `redelivered` if an earlier run may have done something."""

    redelivered: bool


class Ask(msgspec.Struct, frozen=True):
    """Run the `lookup` to find out whether it was done."""

    why: Asking
    lookup: Handler


class AskAgain(Unshown, msgspec.Struct, frozen=True):
    """It was done before: run the `lookup` for the answer of now; `stored` is second best."""

    stored: bytes
    lookup: Handler


class Keep(Unshown, msgspec.Struct, frozen=True):
    """Commit the outcome, then answer."""

    state: RowState
    content: bytes | ErrorObject
    fault: str = ""
    """What is wrong with the result, for an alarm; it is sent as it is."""


class Forget(Unshown, msgspec.Struct, frozen=True):
    """Remove the row, then answer: it was certainly not done, and a retry is new."""

    content: ErrorObject


class Reply(Unshown, msgspec.Struct, frozen=True):
    """Answer now: with a result's JSON or an error."""

    content: bytes | ErrorObject
    repeat: bool = False
    """The handler did not run for it."""
    fault: str = ""


class Withhold(msgspec.Struct, frozen=True):
    """Do not answer. `unknown` is an alarm: nobody knows whether it was booked."""

    reason: str
    unknown: bool = True


class Reread(msgspec.Struct, frozen=True):
    """Look the row up again: its handler may have committed it itself.

    If not, answer `otherwise`; without that, or if it cannot be looked up, do not answer.
    """

    reason: str
    otherwise: ErrorObject | None = None


Step: TypeAlias = RunHandler | Ask | AskAgain | Keep | Forget | Reply | Withhold | Reread


def error_object(error: DomainError) -> ErrorObject:
    """The error for the wire: its text without control characters, valid Unicode, and not long."""
    try:
        # A lone surrogate (from the name of a file, say) has no UTF-8.
        text = error.message.encode("utf-8", "replace").decode()
        message = _CONTROLS.sub(" ", text).strip()[:1000] or error.error_type
    except Exception:  # noqa: BLE001 - a user's own __str__ may raise anything
        message = error.error_type
    return ErrorObject(
        code=error.code, message=message, error_type=error.error_type, debug_message=message
    )


def sound(outcome: Outcome) -> Outcome:
    """What came of a handler or lookup; something to await is no result.

    It comes from an `async def` inside a wrapper that hides it, and nothing has run yet.
    """
    if type(outcome) is not Returned:
        return outcome
    kind: Any = type(outcome.value)
    if is_awaited(kind):
        reason = "it returned something to await: it has to be registered as an `async def`"
        return Raised(TypeError(reason))
    return outcome


@lru_cache(256)  # an abstract class is slow to ask, and a till has few types of results
def is_awaited(kind: Any) -> bool:
    """Whether what is of that type is something to await, and so no result."""
    return issubclass(kind, Awaitable)


def after_begin(call: Call, found: Found, *, owner: str, started: bool, draining: bool) -> Step:
    """What follows from the journal's look-up.

    `owner` names this process; `started` says that this process has run a handler for the row that
    was found and left its outcome open.
    """
    row = found.row
    # A row that this process began and started nothing for: only the journal's answer was lost.
    unstarted = found.verdict is Verdict.BEGUN and not started
    if row is None or (unstarted and row.entry.owner == owner):
        return _turn_away(draining=draining) if call.shed else RunHandler(redelivered=False)
    lookup = call.handler.lookup
    match found.verdict:
        case Verdict.SUCCEEDED:
            return _was_done(call, row, repeat=True)
        case Verdict.REFUSED:
            return Reply(msgspec.json.decode(row.answer, type=ErrorObject), repeat=True)
        case Verdict.FAILED if call.shed and call.handler.method.kind is not Kind.MONEY:
            return _turn_away(draining=draining)
    if call.shed:
        return Withhold("its outcome is open, and there is no place to settle it")
    if lookup is not None:
        return Ask(Asking.REDELIVERED, lookup)
    if started and call.handler.method.kind is Kind.MONEY:
        return Withhold("its handler raised, and there is no lookup to ask")
    return RunHandler(redelivered=True)


def after_reread(call: Call, found: Found) -> Step:
    """What follows from the row as it is now: if its handler has committed it, that stands."""
    if found.row is not None and found.verdict is Verdict.SUCCEEDED:
        return _was_done(call, found.row, repeat=False)
    reread = call.rereading
    if reread is not None and reread.otherwise is not None:
        return Reply(reread.otherwise)
    return Withhold("the journal has not kept it" if reread is None else reread.reason)


def after_begin_failed(call: Call, *, fresh: bool) -> Step:
    """The journal could not begin. `fresh`: it found nothing, and could only not insert."""
    if call.rereading is not None:
        return Withhold(call.rereading.reason)
    if fresh or call.handler.method.kind is not Kind.MONEY:
        return Reply(error_object(NO_JOURNAL))
    if call.handler.lookup is not None and not call.shed:
        return Ask(Asking.UNLISTED, call.handler.lookup)
    return Withhold("the journal could not be asked whether it is booked")


def after_read(method: Method, outcome: Outcome) -> Reply:
    """What follows from what the handler of a read returned or raised."""
    if isinstance(outcome, Returned):
        result, fault = encode_result(method, outcome.value)
        return Reply(error_object(UNFIT) if fault else result, fault=fault)
    error = outcome.error
    return Reply(error_object(error if isinstance(error, DomainError) else FAILED))


def after_run(call: Call, outcome: Outcome) -> Step:
    """What follows from what the handler of something that changes the till returned or raised."""
    method = call.handler.method
    if isinstance(outcome, Returned):
        # It was booked, and nothing but success may be said of it.
        result, fault = encode_result(method, outcome.value)
        return Keep(RowState.SUCCEEDED, result or b"{}", fault)
    error = outcome.error
    if isinstance(error, DomainError):
        if error.error_type == UnexpectedError.error_type:
            # It speaks of this run: what an earlier one has done, the next has still to be told.
            again = Keep(RowState.FAILED, error_object(error))
            return again if call.redelivered else Forget(error_object(error))
        return Keep(RowState.REFUSED, error_object(error))
    if method.kind is Kind.CHANGE:
        return Keep(RowState.FAILED, error_object(FAILED))
    if call.handler.lookup is not None:
        return Ask(Asking.FAILED, call.handler.lookup)
    return Reread("its handler raised, and there is no lookup to ask")


def after_ask(call: Call, outcome: Outcome) -> Step:
    """What follows from the `lookup`, asked whether it was done."""
    why = call.asking
    if why is Asking.UNRESOLVED:
        return _settled(call, outcome)
    if not isinstance(outcome, Returned):
        return Withhold("its lookup raised")
    if outcome.value is not None:
        result, fault = encode_result(call.handler.method, outcome.value)
        if not result.startswith(b"{"):
            # All that change something answer with an object; a False, say, must not pass for one.
            return Withhold("its lookup returned neither a result nor None")
        if why in {Asking.FAILED, Asking.REDELIVERED}:
            return Keep(RowState.SUCCEEDED, result, fault)
        # The till has it durably; the journal has failed once already.
        return Reply(result, fault=fault)
    match why:
        case Asking.REDELIVERED:
            return RunHandler(redelivered=True)
        case Asking.UNLISTED:
            return Reply(error_object(NOT_DONE))
        case _:
            return Forget(error_object(NOT_DONE))


def after_ask_again(call: Call, outcome: Outcome) -> Step:
    """What follows from the `lookup` of something that was done: never an error."""
    if isinstance(outcome, Returned) and outcome.value is not None:
        result, fault = encode_result(call.handler.method, outcome.value)
        result = result or call.stored or b"{}"
        if result.startswith(b"{"):
            return Reply(result, repeat=True, fault=fault)
    if call.stored:
        return Reply(call.stored, repeat=True)
    return Withhold("the journal has it as booked, but its lookup gives no answer")


def after_keep_failed(call: Call, keeping: Keep | Forget) -> Step:
    """The journal could not commit, or could not remove the row."""
    money = call.handler.method.kind is Kind.MONEY
    if isinstance(keeping.content, ErrorObject):
        # It was not done, whether or not the journal can keep that. But a handler that has
        # committed its row, and raised then, has booked.
        refused = "it was refused, and the journal could not be asked whether it is booked"
        return Reread(refused, keeping.content) if money else Reply(keeping.content)
    if not money:
        return Reply(error_object(FAILED))
    if call.handler.lookup is not None and call.asking is not Asking.UNRESOLVED:
        return Ask(Asking.UNCOMMITTED, call.handler.lookup)
    return Reread("it was done, but the journal could not keep it")


def _settled(call: Call, outcome: Outcome) -> Step:
    """What follows from what `on_unresolved` says. Who asks meanwhile goes on behind it."""
    if not isinstance(outcome, Returned):
        return Withhold("what is to settle it raised")
    value = outcome.value
    if value is None:
        return Withhold("nobody knows yet", unknown=False)
    if value is False:
        return Forget(error_object(NOT_DONE))
    # True is a success without a result; a retry gets that from the lookup, if there is one.
    result, fault = (b"{}", "") if value is True else encode_result(call.handler.method, value)
    if not result.startswith(b"{"):
        return Withhold("what is to settle it returned neither a result, True, False nor None")
    return Keep(RowState.SUCCEEDED, result, fault)


def _was_done(call: Call, row: Row, *, repeat: bool) -> Step:
    if not call.waiters:
        return Withhold("nobody waits for the answer", unknown=False)
    if call.handler.lookup is not None:
        return AskAgain(row.answer, call.handler.lookup)
    if row.answer:
        return Reply(row.answer, repeat=repeat)
    return Withhold("the journal has it as booked, but has no answer, and there is no lookup")


def _turn_away(*, draining: bool) -> Step:
    if draining:
        return Withhold("the service is stopping", unknown=False)
    return Reply(error_object(OVERLOADED))
