"""Calls an EPOS as Dojo would, without a socket: for the tests of whoever writes one.

`call` and `call_async` are one call each; a `Caller` makes several that know of one another, such
as a payment and its retry.
"""

import asyncio
import os
from collections.abc import Generator, Mapping
from contextlib import closing
from itertools import count
from time import monotonic, time
from typing import Any, TypeAlias

import msgspec

from dojo_proto import (
    ConfigurationError,
    Conflict,
    DomainError,
    Epos,
    InvalidRequest,
    MemoryJournal,
    Method,
    NotFound,
    RequestHeaders,
    Settings,
    UnexpectedError,
)
from dojo_proto.call import Phase
from dojo_proto.contract import encode
from dojo_proto.dispatch import Dispatch
from dojo_proto.epos import expect_epos
from dojo_proto.events import Event, HandlerFailed, OutcomeUnknown, ResultUnfit
from dojo_proto.handlers import ACKNOWLEDGE, Handler
from dojo_proto.journal import Found, JournalError
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.naming import EVENT
from dojo_proto.work import Abort, Begin, Commit, Outcome, Raised, Returned, Run
from dojo_simulator.errors import SimulatorError

__all__ = ["Caller", "ResultMisfit", "Unanswered", "call", "call_async"]

Params: TypeAlias = Mapping[str, Any] | msgspec.Struct | None
"""Params by their names on the wire, or a Struct of `dojo_proto.contract`."""
Headers: TypeAlias = Mapping[str, Any] | RequestHeaders | None
"""Who asks: `{"waiterId": "7"}`."""

_LINK = 1
_REFUSALS: dict[str, type[DomainError]] = {
    each.error_type: each for each in (NotFound, Conflict, InvalidRequest, UnexpectedError)
}


class ResultMisfit(AssertionError):
    """A handler or lookup returned what is no result of its method; the text has the path."""


class Unanswered(SimulatorError):
    """Dojo gets no answer: nobody knows whether it was done. What the handler raised is the cause.

    Give the method a `lookup`, which tells.
    """


class _Answer(msgspec.Struct):
    """What the EPOS sends: a result or an error."""

    result: Any = None
    error: ErrorObject | None = None


_decode_answer = msgspec.json.Decoder(_Answer).decode


class Caller:
    """Calls one EPOS, which remembers what it has done: a journal in memory outlives every call.

    Everything but the socket takes part: params are decoded from JSON and checked, middleware, the
    handler and the `lookup` run, the journal is asked and written, and the result is checked,
    encoded and decoded again. No time-out ends anything, and `def` handlers run in the thread of
    the test. `state` is what handlers get as `ctx.state`. One call at a time. Raises
    ConfigurationError if the EPOS cannot be served.
    """

    def __init__(self, epos: Epos, *, state: Any = None) -> None:
        expect_epos(epos).check(allow_async=True, journaled=True)
        self.events: list[Event] = []
        """What an observer of the service would have heard, oldest first."""
        self._handlers = epos.handlers()
        self._capabilities = epos.capabilities()
        self._state = state
        self._journal = MemoryJournal(monotonic)
        self._ids = count(1)
        self._busy = False
        self._dispatch = self._begin_process()

    def call(
        self,
        method: str | Method,
        params: Params = None,
        *,
        headers: Headers = None,
        request_id: str = "",
        crash: bool = False,
    ) -> Any:
        """Call `method` (any name of it) and return its result, as the JSON that Dojo reads.

        `HandleEvent:payment_intent.created` tells of an event of that type, which `params` then
        need not name.
        `headers` say who asks; without a `request_id` each call has one of its own. With `crash`
        the process dies when the handler is done and before anybody has heard of it: None is
        returned (what the handler raised is raised), and the next call finds the EPOS started anew.

        Raises what the answer says (NotFound, Conflict, InvalidRequest, UnexpectedError) from what
        the handler raised; Unanswered if there is no answer; ResultMisfit if there is a result and
        it does not fit; ConfigurationError if nothing handles `method`, or for params that are no
        object. `async def` handlers run in an event loop of asyncio of their own: where one runs
        already, use `call_async`.
        """
        with closing(self._exchange(method, params, headers, request_id, crash=crash)) as exchange:
            try:
                run = next(exchange)
                while True:
                    run = exchange.send(_outcome(run))
            except StopIteration as end:
                return end.value

    async def call_async(
        self,
        method: str | Method,
        params: Params = None,
        *,
        headers: Headers = None,
        request_id: str = "",
        crash: bool = False,
    ) -> Any:
        """As `call`; `async def` handlers are awaited in the task that calls, in any library."""
        with closing(self._exchange(method, params, headers, request_id, crash=crash)) as exchange:
            try:
                run = next(exchange)
                while True:
                    awaited = await _awaited(run) if run.is_async else _outcome(run)
                    run = exchange.send(awaited)
            except StopIteration as end:
                return end.value

    # Inside.

    def _begin_process(self) -> Dispatch:
        """What a process of the EPOS has in memory when it has just connected."""
        dispatch = Dispatch(
            handlers=self._handlers,
            settings=Settings(api_key="sk_sandbox_test"),
            scope="test",
            entropy=os.urandom,
            state=self._state,
            emit=self.events.append,
            observe=True,
            wall_offset=time() - monotonic(),
        )
        dispatch.delivery.link = _LINK
        return dispatch

    def _exchange(
        self,
        method: str | Method,
        params: Params,
        headers: Headers,
        request_id: str,
        *,
        crash: bool,
    ) -> Generator[Run, Outcome, Any]:
        """One request from its JSON to its answer: yields what is to be run, takes the outcome."""
        wire = self._wire(method)
        members = _members("params", params)
        if headers is not None:
            members["headers"] = _members("headers", headers)
        members.setdefault("headers", {})
        if isinstance(method, str) and method.startswith(EVENT):
            _name_event(members, method.removeprefix(EVENT))
        request_id = request_id or f"call-{next(self._ids)}"
        request = {"jsonrpc": "2.0", "id": request_id, "method": wire, "params": members}
        message = msgspec.json.encode(request)
        if self._busy:
            raise SimulatorError("a Caller makes one call at a time; a gateway can make several")
        self._busy = True
        heard = len(self.events)
        cause: BaseException | None = None
        try:
            self._dispatch.intake.receive(_LINK, message, monotonic())
            while self._dispatch.agenda.work:
                work = self._dispatch.agenda.work.pop(0)
                if isinstance(work, Run):
                    dies = crash and work.call.phase is Phase.RUNNING
                    outcome = yield work
                    cause = outcome.error if isinstance(outcome, Raised) else cause
                    if dies:
                        return self._die(outcome)
                    self._dispatch.ran(work.call, outcome, monotonic())
                elif isinstance(work, Begin | Commit | Abort):
                    self._keep(work)
        except BaseException:
            self._dispatch = self._begin_process()  # what ends a test ends what it was testing
            raise
        finally:
            self._busy = False
        outgoing = self._dispatch.delivery.outgoing
        answer = outgoing.pop(0)[0] if outgoing else None
        if crash:
            raise SimulatorError(f"{wire}: there was no crash, since its handler did not run")
        return _read(wire, answer, self.events[heard:], cause)

    def _die(self, outcome: Outcome) -> None:
        """The process is gone with all it knew; the journal and the till's own state stay."""
        self._dispatch = self._begin_process()
        if isinstance(outcome, Raised):
            raise outcome.error

    def _wire(self, method: str | Method) -> str:
        for wire, handler in self._handlers.items():
            row = handler.method
            if method in (row, wire, row.name, *row.aliases) or _takes_event(handler, method):
                return wire
        name = method.name if isinstance(method, Method) else method
        handled = ", ".join(self._capabilities)
        raise ConfigurationError(f"{name}: this EPOS has no handler for it (it handles {handled})")

    def _keep(self, step: Begin | Commit | Abort) -> None:
        [found] = self._journal.perform([step])
        if isinstance(found, JournalError):
            self._dispatch.journal_failed(step.call, str(found), monotonic())
        elif isinstance(found, Found):
            self._dispatch.begun(step.call, found, monotonic())
        else:
            self._dispatch.committed(step.call, monotonic())


def call(
    epos: Epos,
    method: str | Method,
    params: Params = None,
    *,
    state: Any = None,
    headers: Headers = None,
) -> Any:
    """Call `epos` once, as `Caller.call` does; nothing is remembered between two of these."""
    return Caller(epos, state=state).call(method, params, headers=headers)


async def call_async(
    epos: Epos,
    method: str | Method,
    params: Params = None,
    *,
    state: Any = None,
    headers: Headers = None,
) -> Any:
    """Call `epos` once, as `Caller.call_async` does; nothing is remembered between two of these."""
    return await Caller(epos, state=state).call_async(method, params, headers=headers)


def _takes_event(handler: Handler, method: str | Method) -> bool:
    """Whether `method` is one type of event, and `handler` has been given it to handle."""
    if handler.by_event is None or not isinstance(method, str) or not method.startswith(EVENT):
        return False
    of_all = handler.function is not ACKNOWLEDGE.function
    return of_all or method.removeprefix(EVENT) in handler.by_event


def _name_event(members: dict[str, Any], event: str) -> None:
    if members.setdefault("event", event) != event:
        raise ConfigurationError(
            f"params: expected the event {event!r} that is called, got {members['event']!r}"
        )


def _members(what: str, value: object) -> dict[str, Any]:
    """Params or headers as the JSON object that Dojo would send; `params.headers` is always one."""
    members = {} if value is None else msgspec.json.decode(encode(value))
    if not isinstance(members, dict):
        raise ConfigurationError(
            f"{what}: expected a dict or a type of dojo_proto.contract, got {type(value).__name__}"
        )
    return members


def _read(wire: str, answer: bytes | None, heard: list[Event], cause: BaseException | None) -> Any:
    """The result, or what the answer and the alarms say of it."""
    failed = [event.error for event in heard if isinstance(event, HandlerFailed)]
    cause = failed[-1] if cause is None and failed else cause
    unfit = [event.reason for event in heard if isinstance(event, ResultUnfit)]
    if unfit:
        raise ResultMisfit(f"{wire}: what the EPOS returned is no result of it: {unfit[0]}")
    if answer is None:
        reasons = [event.reason for event in heard if isinstance(event, OutcomeUnknown)]
        raise Unanswered(f"{wire}: there is no answer: {'; '.join(reasons)}") from cause
    decoded = _decode_answer(answer)
    if decoded.error is not None:
        refusal = _REFUSALS.get(decoded.error.error_type, DomainError)
        raise refusal(decoded.error.message) from cause
    return decoded.result


def _outcome(run: Run) -> Outcome:
    """What comes of a handler that is run here."""
    if run.is_async:
        if _loop_runs():
            raise SimulatorError(f"{run.context.method}: an event loop runs here; await call_async")
        return asyncio.run(_awaited(run))
    try:
        return Returned(run.function(run.context, run.params))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as where it is served
        return Raised(error)  # and what ends a test, Ctrl-C or pytest.fail, goes through


async def _awaited(run: Run) -> Outcome:
    try:
        return Returned(await run.function(run.context, run.params))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as above
        return Raised(error)


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
