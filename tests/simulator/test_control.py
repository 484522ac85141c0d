"""Triggering calls from another process."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event
from typing import Any

import pytest

from dojo_simulator import (
    Control,
    EposConnection,
    LocalGateway,
    SimulatorError,
    control_port,
    trigger,
)

Serve = Callable[..., Any]


@pytest.fixture
def control(gateway: LocalGateway, caplog: pytest.LogCaptureFixture) -> Iterator[Control]:
    with Control(gateway, 0) as control:
        yield control
    # asyncio logs what is raised where nobody waits for it.
    assert [record.getMessage() for record in caplog.get_records("call")] == []


def test_the_control_is_one_port_above_the_gateway() -> None:
    assert control_port(8765) == 8766


def test_a_trigger_sends_a_call_and_returns_the_answer(
    gateway: LocalGateway, control: Control, serve: Serve
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    with ThreadPoolExecutor() as threads:
        triggered = threads.submit(
            trigger, control.host, control.port, "GetOrderById", {"orderId": "7"}
        )
        request = epos.read_request()
        assert request["method"] == "GetOrderByIdV1"
        assert request["params"] == {"orderId": "7", "headers": {}}
        epos.answer(request, {"id": "7"})
        reply = triggered.result(5)
    assert (reply.id, reply.result, reply.error) == (request["id"], {"id": "7"}, None)


def test_unknown_methods_and_given_headers_are_sent_as_they_are(
    gateway: LocalGateway, control: Control, serve: Serve
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    params = {"headers": {"waiterId": "anna"}}
    with ThreadPoolExecutor() as threads:
        triggered = threads.submit(trigger, control.host, control.port, "MakeTeaV9", params)
        request = epos.read_request()
        assert (request["method"], request["params"]) == ("MakeTeaV9", params)
        epos.send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601}})
        assert triggered.result(5).error == {"code": -32601}


def test_a_trigger_may_go_wrong_and_is_then_sent_again(
    gateway: LocalGateway, control: Control, serve: Serve
) -> None:
    epos = serve(gateway.url)
    gateway.wait_for_epos()
    with ThreadPoolExecutor() as threads:
        triggered = threads.submit(
            trigger,
            control.host,
            control.port,
            "ListAreas",
            {},
            request_id="one",
            attempts=2,
            fault="drop-before-answer",
        )
        epos.answer(epos.read_request(), ["lost"])
        again = serve(gateway.url)
        request = again.read_request()
        assert request["id"] == "one"
        again.answer(request, ["found"])
        reply = triggered.result(5)
    assert (reply.result, reply.attempts) == (["found"], 2)


def test_a_fault_that_nobody_knows_is_reported(
    gateway: LocalGateway, control: Control, serve: Serve
) -> None:
    serve(gateway.url)
    gateway.wait_for_epos()
    with pytest.raises(SimulatorError, match=r"expected one of delay, .*; got 'explode'"):
        trigger(control.host, control.port, "ListAreas", {}, fault="explode")


def test_without_an_epos_there_is_nothing_to_trigger(
    gateway: LocalGateway, control: Control
) -> None:
    with pytest.raises(SimulatorError, match=f"no EPOS is connected to {gateway.url}"):
        trigger(control.host, control.port, "ListAreas", {})


def test_an_epos_that_was_here_is_waited_for(
    gateway: LocalGateway, control: Control, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait, waits = gateway.wait_for_epos, Event()

    def wait_for_epos(timeout: float) -> EposConnection:
        waits.set()
        return wait(timeout)

    serve(gateway.url)
    gateway.wait_for_epos().drop()
    monkeypatch.setattr(gateway, "wait_for_epos", wait_for_epos)
    with ThreadPoolExecutor() as threads:
        triggered = threads.submit(trigger, control.host, control.port, "ListAreas", {})
        assert waits.wait(5)
        again = serve(gateway.url)
        again.answer(again.read_request(), ["found"])
        assert triggered.result(5).result == ["found"]


def test_an_epos_that_does_not_come_back_is_reported(
    gateway: LocalGateway, control: Control, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dojo_simulator.control.RECONNECT", 0.01)
    serve(gateway.url)
    gateway.wait_for_epos().drop()
    with pytest.raises(SimulatorError, match="no EPOS is connected"):
        trigger(control.host, control.port, "ListAreas", {})


def test_an_epos_that_does_not_answer_is_reported(
    gateway: LocalGateway, control: Control, serve: Serve
) -> None:
    serve(gateway.url)
    gateway.wait_for_epos()
    with pytest.raises(SimulatorError, match=r"ListAreasV1 .* no answer within 0\.01 s"):
        trigger(control.host, control.port, "ListAreas", {}, timeout=0.01)


def test_without_a_simulator_the_error_names_the_address() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        port = deaf.getsockname()[1]
        said = rf"no simulator answers at 127\.0\.0\.1:{port}: .*`dojo-epos simulate` starts one"
        with pytest.raises(SimulatorError, match=said):
            trigger("127.0.0.1", port, "ListAreas", {})


def test_something_else_that_listens_is_no_simulator() -> None:
    with (
        LocalGateway(open_timeout=0.01) as gateway,
        pytest.raises(SimulatorError, match="is no simulator"),
    ):
        trigger(gateway.host, gateway.port, "ListAreas", {})


NESTED = b'{"a":' + b"[" * 100_000
"""Deeper than any decoder goes."""


@pytest.mark.parametrize(
    "line", [b"", b"HTTP/1.1 400 Bad Request\r\n", b'{"type": "\xff"}\n', NESTED + b"\n"]
)
def test_whatever_it_answers_it_is_no_simulator(line: bytes) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        ThreadPoolExecutor() as threads,
    ):
        host, port = listener.getsockname()
        triggered = threads.submit(trigger, host, port, "ListAreas", {})
        other, _ = listener.accept()
        with other:
            other.makefile("rb").readline()
            other.sendall(line)
        with pytest.raises(SimulatorError, match=f"what answers at {host}:{port} is no simulator"):
            triggered.result(5)


@pytest.mark.parametrize(
    "lines",
    [
        b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + b'{"method": "ListAreasV1", "params": {}}\n',
        b'{"method": "ListAreasV1"}\n',
        b'{"method": "ListAreasV1", "params": {}, "also": 1}\n',
        b"[]\n",
        b'{"method": "ListAreasV1", "params": ' + NESTED + b"\n",
        b'{"method": "\xff", "params": {}}\n',
        b"\xff\n",
        b"\n",
    ],
)
def test_a_first_line_that_is_no_trigger_closes_the_connection_and_triggers_nothing(
    gateway: LocalGateway, control: Control, serve: Serve, lines: bytes
) -> None:
    epos = serve(gateway.url)
    connection = gateway.wait_for_epos()
    with socket.create_connection((control.host, control.port), timeout=5) as visitor:
        visitor.sendall(lines)
        answer = b""
        with suppress(ConnectionResetError):  # there was more than the control has read
            answer = visitor.recv(4096)
        assert answer == b""
    call = connection.start_call("GetOrderByIdV1", {})
    assert epos.read_request()["id"] == call.id  # the first that has come
