"""Repeats: what joins, what is replayed, what runs again, and what is simply another request."""

from typing import TYPE_CHECKING, Any

import pytest
from tests.proto.till import an_order

from dojo_proto.errors import Conflict, UnexpectedError
from dojo_proto.events import (
    ContentDiffers,
    OutcomeUnknown,
    PaymentUnconfirmed,
    RequestFinished,
    RequestOutcome,
)
from dojo_proto.receipts import UNCONFIRMED_AFTER
from dojo_proto.work import Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Books, Till

ORDER = an_order("o")
DAY = 86400.0


class TestJoining:
    @pytest.mark.parametrize("request_id", ["1", "another"])
    def test_the_same_payment_waits_for_the_first(self, till: "Till", request_id: str) -> None:
        till.pay("1")
        till.pay(request_id)
        till.booked()
        assert [(a["id"], a["result"]) for a in till.answers()] == [
            ("1", ORDER),
            (request_id, ORDER),
        ]
        assert till.at_rest()

    def test_the_same_id_method_and_content_waits_for_the_first(self, till: "Till") -> None:
        till.lock("1")
        till.lock("1")
        till.booked()
        assert len(till.answers()) == 2
        assert till.at_rest()

    @pytest.mark.parametrize("step", range(4))
    def test_at_any_time_before_the_answer(self, till: "Till", step: int) -> None:
        till.pay("1")
        if step > 0:
            till.begin()
        if step > 1:
            till.returns(ORDER)
        if step > 2:
            till.reconnect()
        till.pay("2")
        if step < 1:
            till.begin()
        if step < 2:
            till.returns(ORDER)
        till.commit()
        assert "2" in [answer["id"] for answer in till.answers()]
        assert till.at_rest()

    def test_an_error_is_everybodys(self, till: "Till") -> None:
        till.pay("1")
        till.pay("2")
        till.begin()
        till.raises(Conflict("order is closed"))
        till.commit()
        assert [a["error"]["errorType"] for a in till.answers()] == ["Conflict"] * 2

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ({"id": "1"}, {"id": "2"}),  # another id
            ({"id": "1", "lock": "l"}, {"id": "1", "lock": "m"}),  # other content
            ({"id": 1}, {"id": "1"}),
            ({"id": None}, {"id": None}),
        ],
    )
    def test_without_a_natural_key_anything_else_is_another_request(
        self, till: "Till", first: dict[str, Any], second: dict[str, Any]
    ) -> None:
        for asked in (first, second):
            identity = {"id": asked["id"]}
            params = {"orderId": "o", "lockId": asked.get("lock", "l")}
            till.send(
                {"jsonrpc": "2.0", "method": "CreateOrderLockV1", "params": params, **identity}
            )
        for _ in range(2):
            till.booked()
        assert len(till.answers()) == 2
        assert till.at_rest()

    def test_the_same_id_with_another_payment_is_another_request(self, till: "Till") -> None:
        till.pay("1", intent="a")
        till.pay("1", intent="b")
        till.booked(an_order("a"))
        till.booked(an_order("b"))
        assert [answer["result"]["id"] for answer in till.answers()] == ["a", "b"]

    def test_another_amount_joins_with_an_alarm(self, till: "Till") -> None:
        till.pay("1", amount=100)
        till.pay("2", amount=101)
        assert [e.key for e in till.heard(ContentDiffers)] == ["RecordOrderPaymentById/o/p"]
        till.booked()
        assert [answer["result"] for answer in till.answers()] == [ORDER, ORDER]

    def test_the_same_content_is_no_alarm(self, till: "Till") -> None:
        till.pay("1")
        till.pay("2")
        till.booked()
        till.pay("3")
        till.begin()
        assert len(till.answers()) == 3
        assert till.heard(ContentDiffers) == []

    def test_there_is_room_for_as_many_as_may_wait(self, new_till: "type[Till]") -> None:
        till = new_till(max_queued=2)
        for request_id in range(5):
            till.pay(request_id)
        till.booked()
        assert [answer["id"] for answer in till.answers()] == [0, 1, 2]
        withheld = [e for e in till.heard(RequestFinished) if e.outcome is RequestOutcome.WITHHELD]
        assert [event.request_id for event in withheld] == ["3", "4"]
        assert till.at_rest()


class TestReplaying:
    @pytest.mark.parametrize("request_id", ["1", "another"])
    def test_a_payment_is_answered_with_the_first_answer(
        self, till: "Till", request_id: str
    ) -> None:
        till.pay()
        till.booked()
        till.answers()
        till.wait(7 * DAY - 0.001)
        till.pay(request_id)
        till.begin()
        assert till.answer() == {"jsonrpc": "2.0", "id": request_id, "result": ORDER}
        assert till.heard(RequestFinished)[-1].outcome is RequestOutcome.REPEAT
        assert till.at_rest()

    def test_a_payment_that_was_told_of_as_unconfirmed_is_not_followed_again(
        self, till: "Till"
    ) -> None:
        till.pay()
        till.booked()
        till.wait(UNCONFIRMED_AFTER)
        till.pay("2")
        till.begin()
        assert till.dispatch.receipts.unconfirmed == 0
        till.wait(UNCONFIRMED_AFTER)
        assert len(till.heard(PaymentUnconfirmed)) == 1

    def test_with_a_lookup_it_is_answered_with_the_state_of_now(
        self, new_till: "type[Till]"
    ) -> None:
        till = new_till(lookup=True)
        till.pay()
        till.booked()
        till.answers()
        till.pay("2")
        till.begin()
        till.returns(an_order("o", payable=False))
        assert till.answer()["result"] == an_order("o", payable=False)
        assert till.at_rest()

    @pytest.mark.parametrize("outcome", [None, RuntimeError(), Conflict()])
    def test_a_lookup_without_an_answer_leaves_a_booked_payment_unanswered(
        self, new_till: "type[Till]", outcome: Exception | None
    ) -> None:
        till = new_till(lookup=True)
        till.pay()
        till.booked()
        till.answers()
        till.pay("2")
        till.begin()
        if outcome is None:
            till.returns(None)
        else:
            till.raises(outcome)
        assert till.answers() == []
        assert len(till.heard(OutcomeUnknown)) == 1
        assert till.at_rest()

    def test_an_answer_that_was_kept_stands_in_for_a_lookup_that_came_later_and_gives_none(
        self, new_till: "type[Till]", books: "Books"
    ) -> None:
        before = new_till(disk=books)
        before.pay()
        before.booked()
        till = new_till(disk=books, lookup=True)
        till.pay("2")
        till.begin()
        till.raises(RuntimeError("boom"))
        assert till.answer()["result"] == ORDER
        assert till.at_rest()

    def test_the_lookup_gets_the_key_of_the_first_run(self, new_till: "type[Till]") -> None:
        till = new_till(lookup=True)
        till.lock()
        till.begin()
        first = till.take(Run)
        till.returns(ORDER, first)
        till.commit()
        till.lock()
        till.begin()
        assert till.take(Run).context.idempotency_key == first.context.idempotency_key

    def test_after_seven_days_a_natural_key_is_new(self, till: "Till") -> None:
        till.pay()
        till.booked()
        till.wait(7 * DAY)
        till.pay()
        till.begin()
        assert till.take(Run).context.redelivered is False

    def test_by_id_a_success_is_remembered_for_120_seconds(self, till: "Till") -> None:
        till.lock()
        till.booked()
        till.answers()
        till.wait(119.999)
        till.lock()
        till.begin()
        assert till.answer()["result"] == ORDER
        till.wait(0.001)
        till.lock()
        till.begin()
        assert till.take(Run).context.redelivered is False

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_a_refusal_is_remembered_by_id_for_120_seconds(self, till: "Till", ask: str) -> None:
        getattr(till, ask)("1")
        till.begin()
        till.raises(Conflict("not now"))
        till.commit()
        refused = till.answer()
        till.wait(119.999)
        getattr(till, ask)("1")
        till.begin()
        assert till.answer() == refused
        till.wait(0.001)
        getattr(till, ask)("1")
        till.begin()
        assert till.take(Run).context.redelivered is False

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_under_another_id_a_refusal_is_not_remembered(self, till: "Till", ask: str) -> None:
        getattr(till, ask)("1")
        till.begin()
        till.raises(Conflict("not now"))
        till.commit()
        getattr(till, ask)("2")
        till.booked()
        assert [("error" in answer) for answer in till.answers()] == [True, False]

    @pytest.mark.parametrize("ask", ["pay", "lock", "party"])
    def test_an_unexpected_error_is_never_remembered(self, till: "Till", ask: str) -> None:
        getattr(till, ask)("1")
        till.begin()
        till.raises(UnexpectedError("database is down"))
        till.abort()
        getattr(till, ask)("1")
        till.begin()
        assert till.take(Run).context.redelivered is False

    def test_null_never_repeats(self, till: "Till") -> None:
        for _ in range(2):
            till.send({"jsonrpc": "2.0", "id": None, "method": "CancelOrderByIdV1", "params": {}})
            till.booked()
        assert len(till.answers()) == 2

    def test_rejections_are_never_remembered(self, till: "Till") -> None:
        till.ask("RecordOrderPaymentByIdV1", {"orderId": "o"})
        assert till.answer()["error"]["code"] == -32602
        till.pay("1")
        till.booked()
        assert till.answer()["result"] == ORDER

    def test_another_amount_is_never_booked_and_raises_an_alarm(self, till: "Till") -> None:
        till.pay("1", amount=100)
        till.booked()
        till.answers()
        till.pay("2", amount=101)
        till.begin()
        assert till.answer()["result"] == ORDER
        assert [e.key for e in till.heard(ContentDiffers)] == ["RecordOrderPaymentById/o/p"]
        assert till.idle

    def test_of_a_party_any_other_content_raises_the_alarm(self, till: "Till") -> None:
        till.party("1", name="Ada")
        till.booked({"id": "party"})
        till.party("2", name="Bea")
        till.begin()
        assert [answer["result"] for answer in till.answers()] == [{"id": "party"}] * 2
        assert [e.key for e in till.heard(ContentDiffers)] == ["CreateParty/d"]
