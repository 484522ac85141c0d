"""The table of kinds: what follows from each answer of the journal, of a handler, of a lookup."""

from typing import Any

import msgspec
import pytest
from tests.proto.kinds import (
    ASKED_FOR_REFUSED,
    BOOM,
    CHANGE,
    CONFLICT,
    EMPTY,
    LATER,
    LOOKUP,
    MISFIT,
    MISFIT_FAULT,
    MISFIT_JSON,
    MONEY,
    ORDER,
    ORDER_JSON,
    OTHERS,
    READ,
    REFUSAL,
    US,
    Unencodable,
    begin,
    call,
    error,
    found,
)

from dojo_proto.call import Call
from dojo_proto.contract import BY_NAME, Kind
from dojo_proto.decisions import (
    FAILED,
    NO_JOURNAL,
    OVERLOADED,
    UNFIT,
    Ask,
    AskAgain,
    Asking,
    Forget,
    Keep,
    Reply,
    Reread,
    RunHandler,
    Step,
    Withhold,
    after_begin_failed,
    after_keep_failed,
    after_read,
    after_run,
    error_object,
    sound,
)
from dojo_proto.errors import NotFound
from dojo_proto.journal import FRESH, RowState, Verdict
from dojo_proto.work import Outcome, Raised, Returned

# The rows of the table of kinds, each with its three columns; money with and without a lookup.

RETURNED: list[tuple[str, bool, Any, Step]] = [
    (READ, False, ORDER, Reply(ORDER_JSON)),
    (CHANGE, False, ORDER, Keep(RowState.SUCCEEDED, ORDER_JSON)),
    (EMPTY, False, None, Keep(RowState.SUCCEEDED, b"{}")),
    (MONEY, False, ORDER, Keep(RowState.SUCCEEDED, ORDER_JSON)),
    (MONEY, True, ORDER, Keep(RowState.SUCCEEDED, ORDER_JSON)),
]

RAISED: list[tuple[str, bool, BaseException, Step]] = [
    # A domain error is sent, whatever the kind: it means "certainly not done".
    (READ, False, NotFound("no such order"), error(NotFound("no such order"))),
    (READ, False, LATER, error(LATER)),
    (CHANGE, False, CONFLICT, Keep(RowState.REFUSED, REFUSAL)),
    (MONEY, False, CONFLICT, Keep(RowState.REFUSED, REFUSAL)),
    (MONEY, True, CONFLICT, Keep(RowState.REFUSED, REFUSAL)),
    # An UnexpectedError is never remembered.
    (CHANGE, False, LATER, Forget(error_object(LATER))),
    (MONEY, False, LATER, Forget(error_object(LATER))),
    # What is not declared.
    (READ, False, RuntimeError(), error(FAILED)),
    (CHANGE, False, RuntimeError(), Keep(RowState.FAILED, error_object(FAILED))),
    (CHANGE, True, RuntimeError(), Keep(RowState.FAILED, error_object(FAILED))),
    (MONEY, True, RuntimeError(), Ask(Asking.FAILED, LOOKUP)),
    (MONEY, False, RuntimeError(), Reread("its handler raised, and there is no lookup to ask")),
    (MONEY, False, SystemExit(), Reread("its handler raised, and there is no lookup to ask")),
]

COMMIT_FAILED: list[tuple[str, bool, Keep | Forget, Step]] = [
    # What was not done is answered so, whether or not the journal knows.
    (CHANGE, False, Keep(RowState.REFUSED, REFUSAL), Reply(REFUSAL)),
    (CHANGE, False, Keep(RowState.FAILED, REFUSAL), Reply(REFUSAL)),
    (CHANGE, True, Forget(REFUSAL), Reply(REFUSAL)),
    # Unless the handler has booked before it raised, which only its row can tell.
    (MONEY, False, Keep(RowState.REFUSED, REFUSAL), Reread(ASKED_FOR_REFUSED, REFUSAL)),
    (MONEY, True, Keep(RowState.FAILED, REFUSAL), Reread(ASKED_FOR_REFUSED, REFUSAL)),
    (MONEY, True, Forget(REFUSAL), Reread(ASKED_FOR_REFUSED, REFUSAL)),
    # What was done is treated as an undeclared exception.
    (CHANGE, False, Keep(RowState.SUCCEEDED, ORDER_JSON), error(FAILED)),
    (MONEY, True, Keep(RowState.SUCCEEDED, ORDER_JSON), Ask(Asking.UNCOMMITTED, LOOKUP)),
    (
        MONEY,
        False,
        Keep(RowState.SUCCEEDED, ORDER_JSON),
        Reread("it was done, but the journal could not keep it"),
    ),
]


def ran(asked: Call, outcome: Outcome) -> Step:
    if asked.handler.reads:
        return after_read(asked.handler.method, outcome)
    return after_run(asked, outcome)


class TestHandlers:
    @pytest.mark.parametrize(("method", "lookup", "value", "step"), RETURNED)
    def test_a_result(self, method: str, lookup: bool, value: Any, step: Step) -> None:
        assert ran(call(method, lookup=lookup), Returned(value)) == step

    @pytest.mark.parametrize(("method", "lookup", "raised", "step"), RAISED)
    def test_an_exception(
        self, method: str, lookup: bool, raised: BaseException, step: Step
    ) -> None:
        assert ran(call(method, lookup=lookup), Raised(raised)) == step

    @pytest.mark.parametrize("value", [None, Unencodable(), MISFIT])
    def test_a_read_without_a_usable_result_is_an_error(self, value: object) -> None:
        step = after_read(BY_NAME[READ], Returned(value))
        assert step.content == error_object(UNFIT)
        assert "at `$`" in step.fault

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    @pytest.mark.parametrize("value", [None, Unencodable()])
    def test_what_was_done_is_a_success_with_an_alarm_whatever_was_returned(
        self, method: str, value: object
    ) -> None:
        step = after_run(call(method), Returned(value))
        assert isinstance(step, Keep)
        assert (step.state, step.content) == (RowState.SUCCEEDED, b"{}")
        assert step.fault

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    def test_what_was_done_is_answered_as_it_is_with_an_alarm_if_it_misfits(
        self, method: str
    ) -> None:
        step = after_run(call(method), Returned(MISFIT))
        assert step == Keep(RowState.SUCCEEDED, MISFIT_JSON, MISFIT_FAULT)

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    def test_a_second_run_that_failed_early_leaves_the_next_one_a_possible_repeat(
        self, method: str
    ) -> None:
        step = after_run(call(method, again=True), Raised(LATER))
        assert step == Keep(RowState.FAILED, error_object(LATER))

    def test_something_to_await_is_no_result(self) -> None:
        async def pay() -> None:
            """The handler behind a wrapper that does not look like `async def`."""

        running = pay()
        match sound(Returned(running)):
            case Raised(error=TypeError() as raised):
                assert "async def" in str(raised)
            case other:
                pytest.fail(f"passed for {other}")
        running.close()

    @pytest.mark.parametrize("outcome", [Returned(ORDER), Returned(None), BOOM])
    def test_every_other_outcome_is_taken_as_it_is(self, outcome: Outcome) -> None:
        assert sound(outcome) is outcome


class TestJournal:
    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    def test_what_is_new_runs(self, method: str) -> None:
        assert begin(call(method), FRESH) == RunHandler(redelivered=False)

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    def test_a_success_is_replayed_in_its_own_bytes(self, method: str) -> None:
        came = found(Verdict.SUCCEEDED, answer=ORDER_JSON)
        assert begin(call(method), came) == Reply(ORDER_JSON, repeat=True)

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    def test_a_success_is_answered_by_the_lookup_if_there_is_one(self, method: str) -> None:
        came = found(Verdict.SUCCEEDED, answer=ORDER_JSON)
        assert begin(call(method, lookup=True), came) == AskAgain(ORDER_JSON, LOOKUP)

    def test_a_success_that_nothing_can_answer_is_withheld(self) -> None:
        step = begin(call(MONEY), found(Verdict.SUCCEEDED))
        assert step == Withhold(
            "the journal has it as booked, but has no answer, and there is no lookup"
        )

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    @pytest.mark.parametrize("lookup", [False, True])
    def test_a_refusal_is_replayed(self, method: str, lookup: bool) -> None:
        came = found(Verdict.REFUSED, answer=msgspec.json.encode(REFUSAL))
        assert begin(call(method, lookup=lookup), came) == Reply(REFUSAL, repeat=True)

    @pytest.mark.parametrize(
        ("method", "verdict", "started"),
        [
            (CHANGE, Verdict.BEGUN, False),
            (CHANGE, Verdict.BEGUN, True),
            (CHANGE, Verdict.FAILED, False),
            (MONEY, Verdict.BEGUN, False),
            (MONEY, Verdict.FAILED, False),
        ],
    )
    def test_what_may_have_been_done_runs_again_and_is_told_so(
        self, method: str, verdict: Verdict, started: bool
    ) -> None:
        step = begin(call(method), found(verdict), started=started)
        assert step == RunHandler(redelivered=True)

    @pytest.mark.parametrize("method", [CHANGE, MONEY])
    @pytest.mark.parametrize("started", [False, True])
    @pytest.mark.parametrize("verdict", [Verdict.BEGUN, Verdict.FAILED])
    def test_what_may_have_been_done_is_looked_up_first(
        self, method: str, started: bool, verdict: Verdict
    ) -> None:
        step = begin(call(method, lookup=True), found(verdict), started=started)
        assert step == Ask(Asking.REDELIVERED, LOOKUP)

    @pytest.mark.parametrize("owner", [US, OTHERS])
    def test_a_payment_whose_handler_raised_does_not_run_again_in_this_process(
        self, owner: str
    ) -> None:
        step = begin(call(MONEY), found(Verdict.BEGUN, owner=owner), started=True)
        assert step == Withhold("its handler raised, and there is no lookup to ask")

    @pytest.mark.parametrize("lookup", [False, True])
    def test_a_row_of_ours_that_nothing_was_started_for_is_new(self, lookup: bool) -> None:
        came = found(Verdict.BEGUN, owner=US)
        assert begin(call(MONEY, lookup=lookup), came) == RunHandler(redelivered=False)
        assert begin(call(MONEY, lookup=lookup, shed=True), came) == error(OVERLOADED)

    def test_a_failed_row_of_ours_has_run(self) -> None:
        assert begin(call(CHANGE), found(Verdict.FAILED, owner=US)) == RunHandler(redelivered=True)

    @pytest.mark.parametrize(
        ("method", "verdict"),
        [(CHANGE, Verdict.FRESH), (CHANGE, Verdict.FAILED), (MONEY, Verdict.FRESH)],
    )
    def test_without_a_place_what_is_not_done_is_turned_away(
        self, method: str, verdict: Verdict
    ) -> None:
        assert begin(call(method, shed=True), found(verdict)) == error(OVERLOADED)
        step = begin(call(method, shed=True), found(verdict), draining=True)
        assert step == Withhold("the service is stopping", unknown=False)

    @pytest.mark.parametrize("draining", [False, True])
    def test_without_a_place_a_payment_that_failed_may_have_been_booked_by_an_earlier_run(
        self, draining: bool
    ) -> None:
        step = begin(call(MONEY, shed=True), found(Verdict.FAILED), draining=draining)
        assert step == Withhold("its outcome is open, and there is no place to settle it")

    @pytest.mark.parametrize("lookup", [False, True])
    @pytest.mark.parametrize("draining", [False, True])
    def test_without_a_place_an_open_outcome_is_withheld(
        self, lookup: bool, draining: bool
    ) -> None:
        made = call(MONEY, lookup=lookup, shed=True)
        step = begin(made, found(Verdict.BEGUN), draining=draining)
        assert step == Withhold("its outcome is open, and there is no place to settle it")

    @pytest.mark.parametrize("draining", [False, True])
    def test_without_a_place_a_success_is_answered_all_the_same(self, draining: bool) -> None:
        came = found(Verdict.SUCCEEDED, answer=ORDER_JSON)
        assert begin(call(MONEY, shed=True), came, draining=draining) == Reply(
            ORDER_JSON, repeat=True
        )


class TestJournalFailures:
    @pytest.mark.parametrize("fresh", [False, True])
    def test_a_change_is_answered_unstarted(self, fresh: bool) -> None:
        assert after_begin_failed(call(CHANGE), fresh=fresh) == error(NO_JOURNAL)

    def test_a_payment_that_was_not_found_is_answered_unstarted(self) -> None:
        assert after_begin_failed(call(MONEY, lookup=True), fresh=True) == error(NO_JOURNAL)
        assert after_begin_failed(call(MONEY), fresh=True) == error(NO_JOURNAL)

    def test_a_payment_that_was_not_looked_up_may_be_booked(self) -> None:
        withheld = Withhold("the journal could not be asked whether it is booked")
        assert after_begin_failed(call(MONEY), fresh=False) == withheld
        asked = after_begin_failed(call(MONEY, lookup=True), fresh=False)
        assert asked == Ask(Asking.UNLISTED, LOOKUP)
        assert after_begin_failed(call(MONEY, lookup=True, shed=True), fresh=False) == withheld

    @pytest.mark.parametrize(("method", "lookup", "keeping", "step"), COMMIT_FAILED)
    def test_a_commit_that_failed(
        self, method: str, lookup: bool, keeping: Keep | Forget, step: Step
    ) -> None:
        assert after_keep_failed(call(method, lookup=lookup), keeping) == step

    def test_of_what_an_earlier_process_left_open_there_are_no_params_to_ask_the_lookup_with(
        self,
    ) -> None:
        made = call(MONEY, lookup=True)
        made.asking = Asking.UNRESOLVED
        step = after_keep_failed(made, Keep(RowState.SUCCEEDED, ORDER_JSON))
        assert step == Reread("it was done, but the journal could not keep it")


def test_the_methods_of_these_tests_are_of_their_kinds() -> None:
    kinds = [BY_NAME[name].kind for name in (READ, CHANGE, EMPTY, MONEY)]
    assert kinds == [Kind.READ, Kind.CHANGE, Kind.CHANGE, Kind.MONEY]
