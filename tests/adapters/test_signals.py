"""SIGINT and SIGTERM: the first drains, the second stops at once."""

import asyncio
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from queue import SimpleQueue
from threading import Thread

import pytest
from tests.adapters.pieces import DEADLINE, no_thread

from dojo_adapters.signals import owned_signals, terminated_as_interrupted

OWNED = [signal.SIGINT, signal.SIGTERM]


class Calls(SimpleQueue[str]):
    """What was called, in order, from whichever thread."""

    def next(self) -> str:
        return self.get(timeout=DEADLINE)


@pytest.fixture
def called() -> Calls:
    return Calls()


def noting(called: Calls) -> AbstractContextManager[None]:
    """`owned_signals` that notes each stop and abort."""
    return owned_signals(lambda: called.put("stop"), lambda: called.put("abort"))


@pytest.fixture(autouse=True)
def everything_is_restored() -> Iterator[None]:
    # As in a terminal: what runs in a shell's background is started with SIGINT ignored.
    outside = signal.signal(signal.SIGINT, signal.default_int_handler)
    before = [signal.getsignal(number) for number in OWNED]
    threads = set(threading.enumerate())
    yield
    after = [signal.getsignal(number) for number in OWNED]
    signal.signal(signal.SIGINT, outside)
    assert after == before
    assert signal.set_wakeup_fd(-1) == -1
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("number", OWNED)
def test_the_first_signal_drains(called: Calls, number: int) -> None:
    with noting(called):
        assert called.empty()
        signal.raise_signal(number)
        assert called.next() == "stop"


@pytest.mark.parametrize("first", OWNED)
@pytest.mark.parametrize("second", OWNED)
def test_every_later_one_stops_at_once_whichever_it_is(
    called: Calls, first: int, second: int
) -> None:
    with noting(called):
        signal.raise_signal(first)
        signal.raise_signal(second)
        signal.raise_signal(second)
        assert [called.next() for _ in range(3)] == ["stop", "abort", "abort"]


def test_after_the_block_the_signals_are_the_programs_own(called: Calls) -> None:
    with noting(called):
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert called.empty()


def test_also_after_an_exception(called: Calls) -> None:
    with (
        pytest.raises(ValueError, match="no"),
        noting(called),
    ):
        raise ValueError("no")
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_also_where_the_system_gives_no_thread_to_watch_for_them(
    called: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"), noting(called):
            pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_handler_of_the_program_comes_back(called: Calls) -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: called.put("own"))
    try:
        with noting(called):
            signal.raise_signal(signal.SIGTERM)
            assert called.next() == "stop"
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert called.next() == "own"


def test_each_block_counts_its_own_signals(called: Calls) -> None:
    for _ in range(2):
        with noting(called):
            signal.raise_signal(signal.SIGINT)
            assert called.next() == "stop"


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no other signals")
def test_other_signals_still_wake_who_waits_for_them(called: Calls) -> None:
    receiving, sending = socket.socketpair()
    sending.settimeout(0)
    receiving.settimeout(DEADLINE)
    before = signal.signal(signal.SIGUSR1, lambda *_: called.put("own"))
    signal.set_wakeup_fd(sending.fileno())
    try:
        with noting(called):
            signal.raise_signal(signal.SIGUSR1)
            assert receiving.recv(1) == bytes([signal.SIGUSR1])
        assert called.next() == "own"
    finally:
        assert signal.set_wakeup_fd(-1) == sending.fileno()
        signal.signal(signal.SIGUSR1, before)
        receiving.close()
        sending.close()


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no other signals")
def test_where_nobody_reads_those_others_the_service_still_stops(called: Calls) -> None:
    receiving, sending = socket.socketpair()
    sending.setblocking(False)
    with suppress(BlockingIOError):
        while True:  # until it takes no more
            sending.send(bytes(4096))
    before = signal.signal(signal.SIGUSR1, lambda *_: called.put("own"))
    signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
    try:
        with noting(called):
            signal.raise_signal(signal.SIGUSR1)
            assert called.next() == "own"
            signal.raise_signal(signal.SIGTERM)
            assert called.next() == "stop"
    finally:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGUSR1, before)
        receiving.close()
        sending.close()


def test_a_loop_that_sleeps_is_woken_at_once() -> None:
    async def main() -> bool:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(stopping.set)

        with owned_signals(stop, stop):
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(stopping.wait(), DEADLINE)
        return True

    assert asyncio.run(main())


def test_terminated_is_as_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt), terminated_as_interrupted():
        signal.raise_signal(signal.SIGTERM)


def test_outside_the_main_thread_nothing_is_changed(called: Calls) -> None:
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
from queue import SimpleQueue
from dojo_adapters.signals import owned_signals

called = SimpleQueue()
with owned_signals(lambda: called.put("stop"), lambda: called.put("abort")):
    print("ready", flush=True)
    for _ in range(2):
        print(called.get(), flush=True)
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
