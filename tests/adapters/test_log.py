"""What the log says: each event as a line for people."""

import logging
from typing import get_args

import pytest

from dojo_adapters.observer import describe, log, logger
from dojo_adapters.workers import call
from dojo_proto import events
from dojo_proto.events import Cause, Event, ObserverEvent, RequestOutcome
from dojo_proto.work import Raised

ONE_OF_EACH: list[tuple[Event, str, str]] = [
    (
        events.Opened(link=1, url="wss://eu.ws.dojo.tech/epos", seconds=0.123),
        "INFO",
        "connected to wss://eu.ws.dojo.tech/epos after 0.12 s; requests can come in",
    ),
    (
        events.Closed(link=1, cause=Cause.PEER_CLOSED, reason="it left", code=1001, up_for=61.26),
        "INFO",
        "the connection was open for 61.3 s and is over (peer-closed, close code 1001): it left",
    ),
    (
        events.Closed(link=2, cause=Cause.UNAVAILABLE, reason="busy", status=503),
        "INFO",
        "the connection was not opened (unavailable, status 503): busy",
    ),
    (
        events.Closed(link=3, cause=Cause.STOPPED, reason="", code=1000, up_for=5),
        "INFO",
        "the connection was open for 5.0 s and is over (stopped, close code 1000): no reason given",
    ),
    (
        events.RetryScheduled(attempt=3, seconds=3.75, reason="connection refused"),
        "WARNING",
        "next try in 3.8 s (failure 3): connection refused",
    ),
    (
        events.RetryScheduled(attempt=1, seconds=1, reason=""),
        "WARNING",
        "next try in 1.0 s (failure 1): no reason given",
    ),
    (
        events.AuthenticationRefused(status=401, reason="check the key"),
        "ERROR",
        "the API key was taken before and is refused now (status 401): check the key",
    ),
    (
        events.TakenOver(reason="somebody else serves with this key"),
        "ERROR",
        "somebody else serves with this key",
    ),
    (events.PingRoundTrip(link=1, seconds=0.0421), "DEBUG", "a ping was answered after 42.1 ms"),
    (
        events.RequestStarted(method="GetOrderByIdV1", request_ids=('"a"', "2")),
        "DEBUG",
        'GetOrderByIdV1 runs for the request "a", 2',
    ),
    (
        events.RequestStarted(method="CreateOrderV1", request_ids=(), redelivered=True),
        "DEBUG",
        "CreateOrderV1 runs for the request (nobody waits), redelivered",
    ),
    (
        events.RequestFinished(
            link=1,
            method="GetOrderByIdV1",
            request_id='"a"',
            outcome=RequestOutcome.SUCCESS,
            seconds=0.0126,
        ),
        "DEBUG",
        'GetOrderByIdV1, request "a": success after 0.013 s',
    ),
    (
        events.RequestFinished(
            link=1,
            method="",
            request_id="",
            outcome=RequestOutcome.ERROR,
            seconds=0,
            error_type="InvalidRequest",
            trace_id="f00-1",
        ),
        "DEBUG",
        "no known method, request (a notification): error (InvalidRequest, f00-1) after 0.000 s",
    ),
    (
        events.Slow(method="CreateOrderV1", key="CreateOrder/7", seconds=10.04),
        "WARNING",
        "CreateOrderV1 (CreateOrder/7) came 10.0 s ago, and its handler still runs",
    ),
    (
        events.TimedOut(method="GetOrderByIdV1", trace_id="f00-4", seconds=10.04),
        "WARNING",
        (
            "the handler of GetOrderByIdV1 had not returned when it was given up after 10.0 s "
            "(`read_timeout`); its error has the traceId f00-4"
        ),
    ),
    (
        events.Overloaded(method="SearchOrdersV1", in_flight=64, queued=256),
        "WARNING",
        "no room for SearchOrdersV1: 64 requests run and 256 wait",
    ),
    (
        events.HandlerFailed(method="GetOrderByIdV1", trace_id="f00-2", error=ValueError("no")),
        "ERROR",
        "the handler of GetOrderByIdV1 failed (traceId f00-2)",
    ),
    (
        events.HandlerFailed(
            method="CreateOrderV1", function="lookup", trace_id="f00-2", error=ValueError("no")
        ),
        "ERROR",
        "the lookup of CreateOrderV1 failed (traceId f00-2)",
    ),
    (
        events.OutcomeUnknown(
            method="CreateOrderV1", key="CreateOrder/7", reason="it raised", age=0.4
        ),
        "ERROR",
        "whether CreateOrderV1 (CreateOrder/7) was done is not known: it raised",
    ),
    (
        events.OutcomeUnknown(method="CreateOrderV1", key="k", reason="a crash", age=90.4),
        "ERROR",
        "whether CreateOrderV1 (k), begun 90 s ago, was done is not known: a crash",
    ),
    (
        events.PaymentUnconfirmed(method="CreateOrderV1", key="CreateOrder/7", age=300.0),
        "ERROR",
        (
            "CreateOrderV1 (CreateOrder/7) was booked 300 s ago, and Dojo is not known to have the "
            "answer: it may have given the money back, so compare this payment with Dojo's list"
        ),
    ),
    (
        events.JournalFailed(method="", step="note", reason="disk full"),
        "ERROR",
        "the journal could not note what became of answers: disk full",
    ),
    (
        events.JournalFailed(method="CreateOrderV1", step="commit", reason="disk full"),
        "ERROR",
        "the journal could not commit CreateOrderV1: disk full",
    ),
    (
        events.ContentDiffers(method="CreateOrderV1", key="CreateOrder/7"),
        "ERROR",
        "CreateOrderV1 (CreateOrder/7) came again with other content; the first answer stands",
    ),
    (
        events.ResultUnfit(method="CreateOrderV1", trace_id="f00-3", reason="Expected `str`"),
        "ERROR",
        "what the handler of CreateOrderV1 returned is no result (traceId f00-3): Expected `str`",
    ),
    (
        events.Draining(running=2, seconds=8.0),
        "INFO",
        "stopping: 2 running requests get up to 8 s to finish",
    ),
    (
        events.Draining(running=1, seconds=8.0),
        "INFO",
        "stopping: 1 running request gets up to 8 s to finish",
    ),
    (events.Draining(running=0, seconds=8.0), "INFO", "stopping: nothing runs"),
    (
        events.Registered(capabilities=("GetOrderById", "ListAreas"), changed=True),
        "INFO",
        "registered with Dojo, now: GetOrderById, ListAreas",
    ),
    (
        events.Registered(capabilities=("GetOrderById",), changed=False),
        "INFO",
        "registered with Dojo, as before: GetOrderById",
    ),
    (
        events.Unregistered(capabilities=("GetOrderById", "ListAreas")),
        "ERROR",
        (
            "this EPOS serves what Dojo has not registered, and so does not ask for: "
            "GetOrderById, ListAreas; `dojo-epos capabilities` shows how it is now"
        ),
    ),
    (
        events.ApiCallFailed(reason="no answer", attempt=2, seconds=1.5),
        "WARNING",
        "no answer; next try in 1.5 s (failure 2)",
    ),
    (events.ApiCallFailed(reason="no answer", attempt=1), "WARNING", "no answer"),
    (
        events.NoticesDropped(count=3, reason="too many wait"),
        "ERROR",
        "Dojo was not told of 3 changes so far: too many wait",
    ),
    (
        events.NoticesDropped(count=1, reason="not now"),
        "ERROR",
        "Dojo was not told of 1 change so far: not now",
    ),
    (
        events.MessageDropped(link=1, reason="it is an answer, and nothing was asked"),
        "WARNING",
        "a message was dropped: it is an answer, and nothing was asked",
    ),
]


@pytest.mark.parametrize(
    ("event", "level", "line"), ONE_OF_EACH, ids=[type(event).__name__ for event, *_ in ONE_OF_EACH]
)
def test_each_event_is_one_line_at_its_level(
    event: Event, level: str, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger.name)
    assert describe(event) == line
    log(event)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("dojo_adapters", level)
    assert record.getMessage() == (f"ALARM: {line}" if event.alarm else line)


def test_nobody_misses_an_alarm_who_sees_warnings() -> None:
    assert {level for event, level, _ in ONE_OF_EACH if event.alarm} == {"WARNING", "ERROR"}
    assert all(event.alarm for event, level, _ in ONE_OF_EACH if level == "ERROR")


def test_no_event_is_missing_from_the_list_above() -> None:
    assert {type(event) for event, *_ in ONE_OF_EACH} == set(get_args(ObserverEvent))


def test_an_event_without_words_of_its_own_is_logged_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Novelty(Event, frozen=True, kw_only=True):
        """What a later release of the core may add."""

    caplog.set_level(logging.INFO, logger.name)
    log(Novelty())
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [("INFO", "Novelty")]


def test_an_event_below_the_level_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger.name)
    for event, *_ in ONE_OF_EACH:
        log(event)
    assert {record.levelname for record in caplog.records} == {"WARNING", "ERROR"}


def test_what_a_peer_writes_breaks_no_line_and_floods_no_log() -> None:
    reason = "first\nsecond\x1b[31m\u2028third" + "x" * 100_000
    line = describe(events.MessageDropped(link=1, reason=reason))
    assert line.startswith("a message was dropped: first?second?[31m?thirdxxx")
    assert line.endswith("x…")
    assert len(line) <= 1001


def test_a_percent_sign_is_no_placeholder(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger.name)
    log(events.TakenOver(reason="100 %s of them"))
    assert caplog.records[0].getMessage() == "ALARM: 100 %s of them"


def test_a_handlers_own_error_is_logged_with_its_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger.name)
    drawers: dict[str, int] = {}
    outcome = call(lambda: drawers["left"])
    assert isinstance(outcome, Raised)
    log(events.HandlerFailed(method="GetOrderByIdV1", trace_id="f00-1", error=outcome.error))
    assert "test_log.py" in caplog.text
    assert "KeyError: 'left'" in caplog.text
