"""What an earlier process has left open in the journal, taken up when the next one starts."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from dojo_proto.admission import Admission
from dojo_proto.call import Call, Phase
from dojo_proto.contract import BY_NAME, Kind
from dojo_proto.decisions import Asking
from dojo_proto.handlers import Handler
from dojo_proto.journal import Row, RowState, natural_parts
from dojo_proto.receipts import Receipts
from dojo_proto.reports import Reports
from dojo_proto.table import Table


class Unresolved(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was begun, and of which nobody knows whether it was done.

    What a function that is registered with `@epos.on_unresolved` is asked about.
    """

    method: str
    """The method's name without its version: `RecordOrderPaymentById`."""
    key: str
    """The idempotency key, as the handler had it."""
    age: float
    """Seconds since it was begun."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The values of its natural key, of a payment the order's id and the payment intent's."""
        return natural_parts(self.method, self.key)


class Settling:
    """Reports rows that are open, and makes calls that ask about them. Driven by dispatch.

    One is asked about at a time and only where there is a place that nobody waits for, so that a
    till with many of them can be paid at meanwhile. `ask` is the function that is registered for
    it, if there is one; `handlers` are those of the EPOS, by wire name; `run` has one called.
    """

    __slots__ = (
        "_admission",
        "_ask",
        "_handlers",
        "_receipts",
        "_reports",
        "_run",
        "_table",
        "asking",
        "behind",
        "waiting",
    )

    def __init__(
        self,
        ask: Handler | None,
        handlers: Mapping[str, Handler],
        *,
        table: Table,
        admission: Admission,
        reports: Reports,
        receipts: Receipts,
        run: Callable[[Call, Handler, Phase, float], None],
    ) -> None:
        self.asking: Call | None = None
        """The call that asks, and for which nobody waits."""
        self.behind: list[Call] = []
        """Requests for the same: each goes its own way when it is known, or known not to be."""
        self._ask = ask
        self._handlers = handlers
        self._table = table
        self._admission = admission
        self._reports = reports
        self._receipts = receipts
        self._run = run
        self.waiting: list[Call] = []
        """Calls that are still to ask, that of the oldest row last."""

    def resume(self, rows: Sequence[Row], now: float) -> None:
        """Take up `rows`: report what is open, and follow what Dojo is not known to know."""
        handlers = {handler.method.name: handler for handler in self._handlers.values()}
        # The oldest first, as it is in receipts ever after.
        for number, row in enumerate(sorted(rows, key=lambda row: -row.age), start=1):
            name, key = row.entry.method, row.entry.idempotency_key
            handler = handlers.get(name)
            method = BY_NAME.get(name) if handler is None else handler.method
            if row.state is RowState.SUCCEEDED:
                if method is not None and method.kind is Kind.MONEY:
                    self._receipts.booked(row.entry.ticket, method.wire, key, now - row.age)
                continue
            self._table.open_rows[row.entry.ticket] = False
            self._reports.left_open(row, name if method is None else method.wire)
            if method is not None and self._ask is not None:
                lookup = None if handler is None else handler.lookup
                ask = msgspec.structs.replace(self._ask, method=method, lookup=lookup)
                self.waiting.append(_asking(-number, ask, row, now))
        self.waiting.reverse()
        self.start_next(now)

    def start_next(self, now: float) -> None:
        """Ask about the next row, if there is one and a place for it."""
        while self.waiting and not self._untouched(self.waiting[-1]):
            self.waiting.pop()  # a retry has settled it, or is about to
        if self.asking is None and self.waiting and self._admission.take(self.waiting[-1]):
            call = self.asking = self.waiting.pop()
            self._table.know(call)
            self._table.started[call.number] = call
            self._run(call, call.handler, Phase.ASKING, now)

    def stop(self) -> None:
        """Ask no more."""
        self.waiting.clear()

    def over(self, call: Call) -> Sequence[Call]:
        """`call` is over: those that have waited behind it, if it was the one that asks."""
        if call is not self.asking:
            return ()
        self.asking = None
        return self.abandoned()

    def abandoned(self) -> Sequence[Call]:
        """Those that wait behind the call; they do so no more."""
        behind, self.behind = self.behind, []
        return behind

    def _untouched(self, call: Call) -> bool:
        left_open = self._table.open_rows.get(call.ticket) is False
        return left_open and self._table.same(call) is None


def _asking(number: int, ask: Handler, row: Row, now: float) -> Call:
    unresolved = Unresolved(method=row.entry.method, key=row.entry.idempotency_key, age=row.age)
    call = Call(number, ask, [], now, now, unresolved, b"{}")
    call.identity = row.entry.identity
    call.asking = Asking.UNRESOLVED
    call.adopt(row, now)
    return call
