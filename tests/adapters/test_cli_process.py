"""`dojo-epos` as a process: its streams, its signals and its exit code."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dojo_adapters.cli import Exit
from dojo_simulator import LocalGateway

RESTAURANT = ["run", "dojo_simulator.restaurant:epos", "--journal", "memory:"]
DEADLINE = 20.0


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    with LocalGateway() as gateway:
        yield gateway


def start(*arguments: str, folder: Path | None = None) -> subprocess.Popen[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DOJO_")}
    return subprocess.Popen(  # noqa: S603 - ours
        [
            sys.executable,
            "-c",
            "import sys; from dojo_adapters.cli import main; sys.exit(main())",
            *arguments,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={**kept, "DOJO_API_KEY": "sk_sandbox_c4nary"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("runtime", ["asyncio", "threads"])
def test_a_signal_ends_it_cleanly(gateway: LocalGateway, runtime: str, number: int) -> None:
    with start(*RESTAURANT, "--url", gateway.url, "--runtime", runtime) as process:
        assert process.stderr is not None
        assert "ready: connected to" in process.stderr.readline()
        process.send_signal(number)
        assert process.wait(DEADLINE) == Exit.OK
        stopping, over = process.stderr.readlines()
        assert stopping.endswith("stopping: nothing runs\n")
        assert "is over (stopped" in over
    assert gateway.connections[0].wait_closed().code == 1000


def test_json_lines_come_as_they_happen(gateway: LocalGateway) -> None:
    with start(*RESTAURANT, "--url", gateway.url, "--format", "json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "Opened"
        process.terminate()
        assert json.loads(process.stdout.readline())["event"] == "Draining"
        assert json.loads(process.stdout.readline())["event"] == "Closed"
        assert process.wait(DEADLINE) == Exit.OK
        assert process.stdout.read() == ""


def test_the_module_of_the_working_directory_is_served(
    gateway: LocalGateway, tmp_path: Path
) -> None:
    (tmp_path / "till.py").write_text(
        "from dojo_proto import Epos\n"
        "epos = Epos('acme-epos')\n"
        "@epos.on('ListAreas')\n"
        "def areas(ctx, params): return []\n",
        "utf-8",
    )
    with start("run", "till:epos", "--url", gateway.url, folder=tmp_path) as process:
        assert gateway.wait_for_epos(DEADLINE).headers["software-house-id"] == "acme-epos"
        process.terminate()
        assert process.wait(DEADLINE) == Exit.OK


def test_a_refused_key_ends_it_with_3(gateway: LocalGateway) -> None:
    gateway.refuse_next(401)
    with start(*RESTAURANT, "--url", gateway.url) as process:
        out, err = process.communicate(timeout=DEADLINE)
        assert process.returncode == Exit.AUTHENTICATION
    assert out == ""
    assert err.startswith("dojo-epos: the gateway refused")
    assert "c4nary" not in err


def test_an_interrupt_while_it_is_imported_is_no_traceback(tmp_path: Path) -> None:
    # As if the signal had come just when the first module of ours is looked for.
    interrupted = (
        "import sys\n"
        "from dojo_adapters.cli import main\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'dojo_adapters.cli.arguments': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        "sys.exit(main(argv=['--version']))\n"
    )
    done = subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-c", interrupted],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        Exit.FAILED,
        "",
        "dojo-epos: interrupted\n",
    )


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    with start("demo", "--runtime", "threads") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(DEADLINE) == Exit.FAILED
        assert process.stderr.read() == ""
