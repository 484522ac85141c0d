"""One flow that is being played: its calls, its checks, and what there is to say of them.

The results have the shape of Dojo's own tester API.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

import msgspec

from dojo_proto.contract import decode
from dojo_proto.contract.requests import Params
from dojo_simulator.errors import SimulatorError, WaitTimedOut
from dojo_simulator.faults import Fault
from dojo_simulator.gateway import LocalGateway

T = TypeVar("T")


class Status(StrEnum):
    """How far a flow or a step is."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    TIMED_OUT = "TIMED_OUT"


class StepResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One step of a flow."""

    name: str
    status: Status
    additional_information: tuple[str, ...]
    """What came of it, for people."""
    started_at: datetime
    finished_at: datetime | None = None


class FlowResult(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    rename={
        "flow_id": "flowID",
        "flow_name": "flowName",
        "started_at": "startedAt",
        "finished_at": "finishedAt",
    },
):
    """A flow, so far."""

    flow_id: str
    flow_name: str
    status: Status
    started_at: datetime
    finished_at: datetime | None = None
    steps: list[StepResult]

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens in it."""
        return self.status is not Status.IN_PROGRESS

    @property
    def reason(self) -> str:
        """Why it has not succeeded: what its last step says. Empty if it has, or still runs."""
        if self.status in {Status.SUCCESS, Status.IN_PROGRESS} or not self.steps:
            return ""
        last = self.steps[-1]
        return f"{last.name}: {'; '.join(last.additional_information)}"


class Unexpected(SimulatorError):
    """The EPOS has answered, and not as the flow has to have it."""


class _Over(Exception):
    """A step has failed, and the flow ends with what that has noted."""


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be played."""

    name: str
    description: str
    params: Any
    """A Struct: what may be given."""
    play: "Callable[[Play, Any], None]"


class Play:
    """One flow that is being played: calls, and what is made of the answers."""

    def __init__(
        self,
        flow: Flow,
        params: object,
        *,
        gateway: LocalGateway,
        timeout: float,
        changed: Callable[[FlowResult], None],
    ) -> None:
        self._flow = flow
        self._params = params
        self._gateway = gateway
        self._timeout = timeout
        self._changed = changed
        self.result = FlowResult(
            flow_id=str(uuid4()),
            flow_name=flow.name,
            status=Status.IN_PROGRESS,
            started_at=_now(),
            steps=[],
        )
        """What there is to say of it so far."""

    def call(self, params: Params, kind: type[T], *, fault: Fault | None = None) -> T:
        """Call the method that `params` belongs to, as a step, and return its result.

        Whatever is wrong with the answer ends the flow.
        """
        method = type(params).__name__.removesuffix("Params")
        with self.step(method) as say:
            reply = self._gateway.call(method, params, timeout=self._timeout, fault=fault)
            again = f", attempt {reply.attempts}" if reply.attempts > 1 else ""
            say(f"answered within {reply.seconds * 1000:.1f} ms{again}")
            if reply.error is not None:
                what = reply.error.get("errorType"), reply.error.get("message")
                raise Unexpected(f"the EPOS refused: {what[0]}: {what[1]}")
            try:
                return decode(kind, msgspec.json.encode(reply.result))
            except msgspec.ValidationError as error:
                raise Unexpected(f"the result does not fit: {error}") from None

    def present(self, what: str, value: T | None) -> T:
        """Return `value`. Ends the flow if there is none."""
        if value is None:
            self.fail(f"Read {what}", "it is missing")
        return value

    def fail(self, name: str, reason: str) -> NoReturn:
        """End the flow with a step that has failed."""
        self._begin_step(name)
        self._end_step(Status.FAILURE, reason)

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """Do something as a step; what is given to the function that this yields goes with it."""
        self._begin_step(name)
        try:
            yield self._say
        except WaitTimedOut as error:
            self._end_step(Status.TIMED_OUT, str(error))
        except SimulatorError as error:
            self._end_step(Status.FAILURE, str(error))
        self._step(status=Status.SUCCESS, finished_at=_now())

    def expect(self, what: str, came: object, expected: object) -> None:
        """Check something, as a step. Ends the flow if it is not as expected."""
        with self.step(f"Check {what}") as say:
            if came != expected:
                raise Unexpected(f"expected {expected}, got {came}")
            say(str(came))

    def run(self) -> None:
        """Play all of it. Raises nothing: what goes wrong is in the result."""
        with suppress(_Over):
            try:
                self._flow.play(self, self._params)
            except _Over:
                raise
            except Exception as error:  # noqa: BLE001 - a flow may be anybody's, and has to end
                self.fail("Play on", f"the flow itself has failed: {error!r}")
        status = self.result.steps[-1].status if self.result.steps else Status.SUCCESS
        self._update(status=status, finished_at=_now())

    def _begin_step(self, name: str) -> None:
        step = StepResult(
            name=name,
            status=Status.IN_PROGRESS,
            additional_information=(),
            started_at=_now(),
        )
        self._update(steps=[*self.result.steps, step])

    def _say(self, text: str) -> None:
        said = self.result.steps[-1].additional_information
        self._step(additional_information=(*said, text))

    def _end_step(self, status: Status, reason: str) -> NoReturn:
        self._say(reason)
        self._step(status=status, finished_at=_now())
        raise _Over from None

    def _step(self, **changes: Any) -> None:
        *before, last = self.result.steps
        self._update(steps=[*before, msgspec.structs.replace(last, **changes)])

    def _update(self, **changes: Any) -> None:
        self.result = msgspec.structs.replace(self.result, **changes)
        self._changed(self.result)


def _now() -> datetime:
    return datetime.now().astimezone()
