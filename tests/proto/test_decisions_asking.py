"""What follows when a row is read anew, or a `lookup` or the settler of open rows is asked."""

import pytest
from tests.proto.kinds import (
    BOOM,
    CONFLICT,
    LOOKUP,
    MISFIT,
    MISFIT_FAULT,
    MISFIT_JSON,
    MONEY,
    ORDER,
    ORDER_JSON,
    REFUSAL,
    UNSETTLED,
    Unencodable,
    call,
    error,
    found,
)

from dojo_proto.call import Call
from dojo_proto.decisions import (
    NOT_DONE,
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
    after_begin_failed,
    after_reread,
    error_object,
)
from dojo_proto.errors import NotFound
from dojo_proto.journal import RowState, Verdict
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.work import Outcome, Raised, Returned


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
            "the journal has it as booked, but its lookup gives no answer"
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
