"""What observers hear of requests."""

import msgspec
import pytest

from dojo_proto import events
from dojo_proto.call import Call, Phase, Waiter
from dojo_proto.contract import BY_NAME
from dojo_proto.decisions import Asking
from dojo_proto.events import Event, RequestOutcome
from dojo_proto.handlers import Handler
from dojo_proto.journal import Identity
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.reports import Reports

WIRE = "RecordOrderPaymentByIdV1"
PARAMS = b'{"orderId":"o/1","paymentIntentId":"p"}'


@pytest.fixture
def heard() -> list[Event]:
    return []


@pytest.fixture
def reports(heard: list[Event]) -> Reports:
    return Reports(emit=heard.append, observe=True, trace_prefix="ab")


@pytest.fixture
def call() -> Call:
    handler = Handler(
        method=BY_NAME[WIRE],
        function=lambda _ctx, _params: None,
        is_async=False,
        decode=msgspec.json.decode,
    )
    made = Call(0x1F, handler, [Waiter(1, b'"a"', 10.0, None)], 10.0, 10.0, {}, PARAMS)
    made.idempotency_key = "key"
    return made


def test_a_trace_id_is_the_number_of_the_call_behind_the_prefix(reports: Reports) -> None:
    assert reports.trace_id(0x1F) == "ab-1f"


def test_a_start(reports: Reports, call: Call, heard: list[Event]) -> None:
    call.waiters.append(Waiter(2, b"7", 11.0, None))
    call.redelivered = True
    reports.started(call)
    assert heard == [events.RequestStarted(method=WIRE, request_ids=('"a"', "7"), redelivered=True)]


def test_an_end(reports: Reports, call: Call, heard: list[Event]) -> None:
    reports.finished(WIRE, call.waiters[0], RequestOutcome.SUCCESS, 12.5)
    assert heard == [
        events.RequestFinished(
            link=1, method=WIRE, request_id='"a"', outcome=RequestOutcome.SUCCESS, seconds=2.5
        )
    ]


def test_an_end_with_an_error(reports: Reports, call: Call, heard: list[Event]) -> None:
    error = ErrorObject(code=1, message="m", error_type="Conflict", trace_id="ab-1f")
    reports.finished(WIRE, call.waiters[0], RequestOutcome.ERROR, 10.0, error)
    assert heard == [
        events.RequestFinished(
            link=1,
            method=WIRE,
            request_id='"a"',
            outcome=RequestOutcome.ERROR,
            seconds=0.0,
            error_type="Conflict",
            trace_id="ab-1f",
        )
    ]


def test_ends_are_told_only_to_those_who_ask_for_every_request(
    call: Call, heard: list[Event]
) -> None:
    quiet = Reports(emit=heard.append, observe=False, trace_prefix="ab")
    quiet.finished(WIRE, call.waiters[0], RequestOutcome.SUCCESS, 10.0)
    assert heard == []


@pytest.mark.parametrize(
    ("phase", "asking", "function"),
    [
        (Phase.RUNNING, None, "handler"),
        (Phase.RUNNING, Asking.REDELIVERED, "handler"),
        (Phase.ASKING, Asking.FAILED, "lookup"),
        (Phase.ASKING, Asking.UNRESOLVED, "on_unresolved"),
        (Phase.REPEATING, None, "lookup"),
    ],
)
def test_it_is_said_which_function_was_at_work(
    call: Call, phase: Phase, asking: Asking | None, function: str
) -> None:
    heard: list[Event] = []
    reports = Reports(emit=heard.append, observe=False, trace_prefix="ab")
    call.phase, call.asking = phase, asking
    reports.failed(call, boom := RuntimeError("boom"))
    reports.unfit(call, "no result")
    assert heard == [
        events.HandlerFailed(method=WIRE, function=function, trace_id="ab-1f", error=boom),
        events.ResultUnfit(method=WIRE, function=function, trace_id="ab-1f", reason="no result"),
    ]


def test_alarms_are_told_to_everybody(call: Call, heard: list[Event]) -> None:
    quiet = Reports(emit=heard.append, observe=False, trace_prefix="ab")
    boom = RuntimeError("boom")
    quiet.failed(call, boom)
    quiet.unfit(call, "no result")
    quiet.slow(call, 22.0)  # a read, since it has no identity
    call.identity = Identity(key="k", repeat="r", content="c", amounts="a")
    quiet.slow(call, 22.0)
    quiet.overloaded(call, in_flight=3, queued=2)
    quiet.differs(call)
    quiet.unknown(call, "it raised", 22.0)
    quiet.journal_failed(call, "abort", "disk is full")
    assert heard == [
        events.HandlerFailed(method=WIRE, trace_id="ab-1f", error=boom),
        events.ResultUnfit(method=WIRE, trace_id="ab-1f", reason="no result"),
        events.TimedOut(method=WIRE, trace_id="ab-1f", seconds=12.0),
        events.Slow(method=WIRE, key="key", seconds=12.0),
        events.Overloaded(method=WIRE, in_flight=3, queued=2),
        events.ContentDiffers(method=WIRE, key="RecordOrderPaymentById/o%2F1/p"),
        events.OutcomeUnknown(method=WIRE, key="key", reason="it raised", age=12.0),
        events.JournalFailed(method=WIRE, step="abort", reason="disk is full"),
    ]
