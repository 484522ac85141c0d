"""An asyncio event loop in a thread of its own, for callers that block."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from threading import Event, Thread, current_thread
from types import TracebackType
from typing import Any, Self, TypeVar

from dojo_simulator.errors import SimulatorError, WaitTimedOut

T = TypeVar("T")

PATIENCE = 10.0
"""Seconds for what the loop does by itself: to listen, one step of a machine."""


class LoopThread:
    """Runs an event loop from `start` to `stop`. Any thread but the loop's own may call it.

    `name` is for errors: "the local gateway". Calls raise SimulatorError when it does not run, and
    WaitTimedOut when it is stuck.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._thread = Thread(target=self._main, name=name, daemon=True)
        self._started = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    def start(self) -> None:
        """Start the thread; returns when its loop runs."""
        self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Cancel the tasks that are left, close the loop and end the thread."""
        self.call(self._stopping.set)
        self._thread.join(PATIENCE)

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """Call `function` on the loop's thread and return what it returns, or raise that."""

        async def step() -> T:
            return function(*args)

        return self.run(step())

    def run(self, coroutine: Coroutine[Any, Any, T], patience: float = PATIENCE) -> T:
        """Run `coroutine` as a task of the loop and return what it returns, or raise that.

        It may take `patience` seconds.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._usable())
        except (RuntimeError, SimulatorError) as error:
            coroutine.close()
            raise SimulatorError(str(error)) from None
        return self._result(future, patience)

    def post(self, function: Callable[..., object], *args: object) -> None:
        """Have `function` called on the loop's thread soon, unless it has ended; any thread may."""
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(function, *args)

    def _usable(self) -> asyncio.AbstractEventLoop:
        if self._loop is None or self._loop.is_closed():
            raise SimulatorError(f"{self._name} is not running: use it inside its with block")
        if current_thread() is self._thread:
            raise SimulatorError(f"this is the thread of {self._name}: waiting for it never ends")
        return self._loop

    def _result(self, future: Future[T], patience: float) -> T:
        try:
            return future.result(patience)
        except TimeoutError:
            if future.done():
                raise  # what the function raised
            raise WaitTimedOut(
                f"{self._name} did nothing for {patience:g} s: does its on_event block?"
            ) from None

    def _main(self) -> None:
        # The selector's loop on every platform: a Listener needs it.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started.set()
        await self._stopping.wait()


class Looped(ABC):
    """What serves from a loop of its own while a `with` block runs."""

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop

    def __enter__(self) -> Self:
        self._loop.start()
        try:
            self._loop.run(self._listen())
        except BaseException:
            self._loop.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._leave()
        finally:
            self._loop.stop()

    @abstractmethod
    async def _listen(self) -> None:
        """Begin to listen. Raises OSError."""

    @abstractmethod
    def _leave(self) -> None:
        """Let go of everybody; called in the thread of the `with` block."""
