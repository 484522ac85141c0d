"""The handle that `open_service` gives in every runtime with an event loop."""

from typing import Any, Protocol, Unpack

from dojo_adapters.engine import Engine, Options
from dojo_proto import Epos, Notice, Settings, Status


class AsyncEvent(Protocol):
    """What the Event classes of asyncio, trio and anyio share."""

    def set(self) -> Any:
        """Wake everybody who waits."""
        ...

    async def wait(self) -> Any:
        """Wait until it is set."""
        ...


class AsyncEngine(Engine):
    """An engine whose users wait in coroutines."""

    def __init__(
        self,
        epos: Epos,
        settings: Settings | None,
        *,
        event: type[AsyncEvent],
        **options: Unpack[Options],
    ) -> None:
        self.first_opened = event()
        self.ended = event()
        super().__init__(epos, settings, allow_async=True, **options)

    def opened(self) -> None:
        """A connection is open."""
        self.first_opened.set()

    def stopped(self) -> None:
        """The service has ended."""
        self.first_opened.set()
        self.ended.set()


class Service:
    """A handle on a service that runs in this loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ready(self) -> bool:
        """Wait until a connection is open for the first time; False if the service ends before.

        Raises what ended it if it was not asked to, such as AuthenticationError.
        """
        await self._engine.first_opened.wait()
        self._raise_error()
        return self._engine.was_open

    async def wait(self) -> None:
        """Wait until the service has ended. Raises what ended it, if it was not asked to."""
        await self._engine.ended.wait()
        self._raise_error()

    def status(self) -> Status:
        """The state of the service, as data. From any thread."""
        return self._engine.status()

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change at the till, such as `OrderUpdated("order-1")`.

        From any thread; it never blocks. The same news is sent once, as soon as there is a
        connection; `status` counts what waits and what was dropped. Raises ConfigurationError for
        what is no notice.
        """
        self._engine.notify(notice)

    def request_stop(self, timeout: float | None = None) -> None:
        """Begin to drain and return at once; also from other threads and signal handlers."""
        self._engine.request_stop(timeout)

    def request_abort(self) -> None:
        """Begin to stop at once, unanswered; also from other threads and signal handlers."""
        self._engine.request_abort()

    async def stop(self, timeout: float | None = None) -> None:
        """Drain and end: running handlers get `timeout` seconds (`drain_timeout` if None).

        Calling again is harmless and can only shorten the time.
        """
        self._engine.request_stop(timeout)
        await self._engine.ended.wait()

    def _raise_error(self) -> None:
        if self._engine.error is not None:
            raise self._engine.error
