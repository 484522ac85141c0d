"""`dojo-epos simulate` and `trigger`, with an EPOS between them; and `demo`."""

import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from threading import Event, Thread

import pytest
from tests.ports import free_port

from dojo_adapters.background import in_background
from dojo_adapters.cli import Exit, main
from dojo_proto import Settings
from dojo_proto.events import Event as EposEvent
from dojo_proto.events import Opened
from dojo_simulator.restaurant import Restaurant, epos

KEY = "sk_sandbox_c4nary"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def beside(port: int) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have an EPOS connect to the simulator of this thread, do something, and stop it all."""
    threads = []

    def start(play: Callable[[], None]) -> None:
        thread = Thread(target=work, args=(play,))
        threads.append(thread)
        thread.start()

    def work(play: Callable[[], None]) -> None:
        settings = Settings(
            api_key=KEY, url=f"ws://127.0.0.1:{port}/epos", backoff_initial=0.01, jitter=0
        )
        opened = Event()

        def on_event(event: EposEvent) -> None:
            if isinstance(event, Opened):
                opened.set()

        try:
            with in_background(
                "threads",
                epos,
                settings,
                journal="memory:",
                state=Restaurant(),
                on_event=on_event,
            ):
                assert opened.wait(5)
                play()
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    yield start
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_trigger_makes_the_simulator_call_and_prints_the_answer(
    port: int,
    beside: Callable[[Callable[[], None]], None],
    form: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    codes: list[int] = []

    def play() -> None:
        where = ["--port", str(port)]
        params = ["--params", '{"orderId": "order-2"}']
        codes.append(main(argv=["trigger", "GetOrderById", *params, *where]))
        codes.append(main(argv=["trigger", "OrderPizza", *where]))

    beside(play)
    simulate = ["simulate", "--port", str(port), "--format", form, "--route", "all"]
    assert main(argv=simulate) == Exit.OK
    assert codes == [Exit.OK, Exit.FAILED]
    out, err = capsys.readouterr()
    assert err == ""
    assert "c4nary" not in out
    assert '  "id": "order-2",\n' in out
    assert '    "code": -32601,\n' in out
    assert f"ws://127.0.0.1:{port}/epos" in out
    assert "sk_sandbox_…" in out


def test_json_has_one_object_a_line(
    port: int,
    beside: Callable[[Callable[[], None]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    beside(lambda: None)
    assert main(argv=["simulate", "--port", str(port), "--format", "json"]) == Exit.OK
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events = [each["event"] for each in told]
    assert events[-2:] == ["Connected", "Disconnected"]
    assert "Listening" in events


def test_a_trigger_without_a_simulator_says_so(
    port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv=["trigger", "ListAreas", "--port", str(port)]) == Exit.FAILED
    assert "no simulator" in capsys.readouterr().err


def test_a_port_that_is_taken_is_named(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(socket.create_server(("127.0.0.1", port))):
        assert main(argv=["simulate", "--port", str(port)]) == Exit.FAILED
    said = capsys.readouterr().err
    assert str(port) in said
    assert "stop it, or name with --port the first of three that are free" in said


@pytest.mark.parametrize("command", ["demo", "simulate", "trigger", "check", "journal"])
def test_the_help_says_what_wrong_arguments_give(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(argv=[command, "--nonsense"])
    with pytest.raises(SystemExit, match="0"):
        main(argv=[command, "--help"])
    assert re.search(r"^  2  .*wrong arguments$", capsys.readouterr().out, re.MULTILINE)


# The demonstration.


def test_the_demonstration_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["demo", "--runtime", "threads"]) == Exit.OK
    out, err = capsys.readouterr()
    assert err == ""
    assert "threads: 18 passed in " in out


def test_a_demonstration_with_a_failed_step_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("dojo_simulator.restaurant.ledger.set_lock", lambda *_: 1 / 0)
    assert main(argv=["demo", "--runtime", "threads"]) == Exit.FAILED
    assert "  FAIL  CreateOrderLockV1" in capsys.readouterr().out


def test_a_runtime_that_is_not_installed_is_a_wrong_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "anyio", None)
    monkeypatch.delitem(sys.modules, "dojo_adapters.anyio", raising=False)
    assert main(argv=["demo", "--runtime", "anyio"]) == Exit.CONFIGURATION
    assert "pip install 'dojo-proto[anyio]'" in capsys.readouterr().err
