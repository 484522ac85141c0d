"""An EPOS that is not written with this library, and what it gets wrong on the wire."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from socket import SHUT_RDWR
from threading import Thread
from typing import Any

import pytest
from tests.simulator.conftest import PlayedEpos

from dojo_proto.connection import Ended
from dojo_proto.errors import LocalProtocolError
from dojo_proto.framing import Message
from dojo_simulator.check import QUICK, Bench, Pace, Verdict, chosen, make, visited_bench

Json = dict[str, Any]
Speak = Callable[[bytes], Json | None]
"""A message → what to answer; None for nothing. Raising ends the connection."""

Attach = Callable[..., Bench]


@pytest.fixture
def attach() -> Iterator[Attach]:
    """Have an EPOS connect to the checks which answers as `speak` says."""
    with ExitStack() as stack:

        def attach(speak: Speak, *, connections: int = 1, pace: Pace = QUICK) -> Bench:
            bench = stack.enter_context(visited_bench(0, rest_port=0, pace=pace))
            for _ in range(connections):
                epos = _Foreign(f"ws://127.0.0.1:{bench.tap.port}/epos", speak)
                stack.callback(epos.stop)
            return bench

        yield attach


class _Foreign:
    """Serves in a thread, and connects again when it has lost its connection."""

    def __init__(self, url: str, speak: Speak) -> None:
        self._url = url
        self._speak = speak
        self._stopping = False
        self._played = PlayedEpos(url)
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        with suppress(OSError):  # it has ended already
            self._played.socket.shutdown(SHUT_RDWR)
        self._thread.join(5)

    def _work(self) -> None:
        while not self._stopping:
            with suppress(OSError, ValueError, LocalProtocolError):
                self._serve()
            self._played.close()
            if not self._stopping:
                self._played = PlayedEpos(self._url)

    def _serve(self) -> None:
        while not isinstance(event := self._played.next_event(), Ended):
            if isinstance(event, Message) and (answer := self._speak(event.data)) is not None:
                self._played.send(answer)


def right(message: bytes) -> Json | None:
    """What an EPOS answers that knows SearchOrders alone, and has no orders."""
    try:
        request = json.loads(message)
    except ValueError:
        return failure(None, -32700)
    if not isinstance(request, dict) or "id" not in request:
        return None
    if request["method"] == "SearchOrdersV1":
        return {"jsonrpc": "2.0", "id": request["id"], "result": {"data": []}}
    return failure(request["id"], -32602 if request["method"] == "GetOrderByIdV1" else -32601)


def failure(request_id: object, code: int) -> Json:
    error = {"code": code, "message": "no", "errorType": "InvalidRequest"}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def failed(bench: Bench, check: str) -> str:
    finding = make(bench, chosen([check]))[0]
    assert finding.verdict is Verdict.FAILED, finding.said
    return finding.said


@pytest.mark.parametrize("check", ["CON-1", "CON-3", "CON-5", "CON-7", "CON-8", "CON-9", "ENV-1"])
def test_one_that_is_right(check: str, attach: Attach) -> None:
    finding = make(attach(right), chosen([check]))[0]
    assert finding.verdict is Verdict.PASSED, finding.said


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        ({"error": {"errorType": "InvalidRequest", "message": "no"}}, "code is null"),
        ({"error": {"errorType": "Oops", "code": 1, "message": "no"}}, "errorType is"),
        ({"error": {"errorType": "NotFound", "code": 1}}, "message is null"),
        ({"result": {}}, "it has a result as well"),
        ({"error": "no"}, "not an object"),
        ({"jsonrpc": "1.0"}, "jsonrpc"),
    ],
)
def test_an_error_without_what_it_needs(spoil: Json, complaint: str, attach: Attach) -> None:
    def speak(message: bytes) -> Json | None:
        answer = right(message)
        return {**answer, **spoil} if answer and "error" in answer else answer

    assert complaint in failed(attach(speak), "ENV-2")


def test_an_answer_without_its_version(attach: Attach) -> None:
    def speak(message: bytes) -> Json | None:
        answer = right(message) or {}
        return {name: value for name, value in answer.items() if name != "jsonrpc"}

    assert "jsonrpc is null" in failed(attach(speak), "ENV-1")


def test_broken_json_ends_the_connection(attach: Attach) -> None:
    def speak(message: bytes) -> Json | None:
        json.loads(message)
        return right(message)

    assert "the connection is still there" in failed(attach(speak), "CON-8")


def test_a_notification_is_answered(attach: Attach) -> None:
    def speak(message: bytes) -> Json | None:
        return right(message) or {"jsonrpc": "2.0", "id": None, "result": {}}

    assert "an error without an id, or nothing" in failed(attach(speak), "CON-8")


def test_a_large_message_is_dropped(attach: Attach) -> None:
    def speak(message: bytes) -> Json | None:
        return right(message) if len(message) < 1 << 16 else None

    assert "expected an answer" in failed(attach(speak, pace=Pace(patience=1)), "CON-9")


def test_two_connections(attach: Attach) -> None:
    assert "one at a time" in failed(attach(right, connections=2), "CON-7")


def test_every_delivery_of_a_payment_is_booked(attach: Attach) -> None:
    payments: list[Json] = []

    def order() -> Json:
        return {
            "id": "1",
            "payable": True,
            "totalAmount": {"value": 1000, "currencyCode": "GBP"},
            "paidAmount": {"value": 2 * len(payments), "currencyCode": "GBP"},
            "payments": list(payments),
        }

    def speak(message: bytes) -> Json | None:
        request = json.loads(message)
        if request["method"] == "RecordOrderPaymentByIdV1":
            payments.append(request["params"])
        result = {"data": [order()]} if request["method"] == "SearchOrdersV1" else order()
        return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    assert "sent again" in failed(attach(speak), "CON-6")
