"""Reads: what changes nothing needs no journal, and goes from its place straight to its handler.

Nearly all that a till is asked is a read, so this way has as few steps as it can have.
"""

from collections.abc import Callable

from dojo_proto import decisions
from dojo_proto.agenda import Agenda
from dojo_proto.call import DONE, RUNNING, Call
from dojo_proto.delivery import Delivery
from dojo_proto.errors import LocalProtocolError
from dojo_proto.reports import Reports
from dojo_proto.table import Table
from dojo_proto.work import Outcome


class Reads:
    """Starts reads and answers them. Driven by dispatch.

    `timeout` is what a handler may take, in seconds; `leave` takes (call, now) for each read whose
    handler has returned, and gives its place away.
    """

    __slots__ = ("_agenda", "_delivery", "_leave", "_observe", "_reports", "_table", "_timeout")

    def __init__(
        self,
        *,
        timeout: float,
        table: Table,
        agenda: Agenda,
        delivery: Delivery,
        reports: Reports,
        leave: Callable[[Call, float], None],
    ) -> None:
        self._timeout = timeout
        self._table = table
        self._agenda = agenda
        self._delivery = delivery
        self._reports = reports
        self._observe = reports.observe
        self._leave = leave

    def start(self, call: Call, now: float) -> None:
        """Have its handler called; it has a place."""
        self._table.started[call.number] = call
        call.deadline = now + self._timeout
        self._table.arm(call)
        if self._observe:
            self._reports.started(call)
        call.phase = RUNNING
        self._agenda.read(call)

    def ran(self, call: Call, outcome: Outcome, now: float) -> None:
        """Its handler has returned or raised: answer whoever still waits."""
        if call.phase is not RUNNING:
            raise LocalProtocolError(f"{call!r} was not running")
        if not call.answered:
            self._delivery.reply(call, decisions.after_read(call.handler.method, outcome), now)
        self.over(call, now)

    def over(self, call: Call, now: float) -> None:
        """Its handler has returned, and whoever waited is answered."""
        call.phase = DONE
        del self._table.started[call.number]
        self._leave(call, now)

    def too_slow(self, call: Call, now: float) -> None:
        """It has taken as long as it may: answer without it."""
        self._delivery.error(call, decisions.error_object(decisions.TOO_SLOW), now)
        self.give_up(call)

    def give_up(self, call: Call) -> None:
        """Nobody waits for it any more. It keeps its place until its handler returns."""
        call.answered = True
        call.deadline = None
        self._agenda.cancel(call)
