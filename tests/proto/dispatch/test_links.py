"""Requests whose connection is gone, and those who ask again on the next one."""

from typing import TYPE_CHECKING

from tests.proto.till import an_order

from dojo_proto.events import RequestFinished, RequestOutcome, TimedOut
from dojo_proto.work import Cancel, Run

if TYPE_CHECKING:
    from tests.proto.dispatch.conftest import Till

ORDER = an_order("o")


def test_a_change_goes_on_and_a_retry_on_the_next_link_is_answered_without_a_second_run(
    till: "Till",
) -> None:
    till.pay("a")
    till.begin()
    run = till.take(Run)
    till.reconnect()
    till.returns(ORDER, run)
    till.commit()
    assert till.answers() == []
    till.pay("a")
    till.begin()
    assert till.answer() == {"jsonrpc": "2.0", "id": "a", "result": ORDER}
    assert till.at_rest()


def test_a_retry_on_the_next_link_joins_while_the_first_runs(till: "Till") -> None:
    till.pay("a")
    till.begin()
    till.reconnect()
    till.pay("b")
    till.returns(ORDER)
    till.commit()
    assert till.answer()["id"] == "b"
    assert till.at_rest()


def test_what_is_queued_never_starts_once_its_link_is_gone(new_till: "type[Till]") -> None:
    till = new_till(max_in_flight=1)
    till.pay()
    till.pay("2", intent="other")
    till.read()
    assert till.dispatch.admission.queued == 2
    till.reconnect()
    assert till.dispatch.admission.queued == 0
    till.booked()
    assert till.answers() == []
    assert till.at_rest()


def test_what_is_queued_starts_if_somebody_on_the_next_link_waits_for_it_too(
    new_till: "type[Till]",
) -> None:
    till = new_till(max_in_flight=1)
    till.read()
    till.pay("a")
    till.open(2)
    till.pay("b")
    till.link = 1
    till.close()
    till.open(2)
    till.returns(ORDER)
    till.booked()
    assert [answer["id"] for answer in till.answers()] == ["b"]


def test_a_read_whose_link_is_gone_is_given_up_once_and_is_not_late(till: "Till") -> None:
    till.read()
    run = till.take(Run)
    till.reconnect()
    assert till.take(Cancel).call is run.call
    till.wait(60)
    assert till.heard(TimedOut) == []
    assert till.idle
    till.returns(ORDER, run)
    assert till.answers() == []
    assert till.at_rest()


def test_observers_hear_who_is_gone(till: "Till") -> None:
    till.read()
    till.pay()
    till.reconnect()
    ended = [(e.method, e.outcome) for e in till.heard(RequestFinished)]
    assert ended == [
        ("GetOrderByIdV1", RequestOutcome.ABANDONED),
        ("RecordOrderPaymentByIdV1", RequestOutcome.ABANDONED),
    ]
