"""Signals to a program that serves with `run`: the first drains, the second stops at once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from tests.adapters.life_stories.serving import DEADLINE, Runtime
from tests.adapters.life_stories.tills import payment
from tests.proto.till import an_order

from dojo_simulator import ConnectionEnded, EposConnection, LocalGateway, PendingCall

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")

PROGRAM = Path(__file__).with_name("signalled.py")


class Program:
    """A process that serves, and is paying."""

    def __init__(self, process: subprocess.Popen[bytes], gateway: LocalGateway) -> None:
        self.process = process
        self.connection: EposConnection = gateway.wait_for_epos(DEADLINE)
        self.paying: PendingCall = self.connection.start_call(
            "RecordOrderPaymentByIdV1", payment("o-1", "pi-1")
        )
        assert self._output.readline() == b"paying\n"

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait_until_it_drains(self) -> None:
        while (error := self.connection.call("SearchOrdersV1").error) is None:
            pass
        assert error["message"] == "the EPOS is stopping, and nothing was done"

    def let_the_payment_go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b".")
        self.process.stdin.flush()

    def assert_it_ends_cleanly(self) -> None:
        assert self.process.wait(DEADLINE) == 0
        assert self._output.read() == b"done\n"
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode()
        assert "Traceback" not in said
        assert "ResourceWarning" not in said

    @property
    def _output(self) -> IO[bytes]:
        assert self.process.stdout is not None
        return self.process.stdout


@pytest.fixture
def program(runtime: Runtime, gateway: LocalGateway) -> Iterator[Program]:
    command = [sys.executable, "-W", "always::ResourceWarning", str(PROGRAM)]
    with subprocess.Popen(  # noqa: S603 - the program lies beside this file
        [*command, runtime.name, gateway.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield Program(process, gateway)
        finally:
            process.kill()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_lets_what_runs_finish(first: signal.Signals, program: Program) -> None:
    program.signal(first)
    program.wait_until_it_drains()
    program.let_the_payment_go_on()
    assert program.paying.wait().result == an_order("o-1")
    assert program.connection.wait_closed().code == 1000
    program.assert_it_ends_cleanly()


def test_the_second_signal_stops_at_once_though_a_handler_is_stuck(program: Program) -> None:
    program.signal(signal.SIGTERM)
    program.wait_until_it_drains()
    program.signal(signal.SIGINT)
    program.assert_it_ends_cleanly()
    with pytest.raises(ConnectionEnded):
        program.paying.wait()
    assert program.connection.wait_closed().code == 1006
