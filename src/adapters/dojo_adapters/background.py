"""An EPOS served from a thread of its own, on any runtime: for demonstrations and for tests."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from importlib import import_module
from threading import Event, Thread
from typing import Any, Protocol, TypeAlias, Unpack, cast

from dojo_adapters.options import Options
from dojo_adapters.runtimes import AsyncRuntime, load_runtime
from dojo_adapters.service import Service
from dojo_adapters.threads import Runner
from dojo_proto import Epos, Notice, Settings, Status

_Main: TypeAlias = Callable[[], Coroutine[Any, Any, None]]


class Background(Protocol):
    """A handle on a service that runs in another thread. Any thread may use it.

    Times are seconds. `ready`, `wait` and leaving the block raise what ended the service if it was
    not asked to, such as AuthenticationError.
    """

    def ready(self, timeout: float | None = None) -> bool:
        """Wait until a connection is open for the first time.

        False if the service ends before, or if `timeout` passes.
        """
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the service has ended; False if `timeout` passes."""
        ...

    def status(self) -> Status:
        """The state of the service, as data."""
        ...

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change at the till; never blocks. Raises ConfigurationError."""
        ...

    def request_stop(self, timeout: float | None = None) -> None:
        """Begin to drain and return at once."""
        ...

    def request_abort(self) -> None:
        """Begin to stop at once, unanswered."""
        ...

    def stop(self, timeout: float | None = None) -> None:
        """Drain and end: running handlers get `timeout` seconds (`drain_timeout` if None)."""
        ...


@contextmanager
def in_background(
    runtime: str, epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
) -> Iterator[Background]:
    """Serve in a thread of its own while the block runs, on `runtime`, one of RUNTIMES.

    Takes what `run` does. Leaving the block drains; an exception in it stops at once. Raises
    ConfigurationError, RuntimeNotInstalled among them.
    """
    module = load_runtime(runtime)
    if runtime == "threads":
        with Runner(epos, settings, **options) as runner:
            yield runner
        return
    run_loop = _run_asyncio if runtime == "asyncio" else import_module(runtime).run
    service = _LoopThread(
        run_loop, lambda: cast("AsyncRuntime", module).open_service(epos, settings, **options)
    )
    service.start()
    try:
        yield service
    except BaseException:
        service.request_abort()
        service.join()
        raise
    service.stop()
    service.wait()


def _run_asyncio(main: _Main) -> None:
    asyncio.run(main())


class _LoopThread:
    """A service in an event loop in a thread of its own."""

    def __init__(
        self,
        run_loop: Callable[[_Main], None],
        open_service: Callable[[], AbstractAsyncContextManager[Service]],
    ) -> None:
        self._run_loop = run_loop
        self._open_service = open_service
        self._service: Service | None = None
        self._error: BaseException | None = None
        self._was_open = False
        self._started = Event()
        self._opened = Event()
        self._ended = Event()
        self._thread = Thread(target=self._work, name="dojo-loop", daemon=True)

    def start(self) -> None:
        """Begin to dial. Raises ConfigurationError."""
        self._thread.start()
        self._started.wait()
        if self._service is None:
            self._raise_error()

    def ready(self, timeout: float | None = None) -> bool:
        """Wait for the first connection."""
        self._opened.wait(timeout)
        self._raise_error()
        return self._was_open

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end."""
        ended = self._ended.wait(timeout)
        self._raise_error()
        return ended

    def status(self) -> Status:
        """The state of the service."""
        return self._serving.status()

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change."""
        self._serving.notify(notice)

    def request_stop(self, timeout: float | None = None) -> None:
        """Begin to drain."""
        self._serving.request_stop(timeout)

    def request_abort(self) -> None:
        """Begin to stop at once."""
        self._serving.request_abort()

    def stop(self, timeout: float | None = None) -> None:
        """Drain and end."""
        self._serving.request_stop(timeout)
        self.join()

    def join(self) -> None:
        """Wait until the loop is closed; raises nothing."""
        self._ended.wait()
        self._thread.join()

    @property
    def _serving(self) -> Service:
        return cast("Service", self._service)  # `start` has raised if there is none

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        try:
            self._run_loop(self._serve)
        except BaseException as error:  # noqa: BLE001 - raised in the threads that wait
            self._error = error
        finally:
            for event in (self._started, self._opened, self._ended):
                event.set()

    async def _serve(self) -> None:
        async with self._open_service() as service:
            self._service = service
            self._started.set()
            self._was_open = await service.ready()
            self._opened.set()
            await service.wait()
