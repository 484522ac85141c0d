"""The flows that can be played on an EPOS, and what became of those that were."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from dojo_simulator.daemons import in_daemon
from dojo_simulator.errors import NoSuchFlow, SimulatorError
from dojo_simulator.events import FlowFinished
from dojo_simulator.flow_scripts import FLOWS
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.play import Flow, FlowResult, Play
from dojo_simulator.waiting import Waiting

_MAX_REMEMBERED = 1000
_MAX_RUNNING = 16


class Flows:
    """Plays flows on the EPOS that is connected to `gateway`, each in a thread of its own.

    `timeout` is in seconds, for each call of a flow. Any thread may use it. Of flows that are over,
    the last thousand are remembered.
    """

    def __init__(
        self, gateway: LocalGateway, flows: Iterable[Flow] = FLOWS, *, timeout: float = 10.0
    ) -> None:
        self._gateway = gateway
        self._flows = {flow.name: flow for flow in flows}
        self._timeout = timeout
        self._waiting = Waiting()
        self._results: OrderedDict[str, FlowResult] = OrderedDict()

    @property
    def known(self) -> list[dict[str, Any]]:
        """What can be played: name, description, and the JSON Schema of its params."""
        return [
            {
                "flowName": flow.name,
                "description": flow.description,
                "params": msgspec.json.schema(flow.params),
            }
            for flow in self._flows.values()
        ]

    def start(self, name: str, params: Mapping[str, Any] | None = None) -> str:
        """Begin to play a flow, and return its id at once.

        Raises SimulatorError for an unknown name, params that do not fit, and when too many run.
        """
        flow = self._flows.get(name)
        if flow is None:
            raise SimulatorError(f"expected one of {', '.join(self._flows)}; got {name!r}")
        try:
            given = msgspec.convert(params or {}, flow.params)
        except msgspec.ValidationError as error:
            raise SimulatorError(f"params of {name}: {error}") from None
        play = Play(
            flow, given, gateway=self._gateway, timeout=self._timeout, changed=self._changed
        )
        with self._waiting.change():
            running = [each for each in self._results.values() if not each.is_over]
            if len(running) >= _MAX_RUNNING:
                raise SimulatorError(f"{_MAX_RUNNING} flows are being played already")
            self._results[play.result.flow_id] = play.result
            if len(self._results) > _MAX_REMEMBERED + _MAX_RUNNING:
                over = next(id for id, each in self._results.items() if each.is_over)
                del self._results[over]
        in_daemon(f"flow {name}", play.run)
        return play.result.flow_id

    def result(self, id: str) -> FlowResult:
        """The flow of that id, so far. Raises NoSuchFlow."""
        found = self._results.get(id)
        if found is None:
            raise NoSuchFlow(f"there is no flow with the id {id!r}")
        return found

    def wait(self, id: str, timeout: float = 60.0) -> FlowResult:
        """The flow of that id, when it is over. Raises NoSuchFlow, WaitTimedOut."""
        self.result(id)

        def over() -> FlowResult | None:
            result = self.result(id)
            return result if result.is_over else None

        return self._waiting.wait(over, timeout, lambda: f"flow {id} is not over")

    def _changed(self, result: FlowResult) -> None:
        with self._waiting.change():
            self._results[result.flow_id] = result
        if result.is_over:
            self._gateway.tell(
                FlowFinished(
                    id=result.flow_id,
                    name=result.flow_name,
                    status=result.status,
                    reason=result.reason,
                )
            )
