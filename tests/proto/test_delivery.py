"""Answers: whose id, which link, and together where they were asked together."""

import json
from typing import Any

import msgspec
import pytest

from dojo_proto.call import Call, Gathering, Waiter
from dojo_proto.contract import BY_NAME
from dojo_proto.delivery import Delivery
from dojo_proto.events import Event, RequestFinished, RequestOutcome
from dojo_proto.handlers import Handler
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.reports import Reports

WIRE = "GetOrderByIdV1"
LINK, GONE = 2, 1
ERROR = ErrorObject(code=-32009, message="closed", error_type="Conflict", trace_id="t-1")


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def delivery(heard: list[Event]) -> Delivery:
    return open_delivery(heard)


def open_delivery(
    heard: list[Event], *, echo_method: bool = False, observe: bool = True
) -> Delivery:
    reports = Reports(emit=heard.append, observe=observe, trace_prefix="t")
    delivery = Delivery(echo_method=echo_method, reports=reports)
    delivery.link = LINK
    return delivery


def call(*waiters: Waiter) -> Call:
    handler = Handler(
        method=BY_NAME[WIRE],
        function=lambda _ctx, _params: None,
        is_async=False,
        decode=msgspec.json.decode,
    )
    made = Call(1, handler, [Waiter(LINK, b'"a"', 10.0, None)], 10.0, 10.0, {}, b"{}")
    made.waiters = list(waiters) or made.waiters
    return made


def sent(delivery: Delivery) -> list[Any]:
    return [json.loads(message) for message, _ in delivery.outgoing]


def outcomes(heard: list[Event]) -> list[RequestOutcome]:
    return [event.outcome for event in heard if isinstance(event, RequestFinished)]


class TestAnswers:
    def test_a_result(self, delivery: Delivery, heard: list[Event]) -> None:
        asked = call()
        delivery.result(asked, b'{"id":"o"}', 12.0)
        assert sent(delivery) == [{"jsonrpc": "2.0", "id": "a", "result": {"id": "o"}}]
        assert heard == [
            RequestFinished(
                link=LINK,
                method=WIRE,
                request_id='"a"',
                outcome=RequestOutcome.SUCCESS,
                seconds=2.0,
            )
        ]
        assert asked.waiters == []

    def test_an_error(self, delivery: Delivery, heard: list[Event]) -> None:
        asked = call()
        delivery.error(asked, ERROR, 12.0)
        assert sent(delivery) == [
            {
                "jsonrpc": "2.0",
                "id": "a",
                "error": {
                    "code": -32009,
                    "message": "closed",
                    "errorType": "Conflict",
                    "traceId": "t-1",
                },
            }
        ]
        assert outcomes(heard) == [RequestOutcome.ERROR]
        assert asked.waiters == []

    def test_silence(self, delivery: Delivery, heard: list[Event]) -> None:
        asked = call()
        delivery.silence(asked, RequestOutcome.WITHHELD, 12.0)
        assert sent(delivery) == []
        assert outcomes(heard) == [RequestOutcome.WITHHELD]
        assert asked.waiters == []

    def test_repeats_are_told_apart(self, delivery: Delivery, heard: list[Event]) -> None:
        delivery.result(call(), b"{}", 12.0, repeat=True)
        delivery.error(call(), ERROR, 12.0, repeat=True)
        assert outcomes(heard) == [RequestOutcome.REPEAT] * 2

    def test_each_who_waits_gets_its_own_id(self, delivery: Delivery) -> None:
        ids = [b'"a"', b"7", b"7.0", b"null", b"1e999"]
        delivery.result(call(*(Waiter(LINK, i, 0.0, None) for i in ids)), b"{}", 0.0)
        assert list(delivery.outgoing) == [
            (b'{"jsonrpc":"2.0","id":%b,"result":{}}' % i, "") for i in ids
        ]

    def test_an_answer_goes_with_the_row_whose_outcome_it_tells(self, delivery: Delivery) -> None:
        booked, refused = call(), call()
        booked.ticket, refused.ticket = "t1", "t2"
        delivery.result(booked, b"{}", 0.0)
        delivery.error(refused, ERROR, 0.0)
        assert [ticket for _, ticket in delivery.outgoing] == ["t1", "t2"]

    def test_a_notification_is_never_answered(self, delivery: Delivery, heard: list[Event]) -> None:
        delivery.result(call(Waiter(LINK, None, 0.0, None)), b"{}", 0.0)
        delivery.error(call(Waiter(LINK, None, 0.0, None)), ERROR, 0.0)
        assert sent(delivery) == []
        assert outcomes(heard) == [RequestOutcome.SUCCESS, RequestOutcome.ERROR]

    def test_nothing_goes_out_on_another_link(self, delivery: Delivery) -> None:
        both = (Waiter(GONE, b'"old"', 0.0, None), Waiter(LINK, b'"new"', 0.0, None))
        delivery.result(call(*both), b"{}", 0.0)
        assert [answer["id"] for answer in sent(delivery)] == ["new"]

    def test_the_method_is_echoed_where_that_is_wanted(self, heard: list[Event]) -> None:
        echoing = open_delivery(heard, echo_method=True)
        echoing.result(call(), b"{}", 0.0)
        echoing.error(call(), ERROR, 0.0)
        assert [answer["method"] for answer in sent(echoing)] == [WIRE, WIRE]

    def test_one_of_a_method_that_is_none_of_ours_echoes_what_came(
        self, heard: list[Event]
    ) -> None:
        echoing = open_delivery(heard, echo_method=True)
        echoing.reject(Waiter(LINK, b"1", 0.0, None), "", ERROR, 0.0, echoed="NopeV1")
        assert [answer["method"] for answer in sent(echoing)] == ["NopeV1"]
        quiet = open_delivery(heard, echo_method=False)
        quiet.reject(Waiter(LINK, b"1", 0.0, None), "", ERROR, 0.0, echoed="NopeV1")
        assert "method" not in sent(quiet)[0]

    def test_whoever_does_not_observe_hears_nothing(self, heard: list[Event]) -> None:
        quiet = open_delivery(heard, observe=False)
        quiet.result(call(), b"{}", 0.0)
        quiet.error(call(), ERROR, 0.0)
        quiet.silence(call(), RequestOutcome.WITHHELD, 0.0)
        assert heard == []
        assert len(sent(quiet)) == 2


class TestLinks:
    def test_none_is_open_at_first(self, heard: list[Event]) -> None:
        reports = Reports(emit=heard.append, observe=False, trace_prefix="t")
        assert Delivery(echo_method=False, reports=reports).link == 0

    def test_who_waited_on_one_that_is_closed_waits_no_more(
        self, delivery: Delivery, heard: list[Event]
    ) -> None:
        staying = Waiter(LINK, b'"new"', 10.0, None)
        asked = call(Waiter(GONE, b'"old"', 10.0, None), staying)
        delivery.abandon(asked, GONE, 12.0)
        assert asked.waiters == [staying]
        assert heard == [
            RequestFinished(
                link=GONE,
                method=WIRE,
                request_id='"old"',
                outcome=RequestOutcome.ABANDONED,
                seconds=2.0,
            )
        ]


class TestTraceIds:
    def test_an_error_without_one_gets_that_of_its_call(self, delivery: Delivery) -> None:
        bare = msgspec.structs.replace(ERROR, trace_id="")
        assert delivery.stamp(bare, 255).trace_id == "t-ff"

    def test_an_error_keeps_the_one_it_has(self, delivery: Delivery) -> None:
        assert delivery.stamp(ERROR, 255) is ERROR


class TestBatches:
    @staticmethod
    def member(gathering: Gathering, request_id: bytes) -> Call:
        gathering.waiting += 1
        return call(Waiter(gathering.link, request_id, 0.0, gathering))

    def test_all_answers_go_out_together(self, delivery: Delivery) -> None:
        gathering = Gathering(LINK)
        first, second = self.member(gathering, b"1"), self.member(gathering, b"2")
        delivery.gathered(gathering)
        delivery.error(second, ERROR, 0.0)
        assert sent(delivery) == []
        delivery.result(first, b"{}", 0.0)
        ((one, other),) = sent(delivery)
        assert (one["id"], other["id"]) == (2, 1)

    def test_members_that_are_answered_while_it_is_read_do_not_end_it(
        self, delivery: Delivery
    ) -> None:
        gathering = Gathering(LINK)
        delivery.result(self.member(gathering, b"1"), b"{}", 0.0)
        assert sent(delivery) == []
        delivery.result(self.member(gathering, b"2"), b"{}", 0.0)
        delivery.gathered(gathering)
        assert [[answer["id"] for answer in array] for array in sent(delivery)] == [[1, 2]]

    def test_nothing_but_notifications_get_no_answer_at_all(self, delivery: Delivery) -> None:
        gathering = Gathering(LINK)
        delivery.result(call(Waiter(LINK, None, 0.0, gathering)), b"{}", 0.0)
        delivery.gathered(gathering)
        assert sent(delivery) == []

    def test_nothing_goes_out_on_another_link(self, delivery: Delivery) -> None:
        gathering = Gathering(GONE)
        member = self.member(gathering, b"1")
        delivery.gathered(gathering)
        delivery.result(member, b"{}", 0.0)
        assert sent(delivery) == []
