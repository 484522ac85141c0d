"""What an earlier process has left open in the journal, taken up when the next one starts."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from dojo_proto.call import Call, Waiter
from dojo_proto.contract import BY_NAME, Kind
from dojo_proto.decisions import Asking
from dojo_proto.handlers import Handler
from dojo_proto.journal import Row, RowState, natural_parts
from dojo_proto.receipts import Receipts
from dojo_proto.reports import Reports


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

    `ask` is the function that is registered for that, if there is one; `handlers` are those of the
    EPOS, by wire name.
    """

    def __init__(
        self,
        ask: Handler | None,
        handlers: Mapping[str, Handler],
        *,
        reports: Reports,
        receipts: Receipts,
    ) -> None:
        self._ask = ask
        self._methods = {handler.method.name: handler.method for handler in handlers.values()}
        self._reports = reports
        self._receipts = receipts

    def resume(self, rows: Sequence[Row], now: float) -> Iterator[Call]:
        """Take up `rows`, and yield a call for each that is to be asked about."""
        for number, row in enumerate(sorted(rows, key=lambda row: -row.age), start=1):
            name, key = row.entry.method, row.entry.idempotency_key
            method = self._methods.get(name) or BY_NAME.get(name)
            if row.state is RowState.SUCCEEDED:
                if method is not None and method.kind is Kind.MONEY:
                    self._receipts.booked(row.entry.ticket, method.wire, key, now - row.age)
                continue
            self._reports.left_open(row, name if method is None else method.wire)
            if method is not None and self._ask is not None:
                handler = msgspec.structs.replace(self._ask, method=method)
                unresolved = Unresolved(method=name, key=key, age=row.age)
                call = Call(-number, handler, Waiter(0, None, now, None), unresolved, b"{}")
                call.waiters = []
                call.identity = row.entry.identity
                call.adopt(row, now)
                call.shed = True  # it holds no place
                call.asking = Asking.UNRESOLVED
                yield call
