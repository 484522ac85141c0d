"""The simulation as the command line runs it: one line for each thing that happens."""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

import pytest

from dojo_proto.events import Cause
from dojo_simulator import LocalGateway, SimulatorError, trigger
from dojo_simulator.events import (
    Disconnected,
    FaultInjected,
    FlowFinished,
    Notified,
    ObserverEvent,
    Registered,
    Unasked,
    masked,
)
from dojo_simulator.routing import Route
from dojo_simulator.simulate import Simulation, simulate, taken_ports_explained, text

Serve = Callable[..., Any]
KEY = "sk_sandbox_c4nary"


class Lines:
    def __init__(self) -> None:
        self._queue: SimpleQueue[str] = SimpleQueue()
        self.seen: list[str] = []
        self.stop = Event()

    def write(self, line: str) -> None:
        self._queue.put(line)

    def next(self) -> str:
        self.seen.append(self._queue.get(timeout=5))
        return self.seen[-1]


@contextmanager
def simulation(*, json_lines: bool, route: Route = "all", **options: Any) -> Iterator[Lines]:
    lines = Lines()
    thread = Thread(
        target=simulate,
        args=(Simulation(port=0, route=route, **options),),
        kwargs={"json_lines": json_lines, "stop": lines.stop, "write": lines.write},
    )
    thread.start()
    try:
        yield lines
    finally:
        lines.stop.set()
        thread.join(5)
    assert not thread.is_alive()


def test_the_life_of_a_connection_in_text(serve: Serve) -> None:
    with simulation(json_lines=False) as lines:
        host, port = lines.next().removeprefix("taking triggers at ").split(":")
        assert lines.next().startswith("serving REST at http://127.0.0.1:")
        url = lines.next().removeprefix("listening at ")
        epos = serve(url, key=KEY)
        connected = lines.next()
        assert connected.startswith("[1] connected: host: 127.0.0.1:")
        assert "authorization: Basic sk_sandbox_…" in connected
        assert "software-house-id: acme-epos" in connected

        triggering = Thread(
            target=trigger, args=(host, int(port), "GetOrderById", {"orderId": "7"})
        )
        triggering.start()
        request = epos.read_request()
        number = request["id"]
        expected = f'[1] → GetOrderByIdV1 {number} {{"orderId":"7","headers":{{}}}}'
        assert lines.next() == expected
        epos.answer(request, {"id": "7"})
        triggering.join(5)
        answered = lines.next()
        assert answered.startswith(f"[1] ← GetOrderByIdV1 {number} ")
        assert answered.endswith(' ms {"id":"7"}')

        epos.send({"jsonrpc": "2.0", "id": "?", "result": 1})
        assert lines.next().startswith("[1] ← (answers no call) {")
        epos.close()
        assert lines.next().startswith("[1] gone after ")
    assert "c4nary" not in "".join(lines.seen)


def test_the_life_of_a_connection_in_json(serve: Serve) -> None:
    with simulation(json_lines=True) as lines:

        def event() -> dict[str, Any]:
            decoded: dict[str, Any] = json.loads(lines.next())
            return decoded

        control = event()
        assert control["event"] == "TakingTriggers"
        assert event()["event"] == "ServingRest"
        listening = event()
        assert listening["event"] == "Listening"
        epos = serve(listening["url"], key=KEY)
        connected = event()
        assert (connected["event"], connected["connection"]) == ("Connected", 1)
        assert ["authorization", "Basic sk_sandbox_…"] in connected["headers"]

        where = control["host"], control["port"]
        triggering = Thread(target=trigger, args=(*where, "GetOrderById", {}))
        triggering.start()
        request = epos.read_request()
        called = event()
        assert (called["event"], called["id"]) == ("Called", request["id"])
        error = {"code": -32004, "message": "no"}
        epos.send({"jsonrpc": "2.0", "id": request["id"], "error": error})
        triggering.join(5)
        answered = event()
        assert (answered["event"], answered["error"]) == ("Answered", error)
        epos.close()
        assert event()["event"] == "Disconnected"
    assert "c4nary" not in "".join(lines.seen)


def test_without_starlette_there_is_no_rest_side_and_everything_is_routed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "dojo_simulator.rest", raising=False)
    with simulation(json_lines=False, route="registered") as lines:
        host, port = lines.next().removeprefix("taking triggers at ").split(":")
        assert lines.next() == (
            "no REST side, and everything is routed: it needs dojo-proto[simulator] "
            "(uvicorn is not installed)"
        )
        epos = serve(lines.next().removeprefix("listening at "))
        with ThreadPoolExecutor() as threads:
            called = threads.submit(trigger, host, int(port), "ListAreas", {})
            epos.answer(epos.read_request(), [])
            assert called.result(5).result == []
        epos.close()


def test_only_what_was_registered_is_routed_and_all_of_it_is_told(serve: Serve) -> None:
    capabilities = b'{"capabilities":[{"name":"MakeTea","version":"v1"}]}'
    headers = {
        "Authorization": f"Basic {KEY}",
        "software-house-id": "acme-epos",
        "version": "2026-02-27",
        "Content-Type": "application/json",
    }
    with simulation(json_lines=False, route="registered", capabilities=("MakeTea",)) as lines:
        host, port = lines.next().removeprefix("taking triggers at ").split(":")
        rest = lines.next().removeprefix("serving REST at http://")
        epos = serve(lines.next().removeprefix("listening at "), key=KEY)
        lines.next()  # connected
        with pytest.raises(SimulatorError, match=r"MakeTea is not registered.*registered nothing"):
            trigger(host, int(port), "MakeTeaV1", {})
        with closing(HTTPConnection(rest, timeout=5)) as connection:
            for without in ("version", ""):
                sent = {name: value for name, value in headers.items() if name != without}
                connection.request("PUT", "/epos/integrations/ws", capabilities, sent)
                connection.getresponse().read()
        assert lines.next() == (
            "PUT /epos/integrations/ws refused with 400: "
            "version: expected 2026-02-27, the header is missing"
        )
        assert lines.next() == "acme-epos has registered MakeTea"
        with pytest.raises(SimulatorError, match=r"no answer within 0\.01 s"):
            trigger(host, int(port), "MakeTeaV1", {}, timeout=0.01)
        epos.close()


def test_a_port_that_may_not_be_taken_is_no_port_that_is_taken() -> None:
    with pytest.raises(PermissionError, match="denied"), taken_ports_explained():
        raise PermissionError("denied")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            FaultInjected(connection=2, fault="delay 1", id="7", method="ListAreasV1"),
            "[2] ! delay 1: ListAreasV1 7",
        ),
        (
            FaultInjected(connection=None, fault="refuse 503", id=None, method=None),
            "[-] ! refuse 503: the upgrade",
        ),
        (Registered(software_house_id="acme", capabilities=()), "acme has registered nothing"),
        (
            Notified(software_house_id="acme", event_type="OrderUpdated", id="7"),
            "acme tells of OrderUpdated 7",
        ),
        (
            FlowFinished(id="7", name="WalkIn", status="FAILURE", reason="CreateParty: no"),
            "flow WalkIn 7: FAILURE CreateParty: no",
        ),
        (
            FlowFinished(id="7", name="WalkIn", status="SUCCESS", reason=""),
            "flow WalkIn 7: SUCCESS",
        ),
    ],
)
def test_what_is_beside_the_connections_has_a_line_too(event: ObserverEvent, line: str) -> None:
    assert text(event) == line


def test_refusals_and_calls_without_an_answer_in_text(connect: Serve) -> None:
    lines = Lines()
    with LocalGateway(on_event=lambda event: lines.write(text(event))) as gateway:
        assert lines.next() == f"listening at {gateway.url}"
        gateway.refuse_next(503)
        connect(gateway.url, key=KEY)
        assert lines.next().startswith("refused with 503: host: 127.0.0.1:")
        connect(gateway.url, key=KEY)
        assert "connected" in lines.next()
        gateway.wait_for_epos().start_call("ListAreasV1", request_id="x")
        assert lines.next() == "[1] → ListAreasV1 x"
        gateway.wait_for_epos().drop()
        expected = "[1] ✗ ListAreasV1 (id 'x'): the connection ended before the answer: aborted"
        assert lines.next().startswith(expected)
    assert "c4nary" not in "".join(lines.seen)


def test_an_observer_that_raises_harms_no_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def on_event(event: object) -> None:
        raise RuntimeError(f"no room for {type(event).__name__}")

    with LocalGateway(on_event=on_event, close_timeout=0.01) as gateway:
        epos = serve(gateway.url)
        call = gateway.wait_for_epos().start_call("ListAreasV1")
        epos.answer(epos.read_request(), [])
        assert call.wait().result == []
    assert "no room for Connected" in caplog.text


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        ("Basic sk_sandbox_c4nary", "Basic sk_sandbox_…"),
        ("Basic sk_prod_c4nary", "Basic sk_prod_…"),
        ("Basic c4nary", "Basic …"),
        ("sk_prod_c4nary", "sk_prod_…"),
        ("c4nary", "…"),
    ],
)
def test_of_a_key_only_the_prefix_is_shown(came: str, shown: str) -> None:
    assert masked((("authorization", came), ("host", "x"))) == (
        ("authorization", shown),
        ("host", "x"),
    )


def test_a_line_holds_nothing_that_a_terminal_would_obey() -> None:
    assert text(Unasked(connection=1, message="\x1b[2J\n\x9b")) == (
        "[1] ← (answers no call) ?[2J??"
    )


def test_who_never_connected_is_told_too() -> None:
    event = Disconnected(connection=None, cause=Cause.LOST, reason="gone", code=None, up_for=0)
    assert text(event) == "gone before it was connected: lost: gone"


def test_it_stops_when_nobody_reads_its_lines() -> None:
    stop = Event()

    def write(line: str) -> None:
        raise BrokenPipeError(line)

    simulate(Simulation(port=0), stop=stop, write=write)
    assert stop.is_set()
