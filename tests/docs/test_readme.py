"""What the README says works when pasted, and its figures are those of the code."""

import asyncio
import builtins
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from signal import SIGINT
from threading import Thread
from typing import Any, TypeAlias

import pytest
import trio
from tests.adapters.pieces import DEADLINE, Collected
from tests.ports import free_port

from dojo_adapters.cli.exits import Exit
from dojo_proto import Settings, Status
from dojo_proto.backoff import MAX_RETRY_AFTER, Backoff
from dojo_proto.contract import METHODS
from dojo_proto.errors import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
)
from dojo_proto.journal import KEY_WINDOW, REPEAT_WINDOW
from dojo_simulator import LocalGateway
from dojo_simulator.restaurant import epos as restaurant
from dojo_simulator.simulate import DEFAULT_PORT

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")

Block: TypeAlias = Callable[..., dict[str, Any]]


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return found


def block(language: str, text: str) -> str:
    """The one block in `language` that has `text` in it."""
    [found] = [each for each in blocks(language) if text in each]
    return found


# The examples in Python.


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalGateway]:
    """A gateway, and the environment that the README exports for it, but for the port."""
    usual = f"ws://127.0.0.1:{DEFAULT_PORT}/epos"
    export, *assignments = block("sh", "export ").split()
    assert export == "export"
    variables = dict(word.split("=", 1) for word in assignments)
    assert variables["DOJO_EPOS_URL"] == usual
    for name in ("DOJO_API_KEY_FILE", "DOJO_API_URL", "DOJO_RESELLER_ID"):
        monkeypatch.delenv(name, raising=False)
    with LocalGateway() as gateway:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace(usual, gateway.url))
        yield gateway


@pytest.fixture
def till(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory to work in, with the till in it."""
    (tmp_path / "till.py").write_text(block("python", "epos = Epos("), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("till", None)


@pytest.fixture
def pasted(till: Path) -> Block:
    """Paste the block that contains a text into a file, run that, and return its names."""

    def pasted(text: str, name: str = "__main__") -> dict[str, Any]:
        path = till / "pasted.py"
        path.write_text(block("python", text), "utf-8")
        return runpy.run_path(str(path), run_name=name)

    return pasted


def visit(gateway: LocalGateway) -> None:
    """What the till of the README has to do for its gateway."""
    epos = gateway.wait_for_epos()
    order = epos.call("GetOrderByIdV1", {"orderId": "order-1"}).result
    assert order["id"] == "order-1"
    assert order["totalAmount"] == {"value": 2450, "currencyCode": "GBP"}
    assert order["paidAmount"]["value"] == 0
    assert order["payable"] is True
    unknown = epos.call("GetOrderByIdV1", {"orderId": "order-2"})
    assert unknown.error is not None
    assert unknown.error["errorType"] == "NotFound"
    payment = {
        "orderId": "order-1",
        "paymentIntentId": "pi-1",
        "paidAmount": {"value": 2450, "currencyCode": "GBP"},
    }
    for _ in ("the payment", "its retry"):
        paid = epos.call("RecordOrderPaymentByIdV1", payment, request_id="once").result
        assert paid["paidAmount"]["value"] == 2450
        assert paid["payable"] is False
    more = epos.call("RecordOrderPaymentByIdV1", {**payment, "paymentIntentId": "pi-2"})
    assert more.error is not None
    assert more.error["errorType"] == "Conflict"


def test_the_till_in_threads(
    gateway: LocalGateway,
    pasted: Block,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[str] = []

    def enter(prompt: str) -> str:
        asked.append(prompt)
        visit(gateway)
        return ""

    monkeypatch.setattr(builtins, "input", enter)
    pasted("from dojo_adapters import threads as dojo")
    assert asked == ["Enter closes the till\n"]
    assert "state='up'" in capsys.readouterr().out
    [connection] = gateway.connections
    assert connection.wait_closed().code == 1000


def test_the_till_in_fastapi(gateway: LocalGateway, pasted: Block) -> None:
    app = pasted("from fastapi import FastAPI")["app"]
    lifespan: Callable[[Any], AbstractAsyncContextManager[None]] = app.router.lifespan_context

    async def serve() -> Status:
        async with lifespan(app):
            await asyncio.to_thread(visit, gateway)
            assert await get(app, "/health") is True
        status: Status = app.state.dojo.status()
        return status

    assert asyncio.run(serve()).state == "stopped"
    [connection] = gateway.connections
    assert connection.wait_closed().code == 1000


async def get(app: Callable[..., Any], path: str) -> Any:
    """What `app` answers to a GET: as an ASGI server asks it."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
        "app": app,
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200
    return json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def test_the_till_in_a_trio_nursery(
    gateway: LocalGateway, pasted: Block, capsys: pytest.CaptureFixture[str]
) -> None:
    main = pasted("import trio", name="pasted")["main"]

    async def serve() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(main)
            await trio.to_thread.run_sync(visit, gateway)
            nursery.cancel_scope.cancel()

    trio.run(serve)
    assert "state='up'" in capsys.readouterr().out
    assert gateway.connections[0].wait_closed().code == 1006  # cancelling is a hard stop


def test_every_example_is_run_above() -> None:
    assert len(blocks("python")) == 4


# The commands.


class Program:
    """A command of the README that runs until it is ended."""

    def __init__(self, command: str, cwd: Path) -> None:
        variables, arguments = split(command)
        self._lines = Collected[str]()
        self.process = subprocess.Popen(  # noqa: S603 - a command of the README
            arguments,
            cwd=cwd,
            env={**os.environ, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_line(self, text: str) -> None:
        """Wait until it prints a line with `text` in it."""
        number = 0
        while not any(text in line for line in self._lines.wait(number)):
            number = len(self._lines.wait(number)) + 1

    def end(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(SIGINT)
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)


def split(command: str) -> tuple[dict[str, str], list[str]]:
    """The variables and the arguments of a command of the README."""
    words = shlex.split(command)
    variables = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    name, *arguments = words[len(variables) :]
    return variables, [str(Path(sysconfig.get_path("scripts")) / name), *arguments]


def test_the_quick_start(till: Path) -> None:
    simulate, run, trigger = block("sh", "dojo-epos simulate").splitlines()
    assert f"ws://127.0.0.1:{DEFAULT_PORT}/epos" in run
    # All as it is written, but for the port: on this machine the usual one may be taken.
    port = free_port()
    run = run.replace(str(DEFAULT_PORT), str(port))
    with ExitStack() as stack:
        local = Program(f"{simulate} --port {port}", till)
        stack.callback(local.kill)
        local.wait_line(f"ws://127.0.0.1:{port}/epos")
        epos = Program(run, till)
        stack.callback(epos.kill)
        epos.wait_line("requests can come in")
        _, arguments = split(f"{trigger} --port {port}")
        answer = subprocess.run(  # noqa: S603 - a command of the README
            arguments, capture_output=True, text=True, timeout=DEADLINE, check=True
        )
        assert json.loads(answer.stdout)["id"] == "order-1"
        local.wait_line("GetOrderByIdV1")
        assert epos.end() == 0
        assert local.end() == 0


def test_the_commands_at_the_top_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    commands = re.findall(r"^make (\w+)", block("sh", "make demo"), re.MULTILINE)
    assert commands == ["demo", "test"]
    assert "`make venv`" in README
    for target in [*commands, "venv"]:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
        assert re.search(rf"'make {target} ", makefile), "and are in its help"


# The figures.

S = Settings(api_key="sk_sandbox_test")
ROWS = dict(
    re.findall(
        r"^\| ([^|]+?) \| ([^|]+?) \|$", README.partition("does on the wire")[2], re.MULTILINE
    )
)


def backoff(number: int) -> list[float]:
    """The first delays, without chance."""
    delays = Backoff(
        initial=S.backoff_initial, maximum=S.backoff_max, jitter=0.0, uniform=lambda: 0.0
    )
    return [delays.next_delay() for _ in range(number)]


MIB, KIB, DAY = 1 << 20, 1 << 10, 86400
FIGURES: dict[str, list[float]] = {
    "Keepalive": [S.ping_interval, S.pong_timeout],
    "Reconnect": [*backoff(7), S.stable_after, S.backoff_max, MAX_RETRY_AFTER],
    "Requests": [S.max_in_flight, S.workers, S.max_queued, S.queue_timeout],
    "Reads": [S.read_timeout],
    "A repeat": [REPEAT_WINDOW, KEY_WINDOW / DAY],
    "Bad input": [PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS],
    "Stopping": [S.drain_timeout, 1000, Exit.CUT_OFF],
    "Limits": [
        S.max_message_size / MIB,
        S.max_header_size / KIB,
        S.max_json_depth,
        S.max_outbound / MIB,
    ],
}


@pytest.mark.parametrize("row", FIGURES)
def test_the_figures_of_the_table_are_those_of_the_code(row: str) -> None:
    numbers = re.findall("−?[0-9]+", ROWS[row])  # noqa: RUF001 - a minus, as typeset
    assert [float(number.replace("−", "-")) for number in numbers] == FIGURES[row]  # noqa: RUF001 - as above


def test_no_row_of_the_table_has_figures_that_nobody_checks() -> None:
    http = re.compile(r"HTTP/1\.1|http/1\.1")
    assert {row for row, text in ROWS.items() if re.search("[0-9]", http.sub("", text))} == set(
        FIGURES
    )


def test_what_chance_adds_to_a_delay() -> None:
    assert "each with up to half of it left to chance" in ROWS["Reconnect"]
    assert S.jitter == 0.5


def test_how_many_methods_there_are() -> None:
    assert len(restaurant.handlers()) == len(METHODS)
    assert f"The sample restaurant implements all {len(METHODS)} methods" in README


def test_which_python_it_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == ">=3.11"
    assert "need Python 3.11 or newer" in README
