"""`dojo-epos run`: what it tells, and how it ends."""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from dojo_adapters.cli import Exit, main
from dojo_adapters.runtimes import RUNTIMES
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto import Context, Epos
from dojo_simulator import EposConnection, LocalGateway, SimulatorError

KEY = "sk_sandbox_c4nary"

epos = Epos(software_house_id="acme-epos")


@epos.on("ListAreas")
def list_areas(_ctx: Context, _params: dict[str, object]) -> list[object]:
    print("a handler prints")
    return []


@epos.on("SearchTables")
def search_tables(_ctx: Context, _params: dict[str, object]) -> dict[str, object]:
    raise ZeroDivisionError("c4nary of a handler")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("DOJO_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOJO_API_KEY", KEY)


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    with LocalGateway(close_timeout=0.1) as gateway:
        yield gateway


@contextmanager
def meanwhile(play: Callable[[], object]) -> Iterator[None]:
    """Do that in another thread, then stop this process as a user would."""

    def work() -> None:
        try:
            play()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def run(gateway: LocalGateway, play: Callable[[], object], *more: str) -> int:
    before = signal.getsignal(signal.SIGTERM)
    with meanwhile(play):
        code = main(epos, ["run", "--url", gateway.url, *more])
    assert signal.getsignal(signal.SIGTERM) is before
    return code


def ask(gateway: LocalGateway) -> EposConnection:
    """Wait until the EPOS serves, which it does only when it knows that it is connected."""
    connection = gateway.wait_for_epos()
    assert connection.call("ListAreasV1", {}).result == []
    return connection


def text_lines(said: str) -> list[tuple[str, str]]:
    """(level, message) of each line, without its time."""
    return [(line[20:28].rstrip(), line[29:]) for line in said.splitlines() if line[:2] == "20"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_tells_when_it_is_ready_and_stops_cleanly(
    gateway: LocalGateway, runtime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(gateway, partial(ask, gateway), "--runtime", runtime) == Exit.OK
    out, err = capsys.readouterr()
    assert out == "a handler prints\n"
    (level, ready), (_, stopping), (_, over) = text_lines(err)
    assert level == "INFO"
    assert stopping == "stopping: nothing runs"
    assert ready.startswith(f"ready: connected to {gateway.url} after ")
    assert "the service was stopped" in over
    assert gateway.connections[0].wait_closed().code == 1000


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_key_that_is_refused_has_its_own_exit_code(
    gateway: LocalGateway, runtime: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.refuse_next(403)
    code = main(epos, ["run", "--url", gateway.url, "--runtime", runtime])
    assert code == Exit.AUTHENTICATION
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "403" in said
    assert "check that the key is the one of this gateway" in said
    assert "c4nary" not in said


def test_each_failed_dial_is_one_line_with_its_reason_and_the_next_try(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.refuse_next(503, 2)
    quick = ["--set", "backoff_initial=0.01", "--set", "jitter=0"]
    assert run(gateway, partial(ask, gateway), *quick) == Exit.OK
    lines = text_lines(capsys.readouterr().err)
    assert [level for level, _ in lines] == ["WARNING", "WARNING", "INFO", "INFO", "INFO"]
    for number, (_, message) in enumerate(lines[:2], start=1):
        assert "status 503" in message
        assert message.endswith(f"; next try in 0.0 s (failure {number})")
    assert lines[2][1].startswith("ready: ")


def test_a_connection_that_is_lost_is_one_line_too(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def play() -> None:
        first = ask(gateway)
        first.drop()
        gateway.wait_for_epos(after=first)
        ask(gateway)

    assert run(gateway, play, "--set", "backoff_initial=0.01", "--set", "jitter=0") == Exit.OK
    lines = text_lines(capsys.readouterr().err)
    assert [level for level, _ in lines] == ["INFO", "WARNING", "INFO", "INFO", "INFO"]
    assert lines[1][1].startswith("the connection was open for ")
    assert lines[1][1].endswith("; next try in 0.0 s (failure 1)")


def test_the_level_decides_what_is_told(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.refuse_next(503)
    quick = ["--set", "backoff_initial=0.01", "--set", "log_level=WARNING"]
    assert run(gateway, partial(ask, gateway), *quick) == Exit.OK
    ((level, message),) = text_lines(capsys.readouterr().err)
    assert level == "WARNING"
    assert message.startswith("next try in 0.0 s (failure 1): ")
    assert "503" in message


def test_a_handler_that_fails_shows_its_traceback_once(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def play() -> None:
        gateway.wait_for_epos().call("SearchTablesV1", {})

    assert run(gateway, play, "--set", "log_level=DEBUG") == Exit.OK
    said = capsys.readouterr().err
    assert said.count("ZeroDivisionError: c4nary of a handler") == 1
    assert said.count("in search_tables") == 1
    levels = [level for level, _ in text_lines(said)]
    assert levels == ["INFO", "DEBUG", "ERROR", "DEBUG", "INFO", "INFO"]


def test_json_has_one_object_a_line_and_nothing_else_on_stdout(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def play() -> None:
        connection = gateway.wait_for_epos()
        connection.call("ListAreasV1", {"headers": {"waiterId": "c4nary-waiter"}})
        connection.call("SearchTablesV1", {})

    more = ["--format", "json", "--set", "log_level=DEBUG"]
    before = sys.stdout
    assert run(gateway, play, *more) == Exit.OK
    assert sys.stdout is before
    out, err = capsys.readouterr()
    assert err == "a handler prints\n"
    assert "c4nary" not in out
    told: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert [each["event"] for each in told] == [
        "Opened",
        "RequestStarted",
        "RequestFinished",
        "RequestStarted",
        "HandlerFailed",
        "RequestFinished",
        "Draining",
        "Closed",
    ]
    assert list(told[0]) == ["event", "time", "level", "link", "url", "seconds"]
    assert told[2]["outcome"] == "success"
    assert told[4]["error"] == "ZeroDivisionError"
    assert told[4]["traceback"][-1].endswith(" in search_tables")
    assert [each["event"] for each in told if each.get("alarm")] == ["HandlerFailed"]
    assert (told[-1]["cause"], told[-1]["code"]) == ("stopped", 1000)
    assert all(each["time"].endswith("+00:00") for each in told)


def test_what_is_no_event_is_a_line_as_well(
    gateway: LocalGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def play() -> None:
        ask(gateway)
        logging.getLogger("dojo_adapters").warning("%d of them", 3)

    assert run(gateway, play, "--format", "json") == Exit.OK
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (log,) = (each for each in told if each["event"] == "Log")
    assert (log["level"], log["message"]) == ("WARNING", "3 of them")


def test_the_log_is_left_as_it_was(gateway: LocalGateway) -> None:
    logger = logging.getLogger("dojo_adapters")
    before = logger.handlers[:], logger.propagate, logger.level
    assert run(gateway, partial(ask, gateway)) == Exit.OK
    assert (logger.handlers, logger.propagate, logger.level) == before


def test_a_second_signal_stops_at_once(gateway: LocalGateway) -> None:
    waits = Epos(software_house_id="acme-epos")

    @waits.on("ListAreas")
    def list_areas(_ctx: Context, _params: dict[str, object]) -> dict[str, object]:
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(SimulatorError):
            gateway.connections[0].wait_closed(60)
        return {}

    waits.on("SearchTables")(lambda _ctx, _params: {"data": []})

    def play() -> None:
        connection = gateway.wait_for_epos()
        connection.start_call("ListAreasV1", {})
        # Until it is stopping: of two signals that come at once a process may see one alone.
        while (error := connection.call("SearchTablesV1", {}).error) is None:
            pass
        assert "is stopping" in error["message"]

    with meanwhile(play):
        assert main(waits, ["run", "--url", gateway.url]) == Exit.OK
    assert gateway.connections[0].wait_closed().code in {None, 1006}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("drain_timeout", [0.05, 600])
def test_a_payment_that_is_cut_off_has_its_own_exit_code(
    gateway: LocalGateway, runtime: str, drain_timeout: float, capsys: pytest.CaptureFixture[str]
) -> None:
    pays, door = Epos(software_house_id="acme-epos"), Event()
    pays.on("SearchTables")(lambda _ctx, _params: {"data": []})

    @pays.on("RecordOrderPaymentById")
    def pay(_ctx: Context, _params: object) -> dict[str, object]:
        os.kill(os.getpid(), signal.SIGTERM)
        assert door.wait(60)
        return {}

    def play() -> None:
        connection = gateway.wait_for_epos()
        paid = {"orderId": "order-1", "paymentIntentId": "pi-1"}
        connection.start_call("RecordOrderPaymentByIdV1", paid)
        if drain_timeout == 600:
            while connection.call("SearchTablesV1", {}).error is None:
                pass
            os.kill(os.getpid(), signal.SIGTERM)

    playing = Thread(target=play)
    playing.start()
    more = ["--journal", "memory:", "--set", f"drain_timeout={drain_timeout}"]
    code = main(pays, ["run", "--url", gateway.url, "--runtime", runtime, *more])
    playing.join()
    door.set()
    assert code == Exit.CUT_OFF
    assert "was done is not known: the service ended before it was over" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "ping_interval=99"], "ping_interval: expected seconds from 0.001 to 30"),
        (["--url", "ftp://gateway"], "url: expected a URL that starts with wss:// or ws://"),
        (["--journal", "disk:"], 'journal: expected "memory:"'),
    ],
)
def test_a_wrong_configuration_has_its_own_exit_code(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(epos, ["run", *arguments]) == Exit.CONFIGURATION
    assert said in capsys.readouterr().err


def test_no_key_is_a_wrong_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DOJO_API_KEY")
    assert main(epos, ["run"]) == Exit.CONFIGURATION
    assert "there is no API key: set DOJO_API_KEY" in capsys.readouterr().err


def test_no_journal_is_a_wrong_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv=["run", "dojo_simulator.restaurant:epos"]) == Exit.CONFIGURATION
    assert "such as --journal sqlite:" in capsys.readouterr().err


def test_a_journal_that_another_service_holds_has_its_own_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holder = SqliteJournal(tmp_path / "journal.db")
    assert main(epos, ["run", "--journal", f"sqlite:{holder.path}"]) == Exit.JOURNAL_IN_USE
    holder.close()
    said = capsys.readouterr().err
    assert f"another service holds the journal {holder.path}: process {os.getpid()}" in said


def test_an_async_handler_under_threads_is_a_wrong_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waits = Epos(software_house_id="acme-epos")

    @waits.on("ListAreas")
    async def list_areas(_ctx: Context, _params: dict[str, object]) -> dict[str, object]:
        return {}

    assert main(waits, ["run", "--runtime", "threads"]) == Exit.CONFIGURATION
    assert "is async def" in capsys.readouterr().err


def test_a_runtime_that_is_not_installed_is_a_wrong_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "trio", None)
    monkeypatch.delitem(sys.modules, "dojo_adapters.trio", raising=False)
    assert main(epos, ["run", "--runtime", "trio"]) == Exit.CONFIGURATION
    assert "pip install 'dojo-proto[trio]'" in capsys.readouterr().err
