"""Payments over connections that break: booked once, answered until Dojo has heard it."""

from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.tills import HELD, Till, order, payment
from tests.adapters.life_stories.transports import over_every_transport

from dojo_proto import Epos
from dojo_proto.events import RequestFinished, RequestOutcome
from dojo_simulator import ConnectionEnded, EposConnection, LocalGateway, PendingCall


def start(connection: EposConnection, order: str, intent: str, **options: Any) -> PendingCall:
    return connection.start_call("RecordOrderPaymentByIdV1", payment(order, intent), **options)


@over_every_transport
def test_a_payment_whose_answer_is_lost_is_booked_once_whatever_the_retry_is_called(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    serve(epos)
    first = gateway.wait_for_epos()
    lost = start(first, "o-1", "pi-1", request_id="r-1", drop_before_answer=True)
    with pytest.raises(ConnectionEnded):
        lost.wait()
    second = gateway.wait_for_epos(after=first)
    for request_id in ("r-1", "r-2"):
        again = start(second, "o-1", "pi-1", request_id=request_id).wait()
        assert again.result == order("o-1", "pi-1")
    assert till.booked == ["pi-1"]


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_hundreds_of_payments_in_one_breath_are_all_booked_and_answered(
    serve: Serve, epos: Epos, till: Till, played: PlayedGateway, workers: int
) -> None:
    serve(epos, url=played.url, workers=workers, max_queued=300)
    peer = played.accept_epos()
    intents = {number: f"pi-{number}" for number in range(300)}
    peer.send(
        *(
            peer.request(number, "RecordOrderPaymentByIdV1", payment("o-1", intent))
            for number, intent in intents.items()
        )
    )
    answers = [peer.next_answer() for _ in intents]
    assert {answer["id"] for answer in answers if "result" in answer} == set(intents)
    assert sorted(till.booked) == sorted(intents.values())


def test_a_retry_joins_the_payment_that_still_runs_from_before_the_drop(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos)
    first = gateway.wait_for_epos()
    dropped = start(first, HELD, "pi-1", request_id="r-1")
    till.wait_for_visitor()
    first.drop()
    with pytest.raises(ConnectionEnded):
        dropped.wait()
    service.wait_for_event(RequestFinished, lambda e: e.outcome is RequestOutcome.ABANDONED)
    second = gateway.wait_for_epos(after=first)
    retries = [start(second, HELD, "pi-1", request_id=name) for name in ("r-1", "r-2")]
    # An answer to what came behind them shows that both have been taken in.
    assert second.call("GetOrderByIdV1", {"orderId": "o-2"}).result == order("o-2")
    assert not any(retry.done for retry in retries)
    till.door.set()
    assert [retry.wait().result for retry in retries] == [order(HELD, "pi-1")] * 2
    assert till.booked == ["pi-1"]


def test_two_deliveries_at_once_are_one_run_and_two_answers(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    serve(epos)
    connection = gateway.wait_for_epos()
    deliveries = [start(connection, HELD, "pi-1", request_id=name) for name in ("r-1", "r-2")]
    till.wait_for_visitor()
    assert connection.call("GetOrderByIdV1", {"orderId": "o-2"}).error is None
    till.door.set()
    replies = [delivery.wait() for delivery in deliveries]
    assert [reply.id for reply in replies] == ["r-1", "r-2"]
    assert [reply.result for reply in replies] == [order(HELD, "pi-1")] * 2
    assert till.booked == ["pi-1"]
