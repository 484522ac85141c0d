"""The calling side: answers find their calls, and calls that get none time out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from dojo_proto.jsonrpc import Response
from dojo_proto.own_calls import OwnCalls


def start(calls: OwnCalls, request_id: str, now: float = 0.0, timeout: float = 10.0) -> int:
    number, _ = calls.start(request_id, "M", {}, timeout=timeout, now=now)
    return number


def answer(request_id: bytes) -> Response:
    return Response(request_id, result=Raw(b"{}"))


def test_a_call_is_a_request() -> None:
    _, message = OwnCalls().start("a-1", "GetOrderByIdV1", {"orderId": "o"}, timeout=10, now=0)
    assert json.loads(message) == {
        "jsonrpc": "2.0",
        "id": "a-1",
        "method": "GetOrderByIdV1",
        "params": {"orderId": "o"},
    }


def test_an_answer_names_its_call_and_how_long_it_took() -> None:
    calls = OwnCalls()
    first = start(calls, "a", now=1.0)
    second = start(calls, "b", now=2.0)
    assert first != second
    assert calls.answered(answer(b'"b"'), 5.0) == (second, 3.0)
    assert calls.answered(answer(b'"a"'), 5.0) == (first, 4.0)


def test_a_second_answer_answers_nothing() -> None:
    calls = OwnCalls()
    start(calls, "a")
    assert calls.answered(answer(b'"a"'), 1.0) is not None
    assert calls.answered(answer(b'"a"'), 1.0) is None


def test_an_id_may_come_back_with_other_escapes() -> None:
    calls = OwnCalls()
    number = start(calls, "é/1")
    assert calls.answered(answer(b'"\\u00E9\\/1"'), 1.0) == (number, 1.0)


@pytest.mark.parametrize("identity", [b'"b"', b"1", b"1.0", b"1e999", b"9" * 5000, b"null"])
def test_an_answer_to_what_was_never_asked_answers_nothing(identity: bytes) -> None:
    calls = OwnCalls()
    number = start(calls, "1")
    assert calls.answered(answer(identity), 1.0) is None
    assert calls.answered(answer(b'"1"'), 1.0) == (number, 1.0)


def test_calls_that_share_an_id_are_answered_in_their_order() -> None:
    calls = OwnCalls()
    first, second = start(calls, "a", now=0.0), start(calls, "a", now=1.0)
    assert calls.answered(answer(b'"a"'), 3.0) == (first, 3.0)
    assert calls.answered(answer(b'"a"'), 3.0) == (second, 2.0)
    assert calls.answered(answer(b'"a"'), 3.0) is None


def test_what_does_not_encode_is_not_waited_for() -> None:
    calls = OwnCalls()
    with pytest.raises(TypeError):
        calls.start("a", "M", {"a": object()}, timeout=10, now=0)
    assert calls.next_timer() is None


def test_nothing_waits_at_first() -> None:
    calls = OwnCalls()
    assert calls.next_timer() is None
    assert calls.expired(1e9) == []
    assert calls.abandoned() == []


def test_a_call_times_out() -> None:
    calls = OwnCalls()
    slow = start(calls, "a", now=1.0, timeout=10.0)
    fast = start(calls, "b", now=2.0, timeout=5.0)
    assert calls.next_timer() == 7.0
    assert calls.expired(6.9) == []
    assert calls.expired(7.0) == [fast]
    assert calls.expired(7.0) == []
    assert calls.next_timer() == 11.0
    assert calls.answered(answer(b'"b"'), 8.0) is None
    assert calls.answered(answer(b'"a"'), 8.0) == (slow, 7.0)
    assert calls.next_timer() is None


def test_of_calls_that_share_an_id_only_the_late_one_times_out() -> None:
    calls = OwnCalls()
    late = start(calls, "a", now=0.0, timeout=1.0)
    other = start(calls, "a", now=0.0, timeout=9.0)
    assert calls.expired(1.0) == [late]
    assert calls.answered(answer(b'"a"'), 2.0) == (other, 2.0)


def test_when_the_connection_is_gone_all_calls_are_given_up_oldest_first() -> None:
    calls = OwnCalls()
    numbers = [start(calls, request_id) for request_id in ("b", "a", "b", "c")]
    assert calls.abandoned() == numbers
    assert calls.next_timer() is None
    assert calls.abandoned() == []
    assert calls.answered(answer(b'"a"'), 1.0) is None


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "answer", "expire"]), st.sampled_from("abc"))
    | st.tuples(st.just("wait"), st.integers(1, 5))
)


@given(STEPS)
def test_each_call_ends_exactly_once(steps: list[tuple[str, str | int]]) -> None:
    calls, now = OwnCalls(), 0.0
    started: list[int] = []
    ended: list[int] = []
    for step, what in steps:
        match step, what:
            case "start", str(request_id):
                started.append(start(calls, request_id, now, timeout=4.0))
            case "answer", str(request_id):
                found = calls.answered(answer(json.dumps(request_id).encode()), now)
                ended += [] if found is None else [found[0]]
            case "expire", _:
                ended += calls.expired(now)
                timer = calls.next_timer()
                assert timer is None or timer > now
            case _, int(seconds):
                now += seconds
    ended += calls.abandoned()
    assert sorted(ended) == started
