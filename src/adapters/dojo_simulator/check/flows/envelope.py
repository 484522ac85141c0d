"""The envelope of every answer; made last, since it judges what all other checks got."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec

from dojo_proto.contract import BY_NAME, strict
from dojo_simulator.check import stock
from dojo_simulator.check.answers import ERROR_TYPES, brief
from dojo_simulator.check.bench import Answered, Bench
from dojo_simulator.check.flows.connection import a_read
from dojo_simulator.check.flows.events import payment_event
from dojo_simulator.check.framework import Failed, Flow, Json, Skipped, Source

flow = Flow("Envelope")

_IDS = ("7", 'é"\\/\u2028𝄞', "null", "x" * 200)
"""Ids that an EPOS has to echo as they came, and not as it would write them."""

_READS = ("SearchOrders", "SearchTables", "ListAreas", "SearchParties", "SearchReservations")


def _ask(bench: Bench, method: str, params: Json | None = None) -> None:
    """Have a success to judge, if the EPOS has the method. Raises Failed if it is an error."""
    if bench.is_served(method):
        with suppress(Skipped):
            bench.call(method, params).result()


def _judge(bench: Bench, fault: Callable[[Answered], str], *, errors: bool) -> str:
    """Raise Failed if an answer of the run has a fault; say how many were judged."""
    judged = [each for each in bench.answered if ("error" in each.answer.envelope) is errors]
    wrong = dict.fromkeys(f"{each.method}: {found}" for each in judged if (found := fault(each)))
    if wrong:
        raise Failed(
            f"{len(judged)} answers",
            expected="no fault in any",
            came="; ".join(list(wrong)[:5]),
        )
    if not judged:
        raise Skipped("no such answer came: run more checks besides")
    return f"{len(judged)} answers of this run were judged"


@flow.check(
    "ENV-1",
    "Every success of this run, and requests with odd ids",
    expected='the id as it came, jsonrpc "2.0", and a result that fits the vendor\'s schema',
    source=(Source.API, Source.JSON_RPC),
)
def _successes(bench: Bench) -> str:
    method, params = a_read(bench)
    for request_id in _IDS:
        bench.call(method, params, request_id=request_id)
    for each in _READS:
        _ask(bench, each)
    return _judge(bench, _fault_of_success, errors=False)


def _fault_of_success(answered: Answered) -> str:
    envelope = answered.answer.envelope
    if envelope.get("jsonrpc") != "2.0":
        return f'jsonrpc is {brief(envelope.get("jsonrpc"))}, not "2.0"'
    if "result" not in envelope:
        return "there is neither a result nor an error"
    row = BY_NAME.get(answered.method)
    if row is None or row.result is None:
        return ""
    return strict.fault(row.result, msgspec.json.encode(envelope["result"]))


@flow.check(
    "ENV-2",
    "Every error of this run",
    expected=f"errorType, one of {', '.join(ERROR_TYPES)}; code and message; no result",
    source=(Source.API, Source.JSON_RPC),
)
def _failures(bench: Bench) -> str:
    bench.start("NoSuchMethodV1").wait()
    if bench.is_served("GetOrderById"):
        bench.call("GetOrderById", {"orderId": stock.fresh("order")})
    return _judge(bench, _fault_of_error, errors=True)


def _fault_of_error(answered: Answered) -> str:
    envelope = answered.answer.envelope
    error = envelope["error"]
    if not isinstance(error, dict):
        return f"the error is {brief(error)}, not an object"
    return next(_faults_of(envelope, error), "")


def _faults_of(envelope: dict[str, object], error: dict[str, object]) -> Iterator[str]:
    if envelope.get("jsonrpc") != "2.0":
        yield 'jsonrpc is not "2.0"'
    if "result" in envelope:
        yield "it has a result as well"
    if error.get("errorType") not in ERROR_TYPES:
        yield f"errorType is {brief(error.get('errorType'))}"
    if not isinstance(error.get("code"), int) or isinstance(error.get("code"), bool):
        yield f"code is {brief(error.get('code'))}, not an integer"
    if not isinstance(error.get("message"), str):
        yield f"message is {brief(error.get('message'))}, not a text"


@flow.check(
    "ENV-3",
    "Every success of a method that has nothing to say",
    expected="the result {}, not null",
    source=Source.API,
)
def _empty(bench: Bench) -> str:
    _ask(bench, "HandleEvent", payment_event(stock.fresh("intent")))
    own = [each for each in bench.answered if _has_empty_result(each.method)]
    if not own:
        raise Skipped("the EPOS has answered no request of such a method")
    bad = sorted({each.method for each in own if each.answer.envelope.get("result", {}) != {}})
    if bad:
        raise Failed("results", expected="{}", came=f"something else from {json.dumps(bad)}")
    return f"{len(own)} answers of this run were judged"


def _has_empty_result(method: str) -> bool:
    row = BY_NAME.get(method)
    return row is not None and row.empty_result
