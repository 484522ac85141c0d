"""What cannot be checked is skipped, and says what is missing."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
from tests.simulator.check.conftest import Judge

from dojo_proto import ConfigurationError, Context, Epos, NotFound
from dojo_proto.contract import GetOrderByIdParams, SearchOrdersParams
from dojo_simulator.check import CHECKS, Bench, Given, Verdict, chosen, make
from dojo_simulator.restaurant import epos

SMALL = Epos(software_house_id="acme")


@SMALL.on("SearchOrders")
def _search(_ctx: Context, _params: SearchOrdersParams) -> dict[str, Any]:
    return {"data": []}


@SMALL.on("GetOrderById")
def _get(_ctx: Context, _params: GetOrderByIdParams) -> dict[str, Any]:
    raise NotFound("there are no orders")


def test_an_epos_that_has_little_fails_nothing(host: Callable[..., Bench]) -> None:
    findings = make(host(SMALL, till=None), CHECKS)
    assert [
        f"{each.check.id}: {each.said}" for each in findings if each.verdict is Verdict.FAILED
    ] == []
    skipped = {each.check.id: each.said for each in findings if each.verdict is Verdict.SKIPPED}
    assert skipped["PAY-1"] == "not implemented: RecordOrderPaymentById"
    assert "SearchOrders finds no order" in skipped["ORD-1"]
    assert {"CON-1", "CON-8", "ORD-8", "ORD-11", "ENV-2"}.isdisjoint(skipped)


def test_nobody_works_the_till(judge: Judge) -> None:
    finding = judge(epos, "LCK-9", till=None)
    assert finding.verdict is Verdict.SKIPPED
    assert finding.said == "nobody does this at the till: unlock; name TillActions with --till"


@pytest.mark.parametrize("check", ["LCK-1", "PAY-2", "ORD-2", "ORD-10", "ONP-5", "PAY-4"])
def test_without_a_till_orders_are_looked_for(check: str, judge: Judge) -> None:
    assert judge(epos, check, till=None).verdict is Verdict.PASSED


def test_orders_may_be_named(judge: Judge) -> None:
    finding = judge(epos, "PAY-1", till=None, given=Given(orders=("order-2",)))
    assert finding.verdict is Verdict.PASSED
    assert '"orderId": "order-2"' in finding.exchanges[0].sent


def test_an_order_that_is_named_and_not_there_fails(judge: Judge) -> None:
    finding = judge(epos, "PAY-1", till=None, given=Given(orders=("order-99",)))
    assert finding.verdict is Verdict.FAILED
    assert "NotFound" in finding.said


def test_an_order_that_is_paid_up_is_of_no_use(host: Callable[..., Bench]) -> None:
    bench = host(epos, till=None, given=Given(orders=("order-2",)))
    first, second = (make(bench, chosen(["PAY-1"]))[0] for _ in range(2))
    assert first.verdict is Verdict.PASSED
    assert second.verdict is Verdict.SKIPPED
    assert "--order" in second.said


def test_an_item_may_be_named(judge: Judge) -> None:
    item = {
        "plu": "nothing-like-it",
        "name": "?",
        "quantity": 1,
        "amountPerItem": {"value": 1, "currencyCode": "GBP"},
    }
    finding = judge(epos, "ONP-1", given=Given(item=item))
    assert finding.verdict is Verdict.FAILED
    assert "nothing-like-it" in finding.exchanges[-1].sent


def test_a_check_that_does_not_exist() -> None:
    with pytest.raises(ConfigurationError, match=r"there is no check PAY-99"):
        chosen(["pay-1", "PAY-99"])


def test_checks_are_made_in_their_own_order() -> None:
    assert [check.id for check in chosen(["env-1", "CON-1"])] == ["CON-1", "ENV-1"]


def test_without_a_rest_side(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "dojo_simulator.rest", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert judge(epos, "ORD-11").verdict is Verdict.PASSED
    finding = judge(epos, "CAP-2")
    assert finding.verdict is Verdict.SKIPPED
    assert "pip install 'dojo-proto[simulator]'" in finding.said
