"""Whatever an EPOS or a till does, the run goes on, and the API key stays secret."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.check.conftest import Judge
from tests.simulator.check.spoilt import Right, Spoilt

from dojo_proto import Context, Epos, NotFound
from dojo_proto.contract import GetOrderByIdParams, Order
from dojo_simulator.check import Bench, Verdict, chosen, make
from dojo_simulator.check.answers import Answer
from dojo_simulator.check.framework import Failed
from dojo_simulator.restaurant import Restaurant, Staff, epos


def test_a_till_that_raises_fails_the_check_alone(host: Callable[..., Bench]) -> None:
    class Broken(Staff):
        def new_order(self, table_id: str | None = None) -> str:
            raise OSError(f"no paper at {table_id}")

    with Restaurant() as restaurant:
        bench = host(epos, state=restaurant, till=Broken(restaurant))
        unknown, paid = make(bench, chosen(["PAY-1", "ORD-11"]))
    assert paid.verdict is Verdict.FAILED
    assert "OSError: no paper at None" in paid.said
    assert unknown.verdict is Verdict.PASSED


def test_a_key_that_the_epos_repeats_is_cut_out(judge: Judge) -> None:
    indiscreet = Epos(software_house_id="acme")

    @indiscreet.on("GetOrderById")
    def get(_ctx: Context, _params: GetOrderByIdParams) -> Order:
        raise NotFound("Basic sk_sandbox_check is my key")

    finding = judge(indiscreet, "ORD-11")
    assert finding.verdict is Verdict.PASSED
    assert "is my key" in finding.exchanges[0].came
    assert "sk_sandbox_check" not in repr(finding)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({}, "expected the member data, got {}; is a return missing?"),
        ({"rows": [], "total": 3}, "expected the member data, got only rows, total"),
        ({"data": [{"name": "Table 7"}]}, r"expected the member data\[0\].id, got only name"),
        ({"data": [{"id": {}}]}, r"expected the member data\[0\].id.value, got {}; is a return"),
    ],
)
def test_a_member_that_is_not_there_is_told_with_what_is(result: object, said: str) -> None:
    answer = Answer(what="ListTables", envelope={"result": result}, seconds=0.0)
    with pytest.raises(Failed, match=f"^the result of ListTables: {said}"):
        _ = answer.object()["data"][0]["id"]["value"]


def test_a_payment_whose_handler_forgets_to_return_says_what_is_missing(judge: Judge) -> None:
    def forget(right: Right) -> Right:
        def pay(ctx: Context, params: Any) -> None:
            right(ctx, params)

        return pay

    finding = judge(Spoilt({"RecordOrderPaymentById": forget}), "PAY-4")
    assert finding.verdict is Verdict.FAILED
    assert finding.said == (
        "the result of RecordOrderPaymentById: expected the member id, got {}; is a return missing?"
    )
