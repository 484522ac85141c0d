"""A service on any runtime, in a thread of its own, behind one handle."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib import import_module
from threading import Condition, Thread
from typing import Any, TypeVar

from dojo_adapters.service import Service
from dojo_adapters.threads import Runner
from dojo_proto import Epos, Notice, Settings, Status
from dojo_proto.events import Event

E = TypeVar("E", bound=Event)

DEADLINE = 20.0
"""Seconds after which whatever waits gives up; far more than anything here takes."""


class Runtime(ABC):
    """One way to serve; `needs` are the packages that it takes."""

    allows_async = True

    def __init__(self, name: str, *needs: str) -> None:
        self.name = name
        self.needs = needs

    @abstractmethod
    def serve(self, served: "Served") -> None:
        """Serve in this thread, from the block's begin to its end, and tell `served` of it."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """What an `async def` handler does to wait."""


class Served:
    """A service that a story has started. Its times are seconds; any thread may use it.

    The block waits until the service ends, or until `inside` is set, which may be to an exception.
    `error` is what came out of the block. `tasks_left` are those that its loop still had then.
    """

    def __init__(
        self,
        runtime: Runtime,
        epos: Epos,
        settings: Settings,
        *,
        inside: Future[None] | None = None,
        **options: Any,
    ) -> None:
        self.runtime = runtime
        self.epos = epos
        self.settings = settings
        self.options = {"on_event": self._on_event, **options}
        self.events: list[Event] = []
        self.error: BaseException | None = None
        self.tasks_left: list[str] = []
        self.inside = inside
        self.cancel_block: Callable[[], object] | None = None
        self._service: Service | Runner | None = None
        self._connected: bool | Exception | None = None
        self._over = False
        self._changed = Condition()
        self._thread = Thread(target=self._work, name=f"story-{runtime.name}")
        self._thread.start()

    # What a story does.

    def ready(self) -> bool:
        """Wait for what `ready` of the service returns or raises."""
        self._wait(lambda: self._over or self._connected is not None, "ready")
        if isinstance(self._connected, Exception):
            raise self._connected
        if self._connected is None and self.error is not None:
            raise self.error
        return bool(self._connected)

    def status(self) -> Status:
        return self._running().status()

    def notify(self, notice: Notice) -> None:
        self._running().notify(notice)

    def wait(self) -> None:
        """Wait until the block is over, and raise what came out of it."""
        self._wait(lambda: self._over, "over")
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()
        if self.error is not None:
            raise self.error

    def request_stop(self, timeout: float | None = None) -> None:
        self._running().request_stop(timeout)

    def stop(self, timeout: float | None = None) -> None:
        """Drain, and wait until the block is over."""
        self.request_stop(timeout)
        self.wait()

    def abort(self) -> None:
        """Stop at once, and wait until the block is over."""
        self._running().request_abort()
        self.wait()

    def cancel(self) -> None:
        """Cancel the block as its runtime does, and wait until it is over."""
        self._running()
        assert self.cancel_block is not None
        self.cancel_block()
        self.wait()

    def wait_for_event(
        self, kind: type[E], where: Callable[[E], bool] = lambda _event: True, *, count: int = 1
    ) -> E:
        """Return the event number `count` of this kind for which `where` holds."""

        def found() -> list[E]:
            return [event for event in self.events if isinstance(event, kind) and where(event)]

        self._wait(lambda: len(found()) >= count, f"told {count} times of {kind.__name__}")
        return found()[count - 1]

    def end(self) -> None:
        """Have it over, whatever state it is in and whatever comes out of it."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._service is not None, DEADLINE)
        if self._service is not None:
            self._service.request_abort()
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive(), "the service does not end"

    # What its runtime tells.

    def began(self, service: Service | Runner) -> None:
        with self._changed:
            self._service = service
            self._changed.notify_all()

    def became_ready(self, connected: bool | Exception) -> None:
        with self._changed:
            self._connected = connected
            self._changed.notify_all()

    # Inside.

    def _work(self) -> None:
        try:
            self.runtime.serve(self)
        except BaseException as error:  # noqa: BLE001 - the story looks at it
            self.error = error
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _on_event(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()

    def _running(self) -> Service | Runner:
        self._wait(lambda: self._over or self._service is not None, "started")
        if self._service is None:
            raise self.error or AssertionError("it never started")
        return self._service

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._changed:
            there = self._changed.wait_for(condition, DEADLINE)
            assert there, f"never {what}; {self.events}"


async def _serve_async(
    runtime: Runtime,
    open_service: Callable[..., AbstractAsyncContextManager[Service]],
    served: Served,
) -> None:
    async with open_service(served.epos, served.settings, **served.options) as service:
        served.began(service)
        connected: bool | Exception
        try:
            connected = await service.ready()
        except Exception as error:  # noqa: BLE001 - the story looks at it
            connected = error
        served.became_ready(connected)
        if served.inside is None:
            await service.wait()
        else:
            while not served.inside.done():
                await runtime.sleep(0.001)
            served.inside.result()


class OnAsyncio(Runtime):
    """dojo_adapters.asyncio, on the loop of asyncio or another."""

    def __init__(self, name: str, *needs: str, loop: str = "asyncio") -> None:
        super().__init__(name, *needs)
        self._loop = loop

    def serve(self, served: Served) -> None:
        open_service = import_module("dojo_adapters.asyncio").open_service

        async def main() -> None:
            task = asyncio.current_task()
            assert task is not None
            loop = asyncio.get_running_loop()
            served.cancel_block = partial(loop.call_soon_threadsafe, task.cancel)
            try:
                await _serve_async(self, open_service, served)
            except asyncio.CancelledError:
                pass  # the story has asked for it
            finally:
                served.tasks_left = [repr(left) for left in asyncio.all_tasks() - {task}]

        with asyncio.Runner(loop_factory=import_module(self._loop).new_event_loop) as runner:
            runner.run(main())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class OnTrio(Runtime):
    """dojo_adapters.trio."""

    def serve(self, served: Served) -> None:
        trio = import_module("trio")
        open_service = import_module("dojo_adapters.trio").open_service

        async def main() -> None:
            with trio.CancelScope() as scope:
                token = trio.lowlevel.current_trio_token()
                served.cancel_block = partial(token.run_sync_soon, scope.cancel)
                await _serve_async(self, open_service, served)

        trio.run(main)

    async def sleep(self, seconds: float) -> None:
        await import_module("trio").sleep(seconds)


class OnAnyio(Runtime):
    """dojo_adapters.anyio, on either backend."""

    def __init__(self, name: str, *needs: str, backend: str) -> None:
        super().__init__(name, *needs)
        self._backend = backend

    def serve(self, served: Served) -> None:
        anyio = import_module("anyio")
        open_service = import_module("dojo_adapters.anyio").open_service

        async def main() -> None:
            with anyio.CancelScope() as scope:
                served.cancel_block = partial(self._soon(), scope.cancel)
                await _serve_async(self, open_service, served)
            if self._backend == "asyncio":
                left = asyncio.all_tasks() - {asyncio.current_task()}
                served.tasks_left = [repr(task) for task in left]

        anyio.run(main, backend=self._backend)

    async def sleep(self, seconds: float) -> None:
        await import_module("anyio").sleep(seconds)

    def _soon(self) -> Callable[..., object]:
        """How another thread has something called in this loop."""
        if self._backend == "asyncio":
            return asyncio.get_running_loop().call_soon_threadsafe
        soon: Callable[..., object] = (
            import_module("trio").lowlevel.current_trio_token().run_sync_soon
        )
        return soon


class OnThreads(Runtime):
    """dojo_adapters.threads."""

    allows_async = False

    def serve(self, served: Served) -> None:
        with Runner(served.epos, served.settings, **served.options) as runner:
            served.cancel_block = runner.request_abort  # there is nothing to cancel but the service
            served.began(runner)
            connected: bool | Exception
            try:
                connected = runner.ready(DEADLINE)
            except Exception as error:  # noqa: BLE001 - the story looks at it
                connected = error
            served.became_ready(connected)
            if served.inside is None:
                runner.wait()
            else:
                served.inside.result(DEADLINE)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"there is no loop to sleep {seconds} s in")


RUNTIMES: tuple[Runtime, ...] = (
    OnAsyncio("asyncio"),
    OnAsyncio("uvloop", "uvloop", loop="uvloop"),
    OnTrio("trio", "trio"),
    OnAnyio("anyio-asyncio", "anyio", backend="asyncio"),
    OnAnyio("anyio-trio", "anyio", "trio", backend="trio"),
    OnThreads("threads"),
)
