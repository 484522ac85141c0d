"""What the guide says works when pasted, in the order in which it says it."""

import builtins
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from tests.adapters.pieces import DEADLINE
from tests.docs.test_readme import ROOT, Program
from tests.ports import free_port

from dojo_adapters.cli import main
from dojo_simulator import LocalGateway
from dojo_simulator.rest import RestApi
from dojo_simulator.simulate import DEFAULT_PORT

pytest_plugins = ["pytester"]

GUIDE = (ROOT / "docs/guide.md").read_text("utf-8")
SOURCES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))
COMMANDS = re.findall(r"^```sh\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """The lines of the one block that has `text` in it."""
    [block] = [block for block in COMMANDS if text in block]
    lines: list[str] = block.splitlines()
    return lines


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with the files of the guide in it, to work in."""
    for name, text in SOURCES.items():
        (tmp_path / name).write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("till", None)


class Terminals:
    """Where the guide's commands are typed: in `desk`, on ports that are free."""

    def __init__(
        self,
        desk: Path,
        stack: ExitStack,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.port = free_port()
        self._desk = desk
        self._stack = stack
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def export(self, line: str) -> None:
        """Do an `export NAME=value`."""
        name, _, value = line.removeprefix("export ").partition("=")
        self._monkeypatch.setenv(name, self._here(value))

    def start(self, line: str) -> Program:
        """Start a command that runs until it is ended."""
        program = Program(self._here(line), self._desk)
        self._stack.callback(program.kill)
        return program

    def run(self, line: str) -> str:
        """Run a command that succeeds, and return what it prints."""
        program, *arguments = shlex.split(self._here(line))
        assert program == "dojo-epos"
        self._capsys.readouterr()
        code = main(argv=arguments)
        printed = self._capsys.readouterr()
        assert code == 0, f"{line}\n{printed.out}\n{printed.err}"
        return printed.out

    def _here(self, line: str) -> str:
        line = line.replace("$PWD", str(self._desk))
        for ahead in range(3):
            line = line.replace(str(DEFAULT_PORT + ahead), str(self.port + ahead))
        return line


@pytest.fixture
def terminals(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Terminals]:
    with ExitStack() as stack:
        yield Terminals(desk, stack, monkeypatch, capsys)


def test_what_it_installs_exists() -> None:
    [line] = commands("pip install")
    [extra] = re.findall(r"dojo-proto\[(\w+)\]", line)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert extra in project["optional-dependencies"]


def test_its_tests_pass(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pytest\n" in COMMANDS
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("till.py", "test_till.py"):
        (pytester.path / name).write_text(SOURCES[name], "utf-8")
    result = pytester.runpytest("-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=SOURCES["test_till.py"].count("\ndef test_"))


def test_it_is_tried_out_and_registered(terminals: Terminals) -> None:
    [simulate] = commands("dojo-epos simulate")
    *exports, run = commands("export DOJO_EPOS_URL")
    simulator = terminals.start(f"{simulate} --port {terminals.port}")
    simulator.wait_line(f"ws://127.0.0.1:{terminals.port}/epos")
    for export in exports:
        terminals.export(export)
    epos = terminals.start(run)
    epos.wait_line("requests can come in")
    simulator.wait_line("acme-epos has registered")

    search, pay = commands("dojo-epos trigger")
    found = msgspec.json.decode(terminals.run(f"{search} --port {terminals.port}"))
    assert found["data"][0]["id"] == "order-1"
    for _ in ("the payment", "and again"):
        paid = msgspec.json.decode(terminals.run(f"{pay} --port {terminals.port}"))
        assert (paid["payable"], len(paid["payments"])) == (False, 1)

    dry, register, compare = commands("dojo-epos register")
    names = {"SearchOrders", "GetOrderById", "RecordOrderPaymentById"}
    assert all(name in terminals.run(dry) for name in names)
    terminals.run(register)
    assert all(name in terminals.run(compare) for name in names)
    assert epos.end() == 0
    assert simulator.end() == 0


def test_it_is_checked(terminals: Terminals, desk: Path) -> None:
    [check] = commands("dojo-epos check")
    assert re.search(r"^ok +PAY-1 ", terminals.run(check), re.MULTILINE)
    assert "PAY-1" in (desk / "report.html").read_text("utf-8")


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalGateway]:
    """Dojo, as far as the environment knows."""
    with LocalGateway() as gateway, RestApi(gateway) as rest:
        monkeypatch.setenv("DOJO_EPOS_URL", gateway.url)
        monkeypatch.setenv("DOJO_API_URL", rest.url)
        yield gateway


def test_it_is_put_into_a_till(
    gateway: LocalGateway, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = iter(["order-2", ""])

    def enter(_prompt: str) -> str:
        gateway.registry.wait_for_registration()
        return next(changed)

    monkeypatch.setenv("DOJO_API_KEY", "sk_sandbox_test")
    monkeypatch.setattr(builtins, "input", enter)
    runpy.run_path(str(desk / "acme.py"), run_name="__main__")
    assert "SearchOrders" in gateway.registry.names()
    assert gateway.registry.wait_for_event("OrderUpdated").id == "order-2"
    assert gateway.connections[0].wait_closed().code == 1000


def test_it_goes_live(gateway: LocalGateway, terminals: Terminals, desk: Path) -> None:
    export, run = commands("DOJO_API_KEY_FILE")
    key, journal = "/etc/acme/dojo-api-key", "/var/lib/acme/journal.db"
    (desk / "key").write_text("sk_prod_ours\n", "utf-8")
    terminals.export(export.replace(key, str(desk / "key")))
    epos = terminals.start(run.replace(journal, str(desk / "journal.db")))
    registered = gateway.registry.wait_for_registration(DEADLINE)
    assert registered.account.api_key == "sk_prod_ours"
    connected = gateway.wait_for_epos(DEADLINE)
    assert connected.call("GetOrderByIdV1", {"orderId": "order-1"}).result["payable"] is True
    assert epos.end() == 0


def test_every_command_is_run_above() -> None:
    lines = [line for block in COMMANDS for line in block.splitlines()]
    assert len(lines) == 15
    assert set(SOURCES) == {"till.py", "test_till.py", "acme.py"}
    assert GUIDE.count("```") == 2 * (len(COMMANDS) + len(SOURCES))
