"""The registration: what is sent, when, and how often. Time is virtual."""

import json

import msgspec
import pytest
from tests.proto.registrars import (
    DONE,
    LATER,
    NEVER,
    READ,
    REFUSED,
    SERVED,
    WRITE,
    Dojo,
    listed,
    said,
    told,
)

from dojo_proto import ConfigurationError, LocalProtocolError, OrderUpdated
from dojo_proto.events import ApiCallFailed, Registered, Unregistered
from dojo_proto.registrar import TRANSITIONS, Phase
from dojo_proto.rest import Answer, Failure, RestOutcome


@pytest.fixture
def registering() -> Dojo:
    dojo = Dojo()
    dojo.registrar.register(SERVED)
    return dojo


def test_what_is_registered_already_is_left_alone(registering: Dojo) -> None:
    assert registering.registrar.registration == "pending"
    assert registering.play(listed("GetOrderBill", "SearchOrders")) == READ
    assert registering.next() == ""
    assert registering.registrar.registration == "done"
    assert registering.events == [Registered(capabilities=SERVED, changed=False)]


@pytest.mark.parametrize(
    "before",
    [
        listed(),
        listed("SearchOrders"),
        listed(*SERVED, "ListAreas"),
        listed(*SERVED, version="1.0.0"),
    ],
)
def test_what_has_changed_is_written_and_read_back(registering: Dojo, before: Answer) -> None:
    assert registering.play(before) == READ
    request = registering.registrar.next_request(registering.now)
    assert request is not None
    assert said(request) == WRITE
    assert [each["name"] for each in json.loads(request.body)["capabilities"]] == [*SERVED]
    registering.answer(DONE)
    assert registering.play(listed(*SERVED)) == READ
    assert registering.next() == ""
    assert registering.events == [Registered(capabilities=SERVED, changed=True)]
    assert registering.registrar.next_timer() is None


def test_what_dojo_did_not_take_is_an_alarm_and_not_written_again(registering: Dojo) -> None:
    registering.play(listed())
    registering.play(DONE)
    assert registering.play(listed("SearchOrders")) == READ
    assert registering.events == [Unregistered(capabilities=("GetOrderBillById",))]
    assert registering.next() == ""
    assert registering.registrar.registration == "done"


@pytest.mark.parametrize("cannot_be_read", [NEVER, Answer(url="", body=b"{}")])
def test_where_nothing_can_be_read_it_is_written(
    registering: Dojo, cannot_be_read: RestOutcome
) -> None:
    registering.play(cannot_be_read)
    assert registering.events == []
    assert registering.play(DONE) == WRITE


@pytest.mark.parametrize("cannot_be_read", [NEVER, Answer(url="", body=b"{}")])
def test_what_was_written_and_cannot_be_read_back_is_told(
    registering: Dojo, cannot_be_read: RestOutcome
) -> None:
    registering.play(listed())
    registering.play(DONE)
    registering.play(cannot_be_read)
    (failed,) = registering.events
    assert isinstance(failed, ApiCallFailed)
    assert failed.seconds is None
    assert registering.registrar.registration == "done"


@pytest.mark.parametrize("step", [0, 1, 2])
def test_each_step_is_tried_again_with_backoff(registering: Dojo, step: int) -> None:
    steps = [(READ, listed()), (WRITE, DONE), (READ, listed(*SERVED))]
    for call, outcome in steps[:step]:
        assert registering.play(outcome) == call
    call, outcome = steps[step]
    waited = []
    for _ in range(7):
        assert registering.play(LATER) == call
        assert registering.next() == ""
        waited.append(registering.wait())
    assert waited == [1, 2, 4, 8, 16, 30, 30]
    assert registering.events[-1] == ApiCallFailed(
        reason="not now", status=503, attempt=7, seconds=30
    )
    assert registering.play(outcome) == call


@pytest.mark.parametrize(
    ("failure", "step"), [(REFUSED, 0), (REFUSED, 1), (NEVER, 1), (REFUSED, 2)]
)
def test_what_time_does_not_heal_is_tried_again_at_the_cap(
    registering: Dojo, failure: Failure, step: int
) -> None:
    for outcome in (listed(), DONE)[:step]:
        registering.play(outcome)
    registering.play(failure)
    assert registering.wait() == 30
    assert registering.next() in {READ, WRITE}


def test_a_success_begins_the_delays_anew(registering: Dojo) -> None:
    for _ in range(3):
        registering.play(LATER)
        registering.wait()
    registering.play(listed())
    registering.play(LATER)
    assert registering.wait() == 1


def test_to_have_written_is_a_success_too(registering: Dojo) -> None:
    registering.play(listed())
    for _ in range(3):
        assert registering.play(LATER) == WRITE
        registering.wait()
    registering.play(DONE)
    assert registering.play(LATER) == READ
    assert registering.wait() == 1


def test_dojo_may_say_when_to_come_back(registering: Dojo) -> None:
    registering.play(msgspec.structs.replace(LATER, retry_after=90.0))
    assert registering.wait() == 90


def test_it_can_be_asked_for_once(registering: Dojo) -> None:
    with pytest.raises(LocalProtocolError, match="no way from reading to reading"):
        registering.registrar.register(SERVED)


def test_a_stop_ends_it(registering: Dojo) -> None:
    assert registering.next() == READ
    registering.registrar.stop(registering.now)
    assert registering.registrar.over
    registering.answer(LATER)
    assert registering.next() == ""
    assert registering.events == []


def test_after_a_stop_only_notices_are_sent(registering: Dojo) -> None:
    for id_ in ("1", "2"):
        registering.registrar.notify(OrderUpdated(id_))
    registering.registrar.stop(registering.now)
    assert [registering.play(DONE) for _ in range(2)] == [told("1"), told("2")]
    assert registering.registrar.over
    assert registering.events == []


def test_the_local_gateway_is_not_registered_with_dojo() -> None:
    dojo = Dojo(url="ws://127.0.0.1:8765/epos")
    with pytest.raises(ConfigurationError, match=r"^register: .* set api_url \(DOJO_API_URL\)"):
        dojo.registrar.register(SERVED)
    local = Dojo(url="ws://127.0.0.1:8765/epos", api_url="http://127.0.0.1:8767")
    local.registrar.register(SERVED)
    assert local.next() == READ


def test_every_phase_can_be_left_but_the_last() -> None:
    assert set(TRANSITIONS) == set(Phase)
    assert [phase for phase, ways in TRANSITIONS.items() if not ways] == [Phase.DONE]


def test_a_registration_that_fails_holds_up_no_notice(registering: Dojo) -> None:
    registering.registrar.linked(up=True)
    registering.registrar.notify(OrderUpdated("1"))
    assert registering.play(LATER) == READ
    assert registering.play(DONE) == told("1")
    assert registering.wait() == 1


def test_an_abort_ends_a_registration(registering: Dojo) -> None:
    registering.registrar.abort()
    assert registering.next() == ""
    assert registering.registrar.next_timer() is None


def test_calls_are_made_one_at_a_time(registering: Dojo) -> None:
    registering.next()
    with pytest.raises(LocalProtocolError, match="a call is under way"):
        registering.next()
