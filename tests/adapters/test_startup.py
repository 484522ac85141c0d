"""A service that cannot be made holds nothing: the next try finds the journal free."""

import asyncio
import os
import socket
from errno import EMFILE, ENOSPC
from pathlib import Path
from threading import Thread
from typing import NoReturn

import pytest
from tests.adapters.pieces import no_thread

from dojo_adapters.asyncio import AsyncioEngine
from dojo_adapters.sqlite import SqliteJournal
from dojo_adapters.threads import Runner, run
from dojo_proto import Epos, LocalProtocolError, Settings

EPOS = Epos("acme-epos")
EPOS.on("ListAreas")(lambda _ctx, _params: [])
SETTINGS = Settings(api_key="sk_sandbox_c4nary", url="ws://127.0.0.1:9/epos")


def test_a_system_without_a_thread_for_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"

    async def make() -> None:
        with pytest.raises(RuntimeError, match="new thread"):
            AsyncioEngine(EPOS, SETTINGS, journal=f"sqlite:{path}")

    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_thread)
        asyncio.run(make())
    SqliteJournal(path).close()


def test_a_system_without_a_thread_for_a_runner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.db"
    runner = Runner(EPOS, SETTINGS, journal=f"sqlite:{path}")
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            runner.start()
    SqliteJournal(path).close()
    runner.stop()


def test_a_runner_that_is_stopped_before_it_was_started(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    runner = Runner(EPOS, SETTINGS, journal=f"sqlite:{path}")
    for _ in range(2):
        runner.stop()
    SqliteJournal(path).close()
    assert runner.wait(timeout=0)
    assert not runner.ready()
    assert runner.status().state == "stopped"
    with pytest.raises(LocalProtocolError, match="make a new one"):
        runner.start()


def test_a_system_without_a_socket_to_be_woken_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_sockets() -> NoReturn:
        raise OSError(EMFILE, "too many open files")

    path = tmp_path / "journal.db"
    with monkeypatch.context() as patched:
        patched.setattr(socket, "socketpair", no_sockets)
        with pytest.raises(OSError, match="too many open files"):
            Runner(EPOS, SETTINGS, journal=f"sqlite:{path}")
    SqliteJournal(path).close()


def test_a_disk_that_is_full_when_the_journal_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> NoReturn:
        raise OSError(ENOSPC, "no space left")

    path = tmp_path / "journal.db"
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="no space left"):
            SqliteJournal(path)
    SqliteJournal(path).close()


def test_a_system_without_a_thread_for_signals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_or_not(thread: Thread) -> None:
        if thread.name == "dojo-signals":
            no_thread(thread)
        start(thread)

    path, start = tmp_path / "journal.db", Thread.start
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", start_or_not)
        with pytest.raises(RuntimeError, match="new thread"):
            run(EPOS, SETTINGS, journal=f"sqlite:{path}")
    SqliteJournal(path).close()
