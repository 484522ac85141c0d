"""Requests in flight: what is a repeat, who waits, what may start, and what is answered.

A state-changing request goes repeat → join → draining → overload → Begin → Run → Commit → answer; a
read goes straight to Run. What follows from each answer of the journal and of a handler is decided
in `decisions`; this module carries it out and keeps the table of calls, which belongs to the
journal and outlives connections.
"""

from collections.abc import Callable, Mapping
from typing import Any, assert_never

import msgspec

from dojo_proto import decisions
from dojo_proto.admission import Admission
from dojo_proto.agenda import Agenda
from dojo_proto.call import DONE, RUNNING, Call, Phase, move
from dojo_proto.contract import Kind
from dojo_proto.decisions import Forget, Keep, Reply, RunHandler, Step, error_object
from dojo_proto.delivery import Delivery
from dojo_proto.errors import DomainError, LocalProtocolError
from dojo_proto.events import Event, RequestOutcome
from dojo_proto.handlers import Handler
from dojo_proto.intake import Intake
from dojo_proto.journal import Found, Identity, RowState, Verdict
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.reads import Reads
from dojo_proto.receipts import Receipts
from dojo_proto.reports import Reports
from dojo_proto.settings import Settings
from dojo_proto.settling import Settling
from dojo_proto.table import Table
from dojo_proto.timers import earlier
from dojo_proto.work import UNSTARTED, Outcome, Raised


class Dispatch:
    """The calls of one service. Driven by the client.

    `emit` takes observers' events, and `observe` says whether it wants those of every request.
    `scope` tells environments and instances apart in the journal; `wall_offset` is the wall clock
    minus the caller's clock, in seconds.
    """

    __slots__ = (
        "_settings",
        "_shed",
        "admission",
        "agenda",
        "delivery",
        "draining",
        "intake",
        "reads",
        "receipts",
        "reports",
        "settling",
        "table",
    )

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        unresolved: Handler | None = None,
        settings: Settings,
        scope: str,
        entropy: Callable[[int], bytes],
        state: Any,
        emit: Callable[[Event], None],
        observe: bool,
        wall_offset: float,
    ) -> None:
        self.draining = False
        self.reports = Reports(emit=emit, observe=observe, trace_prefix=entropy(6).hex())
        self.delivery = Delivery(echo_method=settings.echo_method, reports=self.reports)
        self.admission = Admission(settings)
        self.intake = Intake(
            handlers=handlers,
            scope=scope,
            max_depth=settings.max_json_depth,
            delivery=self.delivery,
            reports=self.reports,
            admit=self._admit,
        )
        self._settings = settings
        self.agenda = Agenda(entropy=entropy, state=state, wall_offset=wall_offset)
        self.table = Table()
        self.reads = Reads(
            timeout=settings.read_timeout,
            table=self.table,
            agenda=self.agenda,
            delivery=self.delivery,
            reports=self.reports,
            leave=self._leave,
        )
        self.receipts = Receipts(note=self.agenda.note, emit=emit)
        self.settling = Settling(
            unresolved,
            handlers,
            table=self.table,
            admission=self.admission,
            reports=self.reports,
            receipts=self.receipts,
            run=self._run,
        )
        self._shed = 0  # calls that are only looked up, and hold no place

    # What comes from the connection.

    def link_closed(self, link: int, now: float) -> None:
        """Nobody on `link` waits any more. What changes the till goes on, its answer is kept."""
        if not link:
            return  # it was told before, or never was open
        self.delivery.link = 0
        self.receipts.link_closed()
        for call in self.settling.abandoned():
            self.delivery.abandon(call, link, now)
        for call in (*self.admission.waiting(), *self.table.started.values()):
            self.delivery.abandon(call, link, now)
            if call.waiters:
                continue
            if call.phase is Phase.QUEUED:
                self.admission.withdraw(call)
                self.table.forget(call)
            elif call.identity is None and not call.answered:
                self.reads.give_up(call)

    # What the adapter does.

    def begun(self, call: Call, found: Found, now: float) -> None:
        """The journal has looked `call` up, or found that its handler has committed it itself."""
        if call.phase not in {Phase.BEGINNING, Phase.COMMITTING}:
            raise LocalProtocolError(f"{call!r} was not being begun")
        row = found.row
        again = call.phase is Phase.COMMITTING or call.rereading is not None
        if row is not None:
            if not again:
                self._compare(call, row.entry.identity)
            call.adopt(row, now)
            news = again or call.ticket in self.table.open_rows
            if found.verdict is not Verdict.BEGUN:
                self.table.open_rows.pop(call.ticket, None)
            if found.verdict is Verdict.SUCCEEDED and news:
                # Its handler has committed it, or a commit that was given up has come through.
                self._booked(call, now)
        if again:
            self._carry_out(call, decisions.after_reread(call, found), now)
            return
        step = decisions.after_begin(
            call,
            found,
            owner=self.agenda.owner,
            started=self.table.open_rows.get(call.ticket, False),
            draining=self.draining,
        )
        self._carry_out(call, step, now)

    def ran(self, call: Call, outcome: Outcome, now: float) -> None:
        """A handler or lookup of `call` has returned, raised, or been cancelled."""
        outcome = decisions.sound(outcome)
        if type(outcome) is Raised and not call.answered:
            declared = isinstance(outcome.error, DomainError) and outcome is not UNSTARTED
            # A lookup has nothing to refuse.
            if not declared or call.phase is not RUNNING:
                self.reports.failed(call, outcome.error)
        if call.identity is None:
            self.reads.ran(call, outcome, now)
            return
        if call.phase is RUNNING:
            step = decisions.after_run(call, outcome)
        elif call.phase is Phase.ASKING:
            step = decisions.after_ask(call, outcome)
        elif call.phase is Phase.REPEATING:
            step = decisions.after_ask_again(call, outcome)
        else:
            raise LocalProtocolError(f"{call!r} was not running")
        self._carry_out(call, step, now)

    def committed(self, call: Call, now: float) -> None:
        """The journal has done the Commit or Abort of `call`."""
        keeping = self.agenda.kept(call)
        self.table.open_rows.pop(call.ticket, None)
        if isinstance(keeping, Keep) and keeping.state is RowState.SUCCEEDED:
            self._booked(call, now)
        self._reply(call, Reply(keeping.content), now)

    def journal_failed(self, call: Call, reason: str, now: float, *, fresh: bool = False) -> None:
        """The journal could not do its step for `call`. `fresh`: it had found nothing before."""
        if call.phase is Phase.BEGINNING:
            self.reports.journal_failed(call, "begin", reason)
            self._carry_out(call, decisions.after_begin_failed(call, fresh=fresh), now)
            return
        keeping = self.agenda.kept(call)
        name = "commit" if isinstance(keeping, Keep) else "abort"
        self.reports.journal_failed(call, name, reason)
        if isinstance(keeping, Forget) or keeping.state is RowState.REFUSED:
            # The handler has said that it is certainly not done, whatever the journal has.
            self.table.open_rows.pop(call.ticket, None)
        self._carry_out(call, decisions.after_keep_failed(call, keeping), now)

    # Time, and stopping.

    def next_timer(self) -> float | None:
        """When to call `handle_timer`; it may turn out that nothing is due."""
        return earlier(self.table.deadline, self.receipts.next_timer())

    def handle_timer(self, now: float) -> None:
        """Turn away who waited too long, answer reads that took too long, raise alarms."""
        self.receipts.handle_timer(now)
        if self.table.deadline is None or now < self.table.deadline:
            return
        for call in self.admission.expired(now):
            self._turn_away(call, now)
        for call in self.table.due(now):
            self._too_slow(call, now)
        self.table.rearm(self.admission.waiting())

    def drain(self, now: float) -> None:
        """Start nothing new. Who waits for a place is turned away."""
        self.draining = True
        self.settling.stop()
        for call in list(self.admission.waiting()):
            self.admission.withdraw(call)
            self._turn_away(call, now)

    def end(self, now: float) -> None:
        """The service ends. What still runs is cut off, and nobody learns here how it ends."""
        for call in self.table.end():
            self.reports.unknown(call, "the service ended before it was over", now)

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything any more."""
        return not self.admission.queued and self.table.answered

    # Starting.

    def _admit(self, call: Call, now: float) -> None:
        """Take a request in: join the same one under way, or start, or wait, or be turned away."""
        if call.identity is not None:
            same = self.table.same(call)
            if same is not None:
                self._join(same, call, call.identity, now)
                return
            self.table.know(call)
        if self.draining:
            self._turn_away(call, now)
        elif self.admission.take(call):
            self._start(call, now)
        elif self.admission.wait(call, now):
            self.table.arm(call)
        else:
            self._turn_away(call, now)

    def _join(self, call: Call, repeat: Call, identity: Identity, now: float) -> None:
        """Let those who sent `repeat` wait for the answer to `call`, as far as there is room."""
        if call is self.settling.asking:
            full = len(self.settling.behind) > self._settings.max_queued
            self.settling.behind += () if full else (repeat,)
        else:
            self._compare(call, identity)
            full = len(call.waiters) > self._settings.max_queued
            call.waiters += () if full else repeat.waiters
        if full:
            self.delivery.silence(repeat, RequestOutcome.WITHHELD, now)

    def _compare(self, call: Call, other: Identity) -> None:
        """Alarm if the same thing is named with other content; nothing else comes of it."""
        if call.identity is not None and call.identity.amounts != other.amounts:
            self.reports.differs(call)

    def _turn_away(self, call: Call, now: float) -> None:
        """There is no place for `call`; what changes the till may still be a repeat."""
        if not self.draining:
            self.reports.overloaded(
                call, in_flight=len(self.table.started), queued=self.admission.queued
            )
        if call.identity is None:
            error = decisions.STOPPING if self.draining else decisions.OVERLOADED
            self.delivery.error(call, error_object(error), now)
        elif self._shed <= self._settings.max_queued:
            self._shed += 1
            call.shed = True
            self.table.started[call.number] = call
            self._begin(call, insert=False)
        else:
            # Not even a look-up has room. It may be booked, so an error would be a guess.
            self.delivery.silence(call, RequestOutcome.WITHHELD, now)
            self.table.forget(call)

    def _start(self, call: Call, now: float) -> None:
        if call.identity is None:
            self.reads.start(call, now)
        else:
            self.table.started[call.number] = call
            self._begin(call, insert=True)

    def _begin(self, call: Call, *, insert: bool) -> None:
        call.deadline = None
        self.agenda.begin(call, insert=insert)

    def _run_handler(self, call: Call, now: float) -> None:
        self.table.open_rows[call.ticket] = True
        if self.reports.observe:
            self.reports.started(call)
        self._run(call, call.handler, RUNNING, now)

    def _run(self, call: Call, handler: Handler, phase: Phase, now: float) -> None:
        call.deadline = now + self._settings.slow_after
        self.table.arm(call)
        self.agenda.run(call, handler, phase)

    # Carrying out what was decided.

    def _carry_out(self, call: Call, step: Step, now: float) -> None:
        match step:
            case Reply():
                self._reply(call, step, now)
            case Keep() | Forget():
                self._keep(call, step, now)
            case RunHandler(redelivered=redelivered):
                call.redelivered = redelivered
                self._run_handler(call, now)
            case decisions.Ask(why=why, lookup=lookup):
                call.asking = why
                self._run(call, lookup, Phase.ASKING, now)
            case decisions.AskAgain(stored=stored, lookup=lookup):
                call.stored = stored
                self._run(call, lookup, Phase.REPEATING, now)
            case decisions.Reread():
                call.rereading = step
                self._begin(call, insert=False)
            case decisions.Withhold(reason=reason, unknown=unknown):
                if unknown:
                    self.reports.unknown(call, reason, now)
                self.delivery.silence(call, RequestOutcome.WITHHELD, now)
                self._done(call, now)
            case _:
                assert_never(step)

    def _keep(self, call: Call, keeping: Keep | Forget, now: float) -> None:
        call.deadline = None
        if isinstance(keeping, Keep) and keeping.fault:
            self.reports.unfit(call, keeping.fault)
        if isinstance(keeping.content, ErrorObject):
            stamped = self.delivery.stamp(keeping.content, call.number)
            keeping = msgspec.structs.replace(keeping, content=stamped)
        self.agenda.keep(call, keeping)
        self.admission.release_worker(call)  # the thread is free while the journal writes
        self._start_waiting(now)

    def _reply(self, call: Call, reply: Reply, now: float) -> None:
        if isinstance(reply.content, bytes) and call.ticket in self.table.open_rows:
            self._booked(call, now)  # the till has it, and the journal could not keep that
        self.delivery.reply(call, reply, now)
        self._done(call, now)

    def _booked(self, call: Call, now: float) -> None:
        """It is certainly done: of a payment, Dojo has to know as well."""
        if call.handler.method.kind is Kind.MONEY:
            wire = call.handler.method.wire
            self.receipts.booked(call.ticket, wire, call.idempotency_key, now)

    def _too_slow(self, call: Call, now: float) -> None:
        self.reports.slow(call, now)
        if call.identity is None:
            self.reads.too_slow(call, now)

    def _done(self, call: Call, now: float) -> None:
        move(call, DONE)
        del self.table.started[call.number]
        self.table.forget(call)
        if call.shed:
            self._shed -= 1
        else:
            self.admission.release(call)
            self._start_waiting(now)
        for repeat in self.settling.over(call):
            self._admit(repeat, now)
        self.settling.start_next(now)

    def _leave(self, call: Call, now: float) -> None:
        """The read `call` is over: its place is for those who wait."""
        self.admission.release(call)
        if self.admission.queued:
            self._start_waiting(now)
        if self.settling.waiting:
            self.settling.start_next(now)

    def _start_waiting(self, now: float) -> None:
        while (ready := self.admission.next_ready()) is not None:
            self._start(ready, now)
