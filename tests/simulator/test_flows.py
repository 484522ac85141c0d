"""Flows: played on the sample restaurant, and on an EPOS that answers as the test says."""

from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Event
from typing import Any

import msgspec
import pytest

from dojo_adapters.background import in_background
from dojo_proto import Settings
from dojo_simulator import CallTimedOut, ConnectionEnded, LocalGateway, Reply, SimulatorError
from dojo_simulator.errors import NoSuchFlow
from dojo_simulator.events import FlowFinished, ObserverEvent
from dojo_simulator.flow_scripts import FLOWS, Paying
from dojo_simulator.flows import Flows
from dojo_simulator.play import Flow, FlowResult, Play, Status
from dojo_simulator.restaurant import Restaurant, epos


def names(result: FlowResult) -> list[str]:
    return [step.name for step in result.steps]


def play(flows: Flows, name: str, **params: Any) -> FlowResult:
    return flows.wait(flows.start(name, params), 20)


# On the sample restaurant.


@pytest.fixture(scope="module")
def restaurant() -> Iterator[Flows]:
    with (
        Restaurant() as till,
        LocalGateway() as gateway,
        in_background(
            "threads",
            epos,
            Settings(
                api_key="sk_sandbox_x",
                url=gateway.url,
                api_url="http://127.0.0.1:9",
                backoff_initial=0.01,
                jitter=0,
            ),
            journal="memory:",
            state=till,
        ) as service,
    ):
        service.ready(10)
        yield Flows(gateway)


# The order matters: there are only so many orders to pay.
@pytest.mark.parametrize(
    "name",
    ["OrderAndPay", "CancelOrder", "Booking", "WalkIn", "PrintBill", "PayAtTable", "LostAnswer"],
)
def test_a_flow_succeeds_on_the_sample_restaurant(restaurant: Flows, name: str) -> None:
    result = play(restaurant, name)
    assert result.status is Status.SUCCESS, result.reason
    assert result.reason == ""
    assert all(step.status is Status.SUCCESS for step in result.steps)
    assert result.finished_at is not None
    assert result.started_at <= result.steps[0].started_at <= result.finished_at


def test_a_lost_answer_is_asked_for_again(restaurant: Flows) -> None:
    result = play(restaurant, "LostAnswer", tipsAmount=100)
    assert result.status is Status.SUCCESS, result.reason
    payment = next(step for step in result.steps if step.name == "RecordOrderPaymentById")
    assert "attempt 2" in payment.additional_information[0]


def test_an_order_is_paid_in_parts_under_a_lock(restaurant: Flows) -> None:
    made = play(restaurant, "PayAtTableWithLock", parts=3)
    assert made.status is Status.SUCCESS, made.reason
    assert names(made) == [
        "SearchOrders",
        "CreateOrderLock",
        "GetOrderById",
        "ExtendOrderLock",
        *("RecordOrderPaymentById", "Check paidAmount") * 3,
        "Check payable",
        "DeleteOrderLock",
    ]


def test_every_flow_has_a_name_of_its_own_and_params_that_may_all_be_left_out() -> None:
    assert len({flow.name for flow in FLOWS}) == len(FLOWS)
    for flow in FLOWS:
        assert msgspec.convert({}, flow.params) is not None
    known = Flows(LocalGateway()).known
    assert [each["flowName"] for each in known] == [flow.name for flow in FLOWS]


# On an EPOS that answers as the test says.


Answers = dict[str, Any]
ORDER = {
    "id": "7",
    "status": "New",
    "details": {"orderType": "DineIn", "dineIn": {}},
    "totalAmount": {"value": 1000, "currencyCode": "GBP"},
    "paidAmount": {"value": 0, "currencyCode": "GBP"},
    "payable": True,
}
PAID = ORDER | {"paidAmount": ORDER["totalAmount"], "payable": False}


class Scripted(LocalGateway):
    """Gives each method the one answer that the test has for it, or raises that."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = {
            "SearchOrders": {"data": [ORDER]},
            "GetOrderById": ORDER,
            "RecordOrderPaymentById": PAID,
            **answers,
        }
        self.asked: list[tuple[str, Any]] = []
        self.told: SimpleQueue[ObserverEvent] = SimpleQueue()

    def call(self, method: str, params: object = None, **_options: Any) -> Reply:
        self.asked.append((method, params))
        found = self.answers[method]
        if isinstance(found, Exception):
            raise found
        if "errorType" in found:
            return Reply(id="1", result=None, error=found, seconds=0.001)
        return Reply(id="1", result=found, error=None, seconds=0.001)

    def tell(self, event: ObserverEvent) -> None:
        self.told.put(event)


@pytest.mark.parametrize(
    ("answers", "status", "step", "said"),
    [
        (
            {"GetOrderById": {"errorType": "NotFound", "message": "no order 7"}},
            Status.FAILURE,
            "GetOrderById",
            "the EPOS refused: NotFound: no order 7",
        ),
        (
            {"GetOrderById": {"status": "New"}},
            Status.FAILURE,
            "GetOrderById",
            "the result does not fit: Object missing required field `details`",
        ),
        (
            {"GetOrderById": CallTimedOut("no answer")},
            Status.TIMED_OUT,
            "GetOrderById",
            "no answer",
        ),
        (
            {"RecordOrderPaymentById": ConnectionEnded("it has gone", ended=None)},
            Status.FAILURE,
            "RecordOrderPaymentById",
            "it has gone",
        ),
        (
            {"SearchOrders": {"data": []}},
            Status.FAILURE,
            "Choose an order",
            "the EPOS lists no payable order",
        ),
        (
            {"GetOrderById": {key: ORDER[key] for key in ("status", "details")}},
            Status.FAILURE,
            "Read totalAmount",
            "it is missing",
        ),
        (
            {"RecordOrderPaymentById": ORDER},
            Status.FAILURE,
            "Check paidAmount",
            "expected 1000, got 0",
        ),
        (
            {"RecordOrderPaymentById": PAID | {"payable": True}},
            Status.FAILURE,
            "Check payable",
            "expected False, got True",
        ),
    ],
)
def test_the_step_that_fails_ends_the_flow_and_says_why(
    answers: Answers, status: Status, step: str, said: str
) -> None:
    gateway = Scripted(answers)
    result = play(Flows(gateway), "PayAtTable")
    assert (result.status, result.steps[-1].status) == (status, status)
    assert result.steps[-1].name == step
    assert said in result.steps[-1].additional_information[-1]
    assert result.reason.startswith(f"{step}: ")
    assert result.finished_at is not None
    assert gateway.told.get(timeout=5) == FlowFinished(
        id=result.flow_id, name="PayAtTable", status=status, reason=result.reason
    )


@pytest.mark.parametrize(
    ("name", "answers", "step", "said"),
    [
        ("CancelOrder", {}, "Choose an item", "no order has any: give `items`"),
        (
            "WalkIn",
            {
                "SearchParties": {"data": []},
                "SearchTables": {"data": []},
            },
            "Choose a table",
            "none is free: give `tableId`",
        ),
    ],
)
def test_what_a_flow_needs_and_does_not_find_is_named(
    name: str, answers: Answers, step: str, said: str
) -> None:
    result = play(Flows(Scripted(answers)), name)
    assert (result.steps[-1].name, result.steps[-1].additional_information) == (step, (said,))


def test_a_given_order_is_the_one_that_is_paid() -> None:
    other = ORDER | {"id": "8"}
    gateway = Scripted({"SearchOrders": {"data": [ORDER, other]}, "GetOrderById": other})
    assert play(Flows(gateway), "PayAtTable", orderId="8").status is Status.SUCCESS
    assert gateway.asked[1][1].order_id == "8"
    failed = play(Flows(gateway), "PayAtTable", orderId="9")
    assert failed.reason == "Choose an order: the EPOS lists no payable order 9"


def test_an_order_costs_all_that_belongs_to_it() -> None:
    def money(value: int) -> dict[str, Any]:
        return {"value": value, "currencyCode": "EUR"}

    cheese = {"name": "cheese", "quantity": 2, "amountPerModifier": money(50), "plu": "3"}
    chips = {"name": "chips", "quantity": 1, "amountPerItem": money(300), "plu": "2"}
    menu = {
        "name": "menu",
        "quantity": 2,
        "amountPerItem": money(1000),
        "plu": "1",
        "subItems": [chips],
        "modifiers": [cheese],
    }
    gateway = Scripted({"CreateOrder": {"errorType": "Conflict", "message": "closed"}})
    play(Flows(gateway), "OrderAndPay", tableId="t1", items=[menu])
    [(_, created)] = gateway.asked
    assert (created.total_amount.value, created.total_amount.currency_code) == (2800, "EUR")


def test_a_result_has_the_shape_of_the_tester_api() -> None:
    result = play(Flows(Scripted({"SearchOrders": {"data": []}})), "PrintBill")
    shown = msgspec.to_builtins(result)
    assert set(shown) == {"flowID", "flowName", "status", "startedAt", "finishedAt", "steps"}
    assert set(shown["steps"][0]) == {
        "name",
        "status",
        "additionalInformation",
        "startedAt",
        "finishedAt",
    }


# Who plays them.


def flow(play: Callable[[Play, Any], None]) -> Flow:
    return Flow(name="Ours", description="Of a test.", params=Paying, play=play)


def test_a_flow_may_be_anybodys_and_its_own_faults_end_it() -> None:
    def stumble(_play: Play, _given: Paying) -> None:
        raise ZeroDivisionError("nothing to divide by")

    result = play(Flows(Scripted({}), [flow(stumble)]), "Ours")
    assert result.status is Status.FAILURE
    assert "ZeroDivisionError('nothing to divide by')" in result.reason


def test_a_flow_that_goes_on_is_in_progress_and_only_so_many_do() -> None:
    go_on = Event()

    def wait(play: Play, _given: Paying) -> None:
        with play.step("Wait") as say:
            say("for the test")
            go_on.wait(20)

    flows = Flows(Scripted({}), [flow(wait)])
    ids = [flows.start("Ours") for _ in range(16)]
    try:
        with pytest.raises(SimulatorError, match="16 flows are being played already"):
            flows.start("Ours")
        assert flows.result(ids[0]).status is Status.IN_PROGRESS
        assert flows.result(ids[0]).finished_at is None
    finally:
        go_on.set()
    assert all(flows.wait(id).status is Status.SUCCESS for id in ids)


def test_a_flow_that_does_nothing_succeeds() -> None:
    assert play(Flows(Scripted({}), [flow(lambda _play, _given: None)]), "Ours").reason == ""


def test_what_nobody_knows_is_not_played() -> None:
    flows = Flows(Scripted({}))
    with pytest.raises(SimulatorError, match=r"expected one of PayAtTable, .*; got 'Dance'"):
        flows.start("Dance")
    with pytest.raises(SimulatorError, match=r"params of PayAtTable: .* unknown field `order`"):
        flows.start("PayAtTable", {"order": "7"})
    with pytest.raises(NoSuchFlow, match="there is no flow with the id 'x'"):
        flows.wait("x")
