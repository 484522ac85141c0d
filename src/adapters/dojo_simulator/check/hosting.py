"""The EPOS, if the check serves it itself: then it can be stopped and started, and listened to."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from threading import Event as Gate
from typing import Any, TypeVar

from dojo_adapters.background import Background, in_background
from dojo_adapters.options import Options
from dojo_proto import AuthenticationError, Context, Epos, Kind, Method, Settings
from dojo_proto.contract import BY_NAME
from dojo_proto.events import Event, RequestFinished
from dojo_proto.handlers import Handler
from dojo_simulator.check.framework import Failed, Json, Skipped
from dojo_simulator.check.troubles import troubles
from dojo_simulator.errors import WaitTimedOut
from dojo_simulator.waiting import Waiting

E = TypeVar("E", bound=Event)

HOLD = Method(
    name="HoldForCheck", wire="HoldForCheckV1", capabilities=("HoldForCheck",), kind=Kind.READ
)
"""A method of the check's own that takes as long as `Held.gate` is closed."""

_HELD_AT_MOST = 5.0
_TOLD_WITHIN = 1.0


class Held(Epos):
    """An EPOS, and besides its own methods a slow one."""

    def __init__(self, epos: Epos) -> None:
        super().__init__(epos.software_house_id)
        self._epos = epos
        self.gate = Gate()
        slow = Epos(epos.software_house_id)
        slow.on(HOLD)(self._hold)
        self._slow = slow.handlers()

    def handlers(self) -> Mapping[str, Handler]:
        """All of the EPOS's, and the slow one."""
        return {**self._epos.handlers(), **self._slow}

    def capabilities(self) -> tuple[str, ...]:
        """Those of the EPOS."""
        return self._epos.capabilities()

    def check(self, *, allow_async: bool, journaled: bool) -> None:
        """Raise ConfigurationError unless the EPOS can be served."""
        self._epos.check(allow_async=allow_async, journaled=journaled)

    def _hold(self, ctx: Context, params: Json) -> Json:  # noqa: ARG002 - a handler's signature
        self.gate.wait(_HELD_AT_MOST)
        return {}


class Hosted:
    """Serves `epos` on `runtime` in the background, from `start` to `stop`, again and again.

    Each start has a journal that has forgotten everything, as after a disk was replaced.
    """

    def __init__(
        self, epos: Epos, runtime: str, settings: Settings, *, register: bool, state: Any = None
    ) -> None:
        self.epos = epos
        self.runtime = runtime
        self.settings = settings
        self.held = Held(epos)
        self._options = Options(
            journal="memory:", on_event=self._hear, register=register, state=state
        )
        self._stack = ExitStack()
        self._service: Background | None = None
        self._waiting = Waiting()
        self._heard: list[Event] = []

    def start(self, epos: Epos | None = None) -> None:
        """Begin to dial; with `epos`, serve that one for once. Raises ConfigurationError."""
        self._service = self._stack.enter_context(
            in_background(self.runtime, epos or self.held, self.settings, **self._options)
        )

    def stop(self) -> None:
        """Drain and end. Raises what ended it before, such as AuthenticationError."""
        self._service = None
        stack, self._stack = self._stack, ExitStack()
        stack.close()

    def start_refused(self, timeout: float) -> str:
        """Start, and return what the service says that ends because its key is refused.

        Raises Failed if it has not ended after `timeout` seconds.
        """
        self.start()
        try:
            self.service.wait(timeout)
        except AuthenticationError as error:
            return str(error)
        finally:
            with suppress(AuthenticationError):
                self.stop()
        raise Failed("the EPOS, told 401", expected="an error for its operator", came="nothing")

    @property
    def service(self) -> Background:
        """The service that runs."""
        if self._service is None:
            raise Skipped("the EPOS is not being served at the moment")
        return self._service

    @property
    def heard(self) -> int:
        """How many events there were."""
        return len(self._heard)

    def wait_for_event(self, kind: type[E], *, after: int, timeout: float) -> E:
        """The first event of that kind, without the first `after` of all. Raises Failed."""

        def find() -> E | None:
            return next((e for e in self._heard[after:] if isinstance(e, kind)), None)

        try:
            return self._waiting.wait(find, timeout, lambda: "none")
        except WaitTimedOut:
            raise Failed("what the EPOS says", expected=kind.__name__, came="nothing") from None

    def troubles(self, *, after: int, trace_ids: Iterable[str]) -> tuple[str, ...]:
        """What went wrong in the EPOS, without the first `after` of all events.

        An answer may be here before the events of its request: those of `trace_ids` are awaited.
        """
        awaited = set(trace_ids)

        def are_told() -> bool:
            ended = (e for e in self._heard[after:] if isinstance(e, RequestFinished))
            return awaited <= {e.trace_id for e in ended}

        with suppress(WaitTimedOut):
            self._waiting.wait(are_told, _TOLD_WITHIN, str)
        return troubles(self._heard[after:])

    def _hear(self, event: Event) -> None:
        with self._waiting.change():
            self._heard.append(event)


def implemented(epos: Epos) -> frozenset[str]:
    """The capability names of the methods that an EPOS handles, without types of events."""
    return frozenset(BY_NAME[wire].name for wire in epos.handlers() if wire in BY_NAME)
