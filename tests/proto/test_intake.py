"""From a message to the calls it asks for: what is wrong is answered, and never raises."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.call import Call
from dojo_proto.contract import HandleEventParams
from dojo_proto.delivery import Delivery
from dojo_proto.epos import Epos
from dojo_proto.events import Event, MessageDropped, RequestFinished
from dojo_proto.handlers import ACKNOWLEDGE
from dojo_proto.intake import Intake
from dojo_proto.reports import Reports

LINK = 1
PAY = "RecordOrderPaymentByIdV1"
PAYMENT = {"orderId": "o", "paymentIntentId": "p"}


class Order(msgspec.Struct):
    orderId: str  # noqa: N815 - the vendor's name


class Judged(msgspec.Struct):
    """A user's own type, with an opinion of its own."""

    name: str = ""

    def __post_init__(self) -> None:
        raise {"lookup": LookupError, "broken": Broken, "value": ValueError}[self.name](self.name)


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def by_id(_ctx: object, _params: Order) -> None:
    """GetOrderById."""


def anything(_ctx: object, _params: Any) -> None:
    """Takes whatever comes."""


def judged(_ctx: object, _params: Judged) -> None:
    """SearchOrders."""


def booked(_ctx: object, _params: Order) -> None:
    """The lookup of payments, with params of another type than the handler's."""


def created(_ctx: object, _params: HandleEventParams) -> None:
    """The handler of one type of event."""


class Desk:
    """An intake with a stub behind it that takes every call."""

    def __init__(self, *, echo_method: bool = False) -> None:
        epos = Epos("acme")
        epos.on("GetOrderById")(by_id)
        epos.on("ListAreas")(anything)
        epos.on("SearchOrders")(judged)
        epos.on("CancelOrderById")(anything)
        epos.on("HandleEvent:payment_intent.created")(created)
        epos.on("RecordOrderPaymentById")(anything)
        epos.lookup("RecordOrderPaymentById")(booked)
        self.calls: list[Call] = []
        self.heard: list[Event] = []
        reports = Reports(emit=self.heard.append, observe=True, trace_prefix="t")
        self.delivery = Delivery(echo_method=echo_method, reports=reports)
        self.delivery.link = LINK
        self.intake = Intake(
            handlers=epos.handlers(),
            scope="sandbox/",
            max_depth=8,
            delivery=self.delivery,
            reports=reports,
            admit=lambda call, _now: self.calls.append(call),
        )

    def receive(self, data: bytes, now: float = 1.0) -> None:
        self.intake.receive(LINK, data, now)

    def ask(self, method: str, params: Any = None, *, id: Any = "1") -> None:
        self.receive(json.dumps(request(method, params, id=id)).encode())

    def answers(self) -> list[Any]:
        taken = [json.loads(message) for message, _ in self.delivery.outgoing]
        self.delivery.outgoing.clear()
        return taken

    def error(self) -> tuple[int, str]:
        (answer,) = self.answers()
        assert answer["error"]["errorType"] == "InvalidRequest"
        return answer["error"]["code"], answer["error"]["message"]


def request(method: str, params: Any = None, *, id: Any = "1") -> dict[str, Any]:
    made = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    return {name: value for name, value in made.items() if value is not None}


@pytest.fixture
def desk() -> Desk:
    return Desk()


class TestRequests:
    def test_a_read(self, desk: Desk) -> None:
        desk.ask("GetOrderByIdV1", {"orderId": "o", "new": 1})
        (call,) = desk.calls
        assert call.params == Order("o")
        assert call.identity is None
        assert [(w.link, w.id, w.since) for w in call.waiters] == [(LINK, b'"1"', 1.0)]

    def test_a_change_is_identified(self, desk: Desk) -> None:
        desk.ask("CancelOrderByIdV1", {"orderId": "o"})
        (call,) = desk.calls
        assert call.identity is not None
        assert call.identity.repeat
        assert call.lookup_params is None

    def test_handler_and_lookup_each_get_what_they_annotate(self, desk: Desk) -> None:
        desk.ask(PAY, PAYMENT)
        (call,) = desk.calls
        assert (call.params, call.lookup_params) == (PAYMENT, Order("o"))

    def test_params_may_be_missing(self, desk: Desk) -> None:
        desk.ask("ListAreasV1")
        assert desk.calls[0].params == {}

    def test_a_notification_waits_for_nothing(self, desk: Desk) -> None:
        desk.ask(PAY, PAYMENT, id=None)
        (call,) = desk.calls
        assert call.waiters[0].id is None
        assert call.identity is not None
        assert (bool(call.identity.key), call.identity.repeat) == (True, "")

    def test_the_scope_is_part_of_what_is_the_same(self, desk: Desk) -> None:
        desk.ask(PAY, PAYMENT)
        desk.intake.scope = "production/"
        desk.ask(PAY, PAYMENT)
        one, other = (call.identity for call in desk.calls)
        assert one is not None
        assert other is not None
        assert one.key != other.key

    def test_calls_are_numbered_and_the_last_request_is_known(self, desk: Desk) -> None:
        assert desk.intake.last_request is None
        desk.receive(json.dumps(request("ListAreasV1")).encode(), 5.0)
        desk.receive(json.dumps(request("NoSuchMethod")).encode(), 6.0)
        desk.receive(json.dumps(request("ListAreasV1")).encode(), 7.0)
        assert len({call.number for call in desk.calls}) == 2
        assert desk.intake.last_request == 7.0


class TestEvents:
    DATA: ClassVar = {"paymentIntentId": "p", "paymentStatus": "Created", "captureMode": "Auto"}
    EVENT: ClassVar = {"id": "e", "accountId": "a", "createdAt": "2026-03-01T12:00:00Z"}

    def test_one_goes_to_the_handler_of_its_type(self, desk: Desk) -> None:
        params = {**self.EVENT, "event": "payment_intent.created", "data": self.DATA}
        desk.ask("HandleEventV1", params)
        (call,) = desk.calls
        assert call.handler.function is created
        assert call.params.data.payment_intent_id == "p"
        assert call.identity is not None

    def test_one_of_a_type_that_nobody_handles_is_taken_as_well(self, desk: Desk) -> None:
        desk.ask("HandleEventV1", {"id": "e", "event": "tea.time", "data": {"kettle": 1}})
        (call,) = desk.calls
        assert call.handler.function is ACKNOWLEDGE.function

    @pytest.mark.parametrize(
        ("params", "explained"),
        [
            ({"id": "e"}, "Object missing required field `event` - at `$`"),
            ({"id": "e", "event": 5}, "Expected `str`, got `int` - at `$.event`"),
            (
                {**EVENT, "event": "payment_intent.created", "data": {"paymentIntentId": 5}},
                "Expected `str`, got `int` - at `$.data.paymentIntentId`",
            ),
            ({"event": "tea.time"}, "Expected a `str` that is not empty - at `$.id`"),
        ],
    )
    def test_one_that_does_not_fit_is_refused(
        self, desk: Desk, params: dict[str, Any], explained: str
    ) -> None:
        desk.ask("HandleEventV1", params)
        assert desk.error() == (-32602, explained)


class TestErrors:
    @pytest.mark.parametrize(
        ("data", "code", "request_id"),
        [
            (b"{", -32700, None),
            (b"\xff", -32700, None),
            (b"[" * 9 + b"]" * 9, -32700, None),
            (b"5", -32600, None),
            (b"[]", -32600, None),
            (b'{"jsonrpc":"1.0","id":7,"method":"ListAreasV1"}', -32600, 7),
            (b'{"jsonrpc":"2.0","id":"x"}', -32600, "x"),
            (b'{"jsonrpc":"2.0","id":"x","method":5}', -32600, "x"),
            (b'{"jsonrpc":"2.0","id":"x","method":"NoSuchMethodV1"}', -32601, "x"),
            (b'{"jsonrpc":"2.0","id":"x","method":"GetOrderByIdV1","params":[]}', -32602, "x"),
            (b'{"jsonrpc":"2.0","id":"x","method":"GetOrderByIdV1","params":null}', -32602, "x"),
        ],
    )
    def test_what_is_wrong_is_answered_with_its_code(
        self, desk: Desk, data: bytes, code: int, request_id: object
    ) -> None:
        desk.intake.receive(LINK, data, 0.0, binary=True)
        (answer,) = desk.answers()
        assert (answer["id"], answer["error"]["code"]) == (request_id, code)
        assert answer["error"]["traceId"].startswith("t-")
        assert desk.calls == []

    def test_each_has_a_trace_id_of_its_own(self, desk: Desk) -> None:
        for data in (b"5", *[json.dumps(request("NoSuchMethodV1")).encode()] * 3):
            desk.ask("ListAreasV1")
            desk.receive(data)
        made = [f"t-{call.number:x}" for call in desk.calls]
        made += [answer["error"]["traceId"] for answer in desk.answers()]
        assert len(set(made)) == len(made) == 8

    @pytest.mark.parametrize("method", ["NoSuchMethodV1", "GetOrderByIdV1"])
    def test_what_is_wrong_is_told_in_the_vendors_words_as_well(
        self, desk: Desk, method: str
    ) -> None:
        desk.ask(method, {"orderId": 5})
        (answer,) = desk.answers()
        assert answer["error"]["debugMessage"] == answer["error"]["message"]

    def test_a_method_that_is_none_of_ours_is_echoed_and_no_name_for_observers(self) -> None:
        desk = Desk(echo_method=True)
        desk.ask("NoSuchMethodV1")
        desk.receive(b'{"id":1,"method":"ListAreasV1"}')
        unknown, invalid = desk.answers()
        assert unknown["error"]["message"] == "this EPOS has no such method"
        assert (unknown["method"], invalid.get("method")) == ("NoSuchMethodV1", None)
        finished = [event for event in desk.heard if isinstance(event, RequestFinished)]
        assert [event.method for event in finished] == ["", ""]

    def test_params_are_explained_by_path_and_type(self, desk: Desk) -> None:
        desk.ask("GetOrderByIdV1", {"orderId": 5})
        assert desk.error() == (-32602, "Expected `str`, got `int` - at `$.orderId`")

    @pytest.mark.parametrize("name", ["lookup", "broken", "value", "missing"])
    def test_a_type_may_raise_anything_and_none_of_it_goes_out(self, desk: Desk, name: str) -> None:
        desk.ask("SearchOrdersV1", {"name": name})
        assert desk.error() == (-32602, "The value does not fit - at `$`")

    def test_params_that_only_the_lookup_does_not_take_are_refused_unstarted(
        self, desk: Desk
    ) -> None:
        desk.ask(PAY, {**PAYMENT, "orderId": 5})
        assert desk.error() == (-32602, "Expected `str`, got `int` - at `$.orderId`")
        assert desk.calls == []

    def test_a_request_that_cannot_be_identified_is_refused_unstarted(self, desk: Desk) -> None:
        desk.ask(PAY, {"orderId": "o"})
        reason = "Expected a `str` that is not empty - at `$.paymentIntentId`"
        assert desk.error() == (-32602, reason)
        assert desk.calls == []

    def test_a_notification_is_not_told_what_is_wrong_with_it(self, desk: Desk) -> None:
        desk.ask("NoSuchMethodV1", id=None)
        desk.ask("GetOrderByIdV1", {"orderId": 5}, id=None)
        assert desk.answers() == []
        assert [type(event) for event in desk.heard] == [RequestFinished] * 2

    @pytest.mark.parametrize("answer", ['"result":{}', '"error":{"code":1,"message":"m"}'])
    def test_answers_to_nothing_are_dropped(self, desk: Desk, answer: str) -> None:
        desk.receive(f'{{"jsonrpc":"2.0","id":"1",{answer}}}'.encode())
        assert desk.answers() == []
        assert desk.heard == [
            MessageDropped(link=LINK, reason="it is an answer, and nothing was asked")
        ]

    @given(
        st.binary()
        | st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(
                    st.sampled_from(["jsonrpc", "id", "method", "params", "orderId"]), inner
                )
            ),
        ).map(lambda value: json.dumps(value).encode())
    )
    def test_nothing_raises(self, data: bytes) -> None:
        desk = Desk()
        desk.intake.receive(LINK, data, 0.0, binary=True)
        assert len(desk.delivery.outgoing) + len(desk.calls) + len(desk.heard) > 0


class TestBatches:
    @staticmethod
    def finish(desk: Desk, call: Call) -> None:
        desk.delivery.result(call, b"{}", 2.0)

    def test_reads_are_answered_together(self, desk: Desk) -> None:
        desk.receive(json.dumps([request("ListAreasV1", id=i) for i in (1, 2)]).encode())
        self.finish(desk, desk.calls[1])
        assert desk.answers() == []
        self.finish(desk, desk.calls[0])
        assert [[answer["id"] for answer in array] for array in desk.answers()] == [[2, 1]]

    def test_what_is_wrong_in_it_is_answered_within(self, desk: Desk) -> None:
        members = [
            5,
            request("NoSuchMethodV1", id=2),
            request("ListAreasV1", id=3),
            {"jsonrpc": "2.0", "id": 4, "result": {}},
            request("GetOrderByIdV1", {}, id=5),
            request("ListAreasV1", id=None),
        ]
        desk.receive(json.dumps(members).encode())
        assert desk.answers() == []
        for call in desk.calls:
            self.finish(desk, call)
        (array,) = desk.answers()
        assert [answer["id"] for answer in array] == [None, 2, 5, 3]

    def test_nothing_but_errors_are_one_answer(self, desk: Desk) -> None:
        desk.receive(b"[1,2,3]")
        (array,) = desk.answers()
        assert [answer["error"]["code"] for answer in array] == [-32600] * 3

    def test_nothing_but_notifications_and_answers_get_none(self, desk: Desk) -> None:
        members = [request("NoSuchMethodV1", id=None), {"jsonrpc": "2.0", "id": 1, "result": {}}]
        desk.receive(json.dumps(members).encode())
        assert desk.answers() == []

    @pytest.mark.parametrize("params", [PAYMENT, {}])
    def test_what_changes_something_is_refused_unstarted(
        self, desk: Desk, params: dict[str, str]
    ) -> None:
        desk.receive(json.dumps([request(PAY, params), request("ListAreasV1", id="2")]).encode())
        (read,) = desk.calls
        self.finish(desk, read)
        ((refused, answered),) = desk.answers()
        assert refused["error"]["code"] == -32602
        assert "not in a batch" in refused["error"]["message"]
        assert answered["result"] == {}


def test_the_stub_handlers_take_what_they_are_registered_for() -> None:
    stubs: list[Callable[[object, Any], None]] = [by_id, anything, judged, booked, created]
    assert [stub(None, None) for stub in stubs] == [None] * 5
