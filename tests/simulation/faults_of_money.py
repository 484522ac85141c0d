"""Faults in what is answered and in what runs again.

Each docstring says what is done instead, in the words of somebody who thought it an improvement.
"""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import msgspec
from tests.simulation.invariants import Invariant
from tests.simulation.planting import breaks, replaced

from dojo_proto import decisions, intake, journal
from dojo_proto.agenda import Agenda
from dojo_proto.call import Call
from dojo_proto.contract import Kind
from dojo_proto.decisions import Forget, Keep, Reply, RunHandler, Withhold, error_object
from dojo_proto.dispatch import Dispatch
from dojo_proto.journal import Identity, RowState, Verdict
from dojo_proto.table import Table
from dojo_proto.work import Raised

# Answers.


@breaks(Invariant.BOOKED_IS_ANSWERED_SO)
def answer_before_commit() -> Iterator[None]:
    """The answer leaves at once; the journal can follow."""

    def make(keep: Any) -> Any:
        def mutant(self: Dispatch, call: Call, keeping: Keep | Forget, now: float) -> None:
            if isinstance(keeping.content, bytes):
                self.delivery.result(call, keeping.content, now)
            keep(self, call, keeping, now)

        return mutant

    with replaced(Dispatch, "_keep", make):
        yield


@breaks(Invariant.BOOKED_IS_ANSWERED_SO)
def error_after_booking() -> Iterator[None]:
    """A payment whose handler raised is answered with an error, without asking anybody."""

    def make(after_run: Any) -> Any:
        def mutant(call: Call, outcome: Any) -> Any:
            if isinstance(outcome, Raised) and call.handler.method.kind is Kind.MONEY:
                return Forget(error_object(decisions.FAILED))
            return after_run(call, outcome)

        return mutant

    with replaced(decisions, "after_run", make):
        yield


@breaks(Invariant.BOOKED_IS_ANSWERED_SO)
def failed_commit_is_success() -> Iterator[None]:
    """The handler has returned, so success is answered even if the journal could not keep it."""

    def make(_: Any) -> Any:
        return lambda _call, keeping: Reply(keeping.content)

    with replaced(decisions, "after_keep_failed", make):
        yield


@breaks(Invariant.BOOKED_IS_ANSWERED_SO)
def draining_says_error() -> Iterator[None]:
    """A service that stops answers all that comes in with an error, looked up or not."""

    def make(after_begin: Any) -> Any:
        def mutant(call: Call, found: Any, *, draining: bool, **rest: Any) -> Any:
            step = after_begin(call, found, draining=draining, **rest)
            if draining and isinstance(step, Withhold):
                return Reply(error_object(decisions.STOPPING))
            return step

        return mutant

    with replaced(decisions, "after_begin", make):
        yield


@breaks(Invariant.BOOKED_IS_ANSWERED_SO)
def overload_without_a_look() -> Iterator[None]:
    """Whoever finds no place is told so at once, without asking the journal."""

    def make(_: Any) -> Any:
        def mutant(self: Dispatch, call: Call, now: float) -> None:
            self.delivery.error(call, error_object(decisions.OVERLOADED), now)
            self.table.forget(call)

        return mutant

    with replaced(Dispatch, "_turn_away", make):
        yield


@breaks(Invariant.BOOKED_IS_ANSWERED_SO)
def unlisted_is_unbooked() -> Iterator[None]:
    """A journal that cannot be asked has nothing, so nothing was done."""

    def make(_: Any) -> Any:
        return lambda _call, *, fresh: Reply(error_object(decisions.NO_JOURNAL))  # noqa: ARG005

    with replaced(decisions, "after_begin_failed", make):
        yield


# What is the same, and what runs again.


@breaks(Invariant.TO_WHOM_IT_CONCERNS)
def replay_by_id_alone() -> Iterator[None]:
    """The JSON-RPC id names a request; its content does not matter."""

    def make(identify: Any) -> Any:
        def mutant(method: Any, params: Any, request_id: Any, scope: str) -> Any:
            found = identify(method, params, request_id, scope)
            if isinstance(found, Identity):
                found = msgspec.structs.replace(found, repeat=f"{scope} {request_id!r}")
            return found

        return mutant

    with replaced(intake, "identify", make):
        yield


@breaks(Invariant.TO_WHOM_IT_CONCERNS)
def refusals_last() -> Iterator[None]:
    """A refusal is remembered by natural key, as a success is."""

    def make(judge: Any) -> Any:
        def mutant(entry: Any, rows: Any) -> Any:
            for row in rows:
                if row.state is RowState.REFUSED and row.entry.identity.key == entry.identity.key:
                    return journal.Found(verdict=Verdict.REFUSED, row=row)
            return judge(entry, rows)

        return mutant

    with replaced(journal, "judge", make):
        yield


@breaks(Invariant.ONCE)
def redelivered_flag_lost() -> Iterator[None]:
    """Every run is a run; whether it is the first is not said."""

    def make(_: Any) -> Any:
        return lambda *, redelivered: RunHandler(redelivered=False)  # noqa: ARG005

    with replaced(decisions, "RunHandler", make):
        yield


@breaks(Invariant.ONCE)
def every_row_is_mine() -> Iterator[None]:
    """A row that is begun and has no handler here was never started, whoever began it."""

    def make(after_begin: Any) -> Any:
        def mutant(call: Call, found: Any, *, owner: str, **rest: Any) -> Any:
            owner = owner if found.row is None else found.row.entry.owner
            return after_begin(call, found, owner=owner, **rest)

        return mutant

    with replaced(decisions, "after_begin", make):
        yield


@breaks(Invariant.ONCE)
def join_table_dies_with_the_link() -> Iterator[None]:
    """When a link is gone, what ran for it is nobody's business any more."""

    def make(link_closed: Any) -> Any:
        def mutant(self: Dispatch, link: int, now: float) -> None:
            link_closed(self, link, now)
            self.table._known.clear()

        return mutant

    def forget(self: Table, call: Call) -> None:
        for name in () if call.identity is None else call.identity.names:
            self._known.pop(name, None)

    with replaced(Dispatch, "link_closed", make), patch.object(Table, "forget", forget):
        yield


@breaks(Invariant.ONCE, Invariant.BOOKED_IS_ANSWERED_SO)
def a_new_nonce_for_each_run() -> Iterator[None]:
    """The idempotency key of a request without natural key is the one of this attempt."""

    def make(run: Any) -> Any:
        def mutant(self: Agenda, call: Call, *rest: Any) -> None:
            if call.identity is not None and not call.identity.key:
                call.idempotency_key = self._entropy(16).hex()
            run(self, call, *rest)

        return mutant

    with replaced(Agenda, "run", make):
        yield


@breaks(Invariant.ONCE)
def successes_are_forgotten_early() -> Iterator[None]:
    """Two minutes are long enough to remember anything."""
    with patch.object(journal, "KEY_WINDOW", journal.REPEAT_WINDOW):
        yield
