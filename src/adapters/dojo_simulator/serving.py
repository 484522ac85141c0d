"""A gateway that serves the EPOS it calls: what the tests of an EPOS need of both."""

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Unpack
from uuid import uuid4

from dojo_adapters.background import Background, in_background
from dojo_adapters.options import Options
from dojo_proto import Epos, Settings
from dojo_simulator.connection import Reply
from dojo_simulator.errors import SimulatorError
from dojo_simulator.gateway import LocalGateway

if TYPE_CHECKING:
    from dojo_simulator.rest import RestApi

READY = 10.0
"""Seconds that an EPOS has to connect."""


class ServingGateway(LocalGateway):
    """A LocalGateway that also serves the EPOS it calls, each in a thread of its own.

    Leaving the block stops them, then the gateway.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(close_timeout=0.1, **options)
        self._serving = ExitStack()
        self._rest: RestApi | None = None

    @property
    def rest(self) -> "RestApi":
        """Its REST side, which is there from when it is first asked for.

        What was served before does not know of it. Raises SimulatorError without Starlette.
        """
        if self._rest is None:
            try:
                from dojo_simulator.rest import RestApi  # noqa: PLC0415 - the socket needs none
            except ImportError as error:
                raise SimulatorError(
                    f"REST needs the extra dojo-proto[simulator]: {error}"
                ) from error
            self._rest = self._serving.enter_context(RestApi(self))
        return self._rest

    def settings(self, **changes: Any) -> Settings:
        """Settings that lead to this gateway, with short waits; any field may be given."""
        chosen: dict[str, Any] = {
            "api_key": "sk_sandbox_test",
            "url": self.url,
            # Without the REST side nobody answers there; Dojo's own must not hear of tests.
            "api_url": f"http://{self.host}:{self.port}" if self._rest is None else self._rest.url,
            "backoff_initial": 0.01,
            "backoff_max": 0.1,
            "close_timeout": 1.0,
            "drain_timeout": 1.0,
            **changes,
        }
        return Settings(**chosen)

    def serve(
        self,
        epos: Epos,
        settings: Settings | None = None,
        *,
        runtime: str = "asyncio",
        **options: Unpack[Options],
    ) -> Background:
        """Serve `epos` until the test ends, and return its handle when it is connected.

        `runtime` is one of asyncio, trio, anyio and threads. `options` are those of `run`, with a
        journal in memory unless another is named; `register=True` starts the REST side, on which
        the EPOS then registers. `settings` are those of `settings()` unless given. Raises what
        ends the service before it is connected: ConfigurationError, AuthenticationError;
        SimulatorError if nothing does and it takes too long.
        """
        if options.get("register") and settings is None:
            settings = self.settings(api_url=self.rest.url)
        chosen: Options = {"journal": "memory:", **options}
        with ExitStack() as starting:
            service = starting.enter_context(
                in_background(runtime, epos, settings or self.settings(), **chosen)
            )
            if not service.ready(READY):
                raise SimulatorError(f"the EPOS did not connect to {self.url}: {service.status()}")
            self._serving.push(starting.pop_all())
        return service

    def call_twice(self, method: str, params: object = None) -> tuple[Reply, Reply]:
        """Call, and when the answer is there call again with the same id, as if it were lost.

        Raises what `call` does.
        """
        request_id = str(uuid4())
        first = self.call(method, params, request_id=request_id)
        return first, self.call(method, params, request_id=request_id)

    def _leave(self) -> None:
        try:
            self._serving.close()
        finally:
            super()._leave()
