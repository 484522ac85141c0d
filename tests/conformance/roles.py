"""The library in either role, against the suite in the other."""

import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from time import monotonic

import msgspec
from tests.conformance import echo
from tests.conformance.suite import Run, running
from tests.conformance.table import Report, Results

CLIENT, GATEWAY = "client", "gateway"
ROLES = (CLIENT, GATEWAY)
_AGENT = "dojo-proto"
_STARTS_WITHIN = 30.0
"""Seconds."""


def play(role: str, cases: Sequence[str], *, without: Sequence[str] = (), folder: Path) -> Results:
    """Run the cases that match, each of which is like `1.2.3`, `1.2.*` or `*`.

    The suite's own reports are in `folder` then.
    """
    spec: dict[str, object] = {"cases": list(cases), "exclude-cases": list(without)}
    return (_play_client if role == CLIENT else _play_gateway)(spec, folder)


def _play_client(spec: dict[str, object], folder: Path) -> Results:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"ws://127.0.0.1:{port}"
    with running("fuzzingserver", folder, {**spec, "url": url}) as run:
        _await_listening(run, port)
        for number, _ in enumerate(run.cases(), start=1):
            echo.ask(f"{url}/runCase?case={number}&agent={_AGENT}", echo.echoing)
        echo.ask(f"{url}/updateReports?agent={_AGENT}", echo.echoing)
        return _results(CLIENT, run)


def _await_listening(run: Run, port: int) -> None:
    deadline = monotonic() + _STARTS_WITHIN
    while monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            try:
                run.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            break
        return
    raise ChildProcessError(f"wstest does not listen; it says:\n{run.said()}")


def _play_gateway(spec: dict[str, object], folder: Path) -> Results:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = {"agent": _AGENT, "url": f"ws://127.0.0.1:{listener.getsockname()[1]}"}
        with running("fuzzingclient", folder, {**spec, "servers": [server]}) as run:
            Thread(target=_end_with, args=(run.process, listener), daemon=True).start()
            # The suite runs one case after the other, each on a connection of its own.
            while (sock := _accept(listener)) is not None:
                echo.answer(sock, echo.echoing)
            return _results(GATEWAY, run)


def _end_with(process: subprocess.Popen[bytes], listener: socket.socket) -> None:
    """Wake `accept` when the suite is done."""
    process.wait()
    with suppress(OSError):  # it is closed already if a case could not be played
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket) -> socket.socket | None:
    try:
        return listener.accept()[0]
    except OSError:
        return None


def _results(role: str, run: Run) -> Results:
    path = run.log.with_name("index.json")
    if not path.exists():
        raise ChildProcessError(f"wstest made no report; it says:\n{run.said()}")
    reports = msgspec.json.decode(path.read_bytes(), type=dict[str, dict[str, Report]])
    return Results(role=role, cases=run.cases(), reports=reports.get(_AGENT, {}))
