"""The table of kinds: what follows from each answer of the journal, of a handler, of a lookup."""

from typing import Any

import msgspec
import pytest
from tests.proto.till import an_order

from dojo_proto.call import Call, Waiter
from dojo_proto.contract import BY_NAME, Kind
from dojo_proto.decisions import (
    FAILED,
    NO_JOURNAL,
    NOT_DONE,
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
    after_ask,
    after_ask_again,
    after_begin,
    after_begin_failed,
    after_keep_failed,
    after_reread,
    after_run,
    error_object,
    sound,
)
from dojo_proto.errors import Conflict, DomainError, NotFound, UnexpectedError
from dojo_proto.handlers import Handler
from dojo_proto.journal import FRESH, Entry, Found, Identity, Row, RowState, Verdict
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.work import Outcome, Raised, Returned

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
    made = Call(1, handled, Waiter(1, b'"1"', 0.0, None), {}, b"{}")
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


class TestHandlers:
    @pytest.mark.parametrize(("method", "lookup", "value", "step"), RETURNED)
    def test_a_result(self, method: str, lookup: bool, value: Any, step: Step) -> None:
        assert after_run(call(method, lookup=lookup), Returned(value)) == step

    @pytest.mark.parametrize(("method", "lookup", "raised", "step"), RAISED)
    def test_an_exception(
        self, method: str, lookup: bool, raised: BaseException, step: Step
    ) -> None:
        assert after_run(call(method, lookup=lookup), Raised(raised)) == step

    @pytest.mark.parametrize("value", [None, Unencodable(), MISFIT])
    def test_a_read_without_a_usable_result_is_an_error(self, value: object) -> None:
        step = after_run(call(READ), Returned(value))
        assert isinstance(step, Reply)
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
        fault = "Object missing required field `status` - at `$`"
        assert step == Keep(RowState.SUCCEEDED, MISFIT_JSON, fault)

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
        assert step == Withhold("it was booked, but neither a lookup nor the first answer is there")

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


class TestRereading:
    """The row as it is after its handler, which may have committed it itself."""

    @staticmethod
    def reread(otherwise: ErrorObject | None, *, lookup: bool = False) -> Call:
        made = call(MONEY, lookup=lookup)
        made.rereading = Reread("nobody knows", otherwise)
        return made

    @pytest.mark.parametrize("otherwise", [None, REFUSAL])
    def test_a_success_stands(self, otherwise: ErrorObject | None) -> None:
        came = found(Verdict.SUCCEEDED, answer=ORDER_JSON)
        assert after_reread(self.reread(otherwise), came) == Reply(ORDER_JSON)
        asked = after_reread(self.reread(otherwise, lookup=True), came)
        assert asked == AskAgain(ORDER_JSON, LOOKUP)

    @pytest.mark.parametrize("verdict", set(Verdict) - {Verdict.SUCCEEDED})
    def test_anything_else_leaves_it_at_what_it_was(self, verdict: Verdict) -> None:
        came = found(verdict, answer=b"{}")
        assert after_reread(self.reread(None), came) == Withhold("nobody knows")
        assert after_reread(self.reread(REFUSAL), came) == Reply(REFUSAL)

    @pytest.mark.parametrize("otherwise", [None, REFUSAL])
    def test_a_journal_that_cannot_be_read_leaves_it_unknown(
        self, otherwise: ErrorObject | None
    ) -> None:
        step = after_begin_failed(self.reread(otherwise), fresh=False)
        assert step == Withhold("nobody knows")

    def test_a_store_that_does_not_say_what_it_has_done_leaves_it_unknown(self) -> None:
        step = after_reread(call(MONEY), found(Verdict.BEGUN))
        assert step == Withhold("the journal has not kept it")

    def test_where_nobody_waits_no_answer_is_looked_up(self) -> None:
        made = self.reread(None, lookup=True)
        made.waiters = []
        step = after_reread(made, found(Verdict.SUCCEEDED))
        assert step == Withhold("nobody waits for the answer", unknown=False)


class TestLookups:
    @staticmethod
    def asked(why: Asking, outcome: Outcome, method: str = MONEY) -> Step:
        made = call(method, lookup=True)
        made.asking = why
        return after_ask(made, outcome)

    @pytest.mark.parametrize("why", [Asking.FAILED, Asking.REDELIVERED])
    def test_what_it_finds_is_a_success(self, why: Asking) -> None:
        assert self.asked(why, Returned(ORDER)) == Keep(RowState.SUCCEEDED, ORDER_JSON)

    @pytest.mark.parametrize("why", [Asking.UNCOMMITTED, Asking.UNLISTED])
    def test_what_it_finds_without_a_journal_is_answered(self, why: Asking) -> None:
        assert self.asked(why, Returned(ORDER)) == Reply(ORDER_JSON)

    @pytest.mark.parametrize("why", Asking)
    def test_what_it_finds_is_booked_even_if_it_misfits(self, why: Asking) -> None:
        step = self.asked(why, Returned(MISFIT))
        assert isinstance(step, Keep | Reply)
        assert (step.content, bool(step.fault)) == (MISFIT_JSON, True)

    @pytest.mark.parametrize(
        ("why", "step"),
        [
            (Asking.FAILED, Forget(error_object(NOT_DONE))),
            (Asking.UNCOMMITTED, Forget(error_object(NOT_DONE))),
            (Asking.UNLISTED, error(NOT_DONE)),
            (Asking.REDELIVERED, RunHandler(redelivered=True)),
        ],
    )
    def test_what_it_does_not_find_was_not_done(self, why: Asking, step: Step) -> None:
        assert self.asked(why, Returned(None)) == step

    @pytest.mark.parametrize("why", Asking)
    @pytest.mark.parametrize("raised", [BOOM, Raised(NotFound("no such order"))])
    def test_one_that_raises_has_said_nothing(self, why: Asking, raised: Raised) -> None:
        which = "what is to settle it" if why is Asking.UNRESOLVED else "its lookup"
        assert self.asked(why, raised) == Withhold(f"{which} raised")

    @pytest.mark.parametrize("why", set(Asking) - {Asking.UNRESOLVED})
    @pytest.mark.parametrize("value", [False, True, 0, "", [], Unencodable()])
    def test_one_that_returns_no_result_has_said_nothing(self, why: Asking, value: object) -> None:
        step = self.asked(why, Returned(value))
        assert step == Withhold("its lookup returned neither a result nor None")

    @pytest.mark.parametrize(
        ("value", "step"),
        [
            (ORDER, Keep(RowState.SUCCEEDED, ORDER_JSON)),
            (MISFIT, Keep(RowState.SUCCEEDED, MISFIT_JSON, MISFIT_FAULT)),
            (True, Keep(RowState.SUCCEEDED, b"{}")),
            (False, Forget(error_object(NOT_DONE))),
            (None, Withhold("nobody knows yet", unknown=False)),
            (0, Withhold(UNSETTLED)),
            (Unencodable(), Withhold(UNSETTLED)),
        ],
    )
    def test_what_is_unresolved_can_be_settled(self, value: object, step: Step) -> None:
        assert self.asked(Asking.UNRESOLVED, Returned(value)) == step

    def test_for_a_repeat_it_gives_the_state_of_now(self) -> None:
        made = call(MONEY, lookup=True)
        made.stored = b'{"id":"then"}'
        assert after_ask_again(made, Returned(ORDER)) == Reply(ORDER_JSON, repeat=True)

    @pytest.mark.parametrize("stored", [b"", ORDER_JSON])
    def test_for_a_repeat_too_if_it_misfits(self, stored: bytes) -> None:
        made = call(MONEY, lookup=True)
        made.stored = stored
        step = after_ask_again(made, Returned(MISFIT))
        assert isinstance(step, Reply)
        assert (step.content, step.repeat, bool(step.fault)) == (MISFIT_JSON, True, True)

    @pytest.mark.parametrize("outcome", [BOOM, Raised(CONFLICT), Returned(None), Returned(False)])
    def test_the_first_answer_is_second_best(self, outcome: Outcome) -> None:
        made = call(MONEY, lookup=True)
        made.stored = ORDER_JSON
        assert after_ask_again(made, outcome) == Reply(ORDER_JSON, repeat=True)
        made.stored = b""
        assert after_ask_again(made, outcome) == Withhold(
            "it was booked, but its lookup gives no answer"
        )

    @pytest.mark.parametrize(("stored", "sent"), [(b"", b"{}"), (ORDER_JSON, ORDER_JSON)])
    def test_what_was_booked_is_a_success_even_if_the_lookup_finds_what_json_cannot_carry(
        self, stored: bytes, sent: bytes
    ) -> None:
        made = call(MONEY, lookup=True)
        made.stored = stored
        step = after_ask_again(made, Returned(Unencodable()))
        assert isinstance(step, Reply)
        assert (step.content, step.repeat) == (sent, True)
        assert step.fault


def test_the_methods_of_these_tests_are_of_their_kinds() -> None:
    kinds = [BY_NAME[name].kind for name in (READ, CHANGE, EMPTY, MONEY)]
    assert kinds == [Kind.READ, Kind.CHANGE, Kind.CHANGE, Kind.MONEY]
