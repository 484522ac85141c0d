"""What an observer may hear of: data that cannot change and can be written as JSON."""

import inspect
import json
from typing import get_args

import msgspec
import pytest

from dojo_proto import events
from dojo_proto.events import Cause, Closed, Event, HandlerFailed, ObserverEvent, RequestFinished

CLASSES: tuple[type[Event], ...] = get_args(ObserverEvent)

EXAMPLE_VALUES: dict[object, object] = {
    int: 1,
    float: 0.5,
    str: "text",
    bool: True,
    Cause: Cause.LOST,
    events.RequestOutcome: events.RequestOutcome.SUCCESS,
    BaseException: ValueError("text"),
    tuple[str, ...]: ("text",),
}


def example(kind: type[Event]) -> Event:
    """An event with only its required fields."""
    fields = [field for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{field.name: EXAMPLE_VALUES[field.type] for field in fields})


def test_the_union_holds_every_event() -> None:
    defined = [
        thing
        for thing in vars(events).values()
        if isinstance(thing, type) and issubclass(thing, Event) and thing is not Event
    ]
    assert list(CLASSES) == defined


@pytest.mark.parametrize("kind", CLASSES)
def test_events_are_frozen_and_built_by_keyword(kind: type[Event]) -> None:
    config = kind.__struct_config__
    assert config.frozen
    assert [
        parameter.name
        for parameter in inspect.signature(kind).parameters.values()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ] == []


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if kind is not HandlerFailed])
def test_an_event_as_json_says_what_it_is(kind: type[Event]) -> None:
    decoded = json.loads(msgspec.json.encode(example(kind)))
    assert decoded.pop("event") == kind.__name__
    assert set(decoded) == {field.name for field in msgspec.structs.fields(kind)}


def test_a_handlers_exception_comes_as_it_was_raised() -> None:
    error = ValueError("text")
    failed = HandlerFailed(method="M", trace_id="t", error=error)
    assert failed.error is error
    assert failed.__struct_config__.tag == "HandlerFailed"


def test_a_close_says_cause_code_status_and_how_long_it_was_up() -> None:
    closed = Closed(link=1, cause=Cause.PEER_CLOSED, reason="going away", code=1001, up_for=3.5)
    assert json.loads(msgspec.json.encode(closed)) == {
        "event": "Closed",
        "link": 1,
        "cause": "peer-closed",
        "reason": "going away",
        "code": 1001,
        "status": None,
        "up_for": 3.5,
        "retry_after": None,
    }


def test_a_finished_request_says_method_outcome_and_seconds() -> None:
    names = {field.name for field in msgspec.structs.fields(RequestFinished)}
    assert {"method", "outcome", "seconds", "error_type", "trace_id"} <= names


@pytest.mark.parametrize("kind", CLASSES)
def test_no_event_carries_what_a_request_or_an_answer_says(kind: type[Event]) -> None:
    names = {field.name for field in msgspec.structs.fields(kind)}
    assert names.isdisjoint({"params", "result", "api_key", "headers", "data"})


@pytest.mark.parametrize("values", [Cause, events.RequestOutcome])
def test_values_read_as_their_names_do(values: type[Cause | events.RequestOutcome]) -> None:
    for member in values:
        assert member.value == member.name.lower().replace("_", "-")
