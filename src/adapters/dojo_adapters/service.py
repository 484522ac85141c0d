"""The handle that `open_service` gives in every runtime with an event loop."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Protocol, Unpack

from dojo_adapters.engine import Engine
from dojo_adapters.options import Options
from dojo_proto import Epos, Notice, Settings, Status


class AsyncEvent(Protocol):
    """What the Event classes of asyncio and trio share."""

    def set(self) -> Any:
        """Wake everybody who waits."""
        ...

    async def wait(self) -> Any:
        """Wait until it is set."""
        ...


class Latch:
    """Is set once; an event of the runtime's is there only while somebody waits for that."""

    __slots__ = ("_event", "_is_set", "_make_event")

    def __init__(self, make_event: Callable[[], AsyncEvent]) -> None:
        self._make_event = make_event
        self._event: AsyncEvent | None = None
        self._is_set = False

    def set(self) -> None:
        """Wake everybody who waits, and let nobody wait any more."""
        self._is_set = True
        if self._event is not None:
            self._event.set()
            self._event = None

    async def wait(self) -> None:
        """Wait until it is set."""
        if not self._is_set:
            if self._event is None:
                self._event = self._make_event()
            await self._event.wait()


class AsyncEngine(Engine):
    """An engine whose users wait in coroutines."""

    __slots__ = ("ended", "first_opened")

    def __init__(
        self,
        epos: Epos,
        settings: Settings | None,
        *,
        event: Callable[[], AsyncEvent],
        **options: Unpack[Options],
    ) -> None:
        self.first_opened = Latch(event)
        self.ended = Latch(event)
        super().__init__(epos, settings, allow_async=True, **options)

    @abstractmethod
    def turn_behind_first_steps(self) -> None:
        """Call `turn` as soon as the handlers that were started have taken their first step."""

    def respond(self) -> None:
        """Many a handler never waits, so that its answer goes along."""
        if self._closed:
            return
        if self.do_work():
            self.turn_behind_first_steps()
        else:
            self.finish_turn()

    def opened(self) -> None:
        """A connection is open."""
        self.first_opened.set()

    def stopped(self) -> None:
        """The service has ended."""
        self.first_opened.set()
        self.ended.set()


class Service:
    """A handle on a service that runs in this loop."""

    __slots__ = ("_engine",)

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
