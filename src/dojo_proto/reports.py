"""What observers hear of requests, and the traceId by which a log finds an error that went out."""

from collections.abc import Callable

from dojo_proto import events
from dojo_proto.call import Call, Phase, Waiter, shown
from dojo_proto.decisions import Asking
from dojo_proto.events import Event, RequestOutcome
from dojo_proto.journal import Row, natural_text
from dojo_proto.jsonrpc import ErrorObject


class Reports:
    """Makes the events of calls. Driven by dispatch and by what it is made of.

    `emit` takes them; `observe` says whether those of every request are wanted, or alarms only.
    """

    __slots__ = ("_trace_prefix", "emit", "observe")

    def __init__(self, *, emit: Callable[[Event], None], observe: bool, trace_prefix: str) -> None:
        self.emit = emit
        self.observe = observe
        self._trace_prefix = trace_prefix

    def trace_id(self, number: int) -> str:
        """The opaque id of call `number`."""
        return f"{self._trace_prefix}-{number:x}"

    def started(self, call: Call) -> None:
        """Its handler is about to run. Only to be called if `observe`."""
        self.emit(
            events.RequestStarted(
                method=call.handler.method.wire,
                request_ids=tuple(waiter.shown_id for waiter in call.waiters),
                redelivered=call.redelivered,
            )
        )

    def finished(
        self,
        method: str,
        waiter: Waiter,
        outcome: RequestOutcome,
        now: float,
        error: ErrorObject | None = None,
    ) -> None:
        """A request is over."""
        if self.observe:
            self.emit(
                events.RequestFinished(
                    link=waiter.link,
                    method=method,
                    request_id=waiter.shown_id,
                    outcome=outcome,
                    seconds=now - waiter.since,
                    error_type="" if error is None else error.error_type,
                    trace_id="" if error is None else error.trace_id,
                )
            )

    def failed(self, call: Call, error: BaseException) -> None:
        """The function that was at work for it raised what it had not declared."""
        self.emit(
            events.HandlerFailed(
                method=call.handler.method.wire,
                function=_at_work(call),
                trace_id=self.trace_id(call.number),
                error=error,
            )
        )

    def unfit(self, call: Call, fault: str) -> None:
        """The function that was at work for it returned what is no result."""
        self.emit(
            events.ResultUnfit(
                method=call.handler.method.wire,
                function=_at_work(call),
                trace_id=self.trace_id(call.number),
                reason=fault,
            )
        )

    def slow(self, call: Call, now: float) -> None:
        """It takes long: what changes the till goes on, a read is given up."""
        method, seconds = call.handler.method.wire, now - call.since
        if call.identity is None:
            trace_id = self.trace_id(call.number)
            self.emit(events.TimedOut(method=method, trace_id=trace_id, seconds=seconds))
        else:
            self.emit(events.Slow(method=method, key=shown(call.idempotency_key), seconds=seconds))

    def overloaded(self, call: Call, *, in_flight: int, queued: int) -> None:
        """There is no place for it."""
        self.emit(
            events.Overloaded(method=call.handler.method.wire, in_flight=in_flight, queued=queued)
        )

    def differs(self, call: Call) -> None:
        """The same thing was named with other content."""
        method = call.handler.method
        key = shown(natural_text(method, call.raw_params))
        self.emit(events.ContentDiffers(method=method.wire, key=key))

    def unknown(self, call: Call, reason: str, now: float) -> None:
        """Nobody knows whether it was done."""
        self.emit(
            events.OutcomeUnknown(
                method=call.handler.method.wire,
                key=shown(call.idempotency_key),
                reason=reason,
                age=now - call.begun_at,
            )
        )

    def left_open(self, row: Row, method: str) -> None:
        """An earlier process began it, and was cut off."""
        self.emit(
            events.OutcomeUnknown(
                method=method,
                key=shown(row.entry.idempotency_key),
                reason="its handler was cut off by a crash or a hard stop",
                age=row.age,
            )
        )

    def journal_failed(self, call: Call, step: str, reason: str) -> None:
        """The journal could not do `step` for it."""
        self.emit(events.JournalFailed(method=call.handler.method.wire, step=step, reason=reason))


def _at_work(call: Call) -> str:
    """Which function of the EPOS has just returned or raised."""
    if call.asking is Asking.UNRESOLVED:
        return events.ON_UNRESOLVED
    return events.LOOKUP if call.phase in {Phase.ASKING, Phase.REPEATING} else events.HANDLER
