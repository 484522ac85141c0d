"""What goes wrong on purpose: what may be asked for, and what an EPOS then sees."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any

import pytest

from dojo_proto.connection import Ended, Open
from dojo_proto.events import Cause
from dojo_simulator import (
    CallTimedOut,
    ConnectionEnded,
    Fault,
    FaultKind,
    LocalGateway,
    RetryPolicy,
    SimulatorError,
)
from dojo_simulator.events import FaultInjected, ObserverEvent
from dojo_simulator.faults import Faults, parse_fault
from dojo_simulator.session import Session

Serve = Callable[..., Any]
PAY = "RecordOrderPaymentByIdV1"


# What may be asked for.


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("duplicate", Fault("duplicate", times=None)),
        ("delay", Fault("delay", value=1, times=None)),
        ("delay=0.5", Fault("delay", value=0.5, times=None)),
        ("fragment=1:*", Fault("fragment", value=1, times=None)),
        ("close=4000:GetOrderBill", Fault("close", "GetOrderBillByIdV1", value=4000, times=None)),
        (
            "drop-before-answer:RecordOrderPaymentById:0.1",
            Fault("drop-before-answer", PAY, probability=0.1, times=None),
        ),
        ("drop-after-request::0.5", Fault("drop-after-request", probability=0.5, times=None)),
        ("silent:MakeTeaV9", Fault("silent", "MakeTeaV9", times=None)),
        ("refuse", Fault("refuse", value=503, times=None)),
        ("refuse=429/7:*:1", Fault("refuse", value=429, retry_after=7, times=None)),
    ],
)
def test_a_fault_on_the_command_line(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("explode", "expected one of delay, fragment, .*; got 'explode'"),
        ("", "got ''"),
        ("delay=soon", "expected a number, got 'soon'"),
        ("delay=inf", "expected a number, got 'inf'"),
        ("delay=nan", "expected a number, got 'nan'"),
        ("delay=-1", "delay: expected 0 to 3600 seconds, got -1"),
        ("drop-after-request=9999", "expected 0 to 3600 seconds, got 9999"),
        ("duplicate=2", "duplicate: it has no value, got 2"),
        ("fragment=0", "expected 1 byte or more, got 0"),
        ("fragment=1.5", r"expected 1 byte or more, got 1\.5"),
        ("close=1006", "expected a close code that may be sent, got 1006"),
        ("refuse=200", "expected a status from 300 to 599, got 200"),
        ("refuse=429/-1", "expected retry_after in seconds, got -1"),
        ("refuse=429:GetOrderById", "it happens to upgrades, so it has no method"),
        ("delay=1/7", "only a refusal has retry_after"),
        ("silent:*:0", "expected a probability over 0, up to 1; got 0"),
        ("silent:*:2", "expected a probability over 0, up to 1; got 2"),
        ("silent:*:1:1", "expected KIND"),
        ("delay=1:Nope", "unknown method 'Nope' .*by its wire name"),
        ("delay=1:GetOrderByID", "unknown method 'GetOrderByID'; did you mean 'GetOrderById'"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(SimulatorError, match=said):
        parse_fault(text)


def test_a_fault_happens_at_least_once() -> None:
    with pytest.raises(SimulatorError, match="expected it to happen at least once, got 0 times"):
        Fault("silent", times=0)


def test_faults_happen_in_order_to_what_they_fit_and_as_often_as_they_say() -> None:
    first, second = Fault("delay", "GetOrderById", times=2), Fault("duplicate")
    refuse = Fault("refuse")
    faults = Faults([first, second, refuse])
    assert faults.of_call("ListAreasV1") == second
    assert faults.of_call("ListAreasV1") is None
    assert [faults.of_call("GetOrderByIdV1") for _ in range(3)] == [first, first, None]
    assert faults.of_upgrade() == refuse
    assert faults.of_upgrade() is None


def test_chances_come_out_the_same_with_the_same_seed() -> None:
    fault = Fault("duplicate", probability=0.25, times=None)

    def drawn(seed: int) -> list[bool]:
        faults = Faults([fault], seed=seed)
        return [faults.of_call("ListAreasV1") is not None for _ in range(400)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 60 < sum(drawn(1)) < 140


# What an EPOS sees.


def _start(gateway: LocalGateway, fault: Fault, **more: Any) -> Any:
    return gateway.wait_for_epos().start_call(PAY, {"orderId": "7"}, fault=fault, **more)


def test_no_call_is_refused(gateway: LocalGateway, serve: Serve) -> None:
    serve(gateway.url)
    with pytest.raises(SimulatorError, match="refuse: that happens to upgrades, and not to a call"):
        _start(gateway, Fault("refuse"))


@pytest.fixture
def later(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Have what is to be later wait for this, which returns how many seconds it was to be."""
    held: SimpleQueue[tuple[float, Callable[..., None]]] = SimpleQueue()
    wait = Session.later

    def hold(session: Session, seconds: float, *step: Any) -> None:
        held.put((seconds, partial(wait, session, 0.0, *step)))

    def let_go() -> float:
        seconds, go_on = held.get(timeout=5)
        gateway._loop.call(go_on)
        return seconds

    monkeypatch.setattr(Session, "later", hold)
    return let_go


def test_a_delayed_request_leaves_late(
    gateway: LocalGateway, serve: Serve, later: Callable[[], float]
) -> None:
    epos = serve(gateway.url)
    late = _start(gateway, Fault("delay", value=0.05))
    in_time = gateway.wait_for_epos().start_call("ListAreasV1")
    assert epos.read_request()["id"] == in_time.id
    assert later() == 0.05
    request = epos.read_request()
    assert request["id"] == late.id
    epos.answer(request, {})
    assert late.wait().result == {}


def test_a_delayed_request_whose_connection_is_gone_is_never_sent(
    gateway: LocalGateway, serve: Serve, later: Callable[[], float]
) -> None:
    serve(gateway.url)
    late = _start(gateway, Fault("delay", value=0.05))
    gateway.wait_for_epos().drop()
    later()
    with pytest.raises(ConnectionEnded, match="was not sent"):
        late.wait()


def test_a_fragmented_request_is_whole_again_at_the_other_end(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    call = gateway.wait_for_epos().start_call(
        PAY, {"orderId": "café" * 100}, fault=Fault("fragment", value=3)
    )
    request = epos.read_request()
    assert request["params"] == {"orderId": "café" * 100}
    epos.answer(request, {})
    assert call.wait().result == {}


def test_a_duplicate_comes_twice_and_the_first_answer_counts(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    call = _start(gateway, Fault("duplicate"))
    first, second = epos.read_request(), epos.read_request()
    assert first == second
    epos.answer(first, {"n": 1})
    epos.answer(second, {"n": 2})
    assert call.wait().result == {"n": 1}
    again = gateway.wait_for_epos().start_call("ListAreasV1")
    epos.answer(epos.read_request(), [])
    assert again.wait().result == []


def test_a_drop_after_the_request_leaves_the_outcome_open(
    gateway: LocalGateway, serve: Serve, later: Callable[[], float]
) -> None:
    epos = serve(gateway.url)
    call = _start(gateway, Fault("drop-after-request", value=0.05))
    assert epos.read_request()["id"] == call.id
    assert later() == 0.05
    with pytest.raises(ConnectionEnded, match="aborted"):
        call.wait()
    assert epos.read_end().cause is Cause.LOST


def test_a_drop_before_the_answer_loses_it(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    call = _start(gateway, Fault("drop-before-answer"))
    epos.answer(epos.read_request(), {})
    with pytest.raises(ConnectionEnded, match="aborted"):
        call.wait()


def test_a_drop_after_the_answer_loses_the_connection_alone(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    call = _start(gateway, Fault("drop-after-answer"))
    epos.answer(epos.read_request(), {"id": "7"})
    assert call.wait().result == {"id": "7"}
    assert gateway.connections[0].wait_closed().cause is Cause.ABORTED


def test_a_close_comes_behind_the_request(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    call = _start(gateway, Fault("close", value=4001))
    assert epos.read_request()["id"] == call.id
    end = epos.read_end()
    assert (end.cause, end.code) == (Cause.PEER_CLOSED, 4001)
    with pytest.raises(ConnectionEnded, match="4001"):
        call.wait()


def test_silence_begins_behind_the_request(gateway: LocalGateway, serve: Serve) -> None:
    epos = serve(gateway.url)
    call = _start(gateway, Fault("silent"), timeout=0.05)
    epos.answer(epos.read_request(), {})
    with pytest.raises(CallTimedOut):
        call.wait(0.1)
    assert gateway.connections[0].is_open


def test_an_upgrade_is_refused_with_retry_after(gateway: LocalGateway, connect: Serve) -> None:
    gateway.inject(Fault("refuse", value=429, retry_after=7))
    refused = connect(gateway.url).opening
    assert isinstance(refused, Ended)
    assert (refused.status, refused.retry_after) == (429, 7)
    assert isinstance(connect(gateway.url).opening, Open)


# How they are asked for.


def test_what_is_injected_happens_to_the_next_call_that_it_fits(serve: Serve) -> None:
    told: SimpleQueue[ObserverEvent] = SimpleQueue()
    with (
        ThreadPoolExecutor() as threads,
        LocalGateway(on_event=told.put, close_timeout=0.01) as gateway,
    ):
        epos = serve(gateway.url)
        gateway.wait_for_epos()
        gateway.inject(Fault(FaultKind.DROP_BEFORE_ANSWER, "RecordOrderPaymentById"))
        areas = threads.submit(gateway.call, "ListAreas")
        epos.answer(epos.read_request(), [])
        assert areas.result(5).attempts == 1
        paid = threads.submit(gateway.call, PAY, {"orderId": "7"}, retry=RetryPolicy(delay=0))
        request = epos.read_request()
        epos.answer(request, {"id": "7"})
        again = serve(gateway.url)
        repeated = again.read_request()
        assert repeated == request
        again.answer(repeated, {"id": "7"})
        assert paid.result(5).attempts == 2
        told_of = next(e for e in iter(told.get, None) if isinstance(e, FaultInjected))
        assert told_of == FaultInjected(
            connection=1, fault="drop-before-answer", id=request["id"], method=PAY
        )


def test_a_fault_of_one_call_goes_wrong_with_its_first_attempt_alone(
    gateway: LocalGateway, serve: Serve
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    with ThreadPoolExecutor() as threads:
        paid = threads.submit(
            gateway.call,
            PAY,
            {"orderId": "7"},
            retry=RetryPolicy(delay=0),
            fault=Fault("drop-before-answer"),
        )
        epos.answer(epos.read_request(), {"id": "7"})
        again = serve(gateway.url)
        again.answer(again.read_request(), {"id": "7"})
        assert paid.result(5).attempts == 2


def test_faults_from_the_start_go_on_until_they_are_cleared(serve: Serve) -> None:
    faults = [Fault("duplicate", times=None)]
    with LocalGateway(faults=faults, close_timeout=0.01) as gateway:
        epos = serve(gateway.url)
        connection = gateway.wait_for_epos()
        for _ in range(2):
            call = connection.start_call("ListAreasV1")
            assert epos.read_request() == epos.read_request()
            assert not call.done
        gateway.clear_faults()
        last = connection.start_call("ListAreasV1")
        assert epos.read_request()["id"] == last.id
        epos.answer({"id": last.id}, [])
        assert last.wait().result == []
