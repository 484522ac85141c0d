"""SIGINT and SIGTERM: the first drains, the second stops at once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from threading import Thread

import pytest
from tests.adapters.pieces import DEADLINE

from dojo_adapters.signals import owned_signals

OWNED = [signal.SIGINT, signal.SIGTERM]


@pytest.fixture
def called() -> list[str]:
    return []


def noting(called: list[str]) -> AbstractContextManager[None]:
    """`owned_signals` that notes each stop and abort."""
    return owned_signals(lambda: called.append("stop"), lambda: called.append("abort"))


@pytest.fixture(autouse=True)
def handlers_are_restored() -> Iterator[None]:
    before = [signal.getsignal(number) for number in OWNED]
    yield
    assert [signal.getsignal(number) for number in OWNED] == before


@pytest.mark.parametrize("number", OWNED)
def test_the_first_signal_drains(called: list[str], number: int) -> None:
    with noting(called):
        assert called == []
        signal.raise_signal(number)
        assert called == ["stop"]


@pytest.mark.parametrize("first", OWNED)
@pytest.mark.parametrize("second", OWNED)
def test_every_later_one_stops_at_once_whichever_it_is(
    called: list[str], first: int, second: int
) -> None:
    with noting(called):
        signal.raise_signal(first)
        signal.raise_signal(second)
        signal.raise_signal(second)
    assert called == ["stop", "abort", "abort"]


def test_after_the_block_the_signals_are_the_programs_own(called: list[str]) -> None:
    with noting(called):
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert called == []


def test_also_after_an_exception(called: list[str]) -> None:
    with (
        pytest.raises(ValueError, match="no"),
        noting(called),
    ):
        raise ValueError("no")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_handler_of_the_program_comes_back(called: list[str]) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: called.append("own"))
    try:
        with noting(called):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert called == ["stop", "own"]


def test_each_block_counts_its_own_signals(called: list[str]) -> None:
    for _ in range(2):
        with noting(called):
            signal.raise_signal(signal.SIGINT)
    assert called == ["stop", "stop"]


def test_outside_the_main_thread_nothing_is_changed(called: list[str]) -> None:
    inside: list[object] = []

    def work() -> None:
        with noting(called):
            inside.extend(signal.getsignal(number) for number in OWNED)

    thread = Thread(target=work)
    thread.start()
    thread.join(DEADLINE)
    assert inside == [signal.getsignal(number) for number in OWNED]


def test_a_signal_reaches_a_main_thread_that_waits() -> None:
    program = """
import os
from dojo_adapters.signals import owned_signals

waiting, waking = os.pipe()  # an Event has a lock that a signal handler must not wait for
with owned_signals(lambda: os.write(waking, b"stop"), lambda: os.write(waking, b"abort")):
    print("ready", flush=True)
    for _ in range(2):
        print(os.read(waiting, 16).decode(), flush=True)
"""
    with subprocess.Popen(  # noqa: S603 - the program above
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stop\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "abort\n"
        assert process.wait(DEADLINE) == 0
