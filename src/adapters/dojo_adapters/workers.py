"""Threads for `def` handlers. How many calls may run at once is decided by the client."""

from collections.abc import Callable
from typing import Any

from dojo_adapters.pool import Pool
from dojo_proto.work import Outcome, Raised, Returned, Run


def call(function: Callable[..., Any], *arguments: Any) -> Outcome:
    """Call `function`, and turn what it raises into an outcome."""
    try:
        return Returned(function(*arguments))
    except BaseException as error:  # noqa: BLE001 - SystemExit in a handler must not pass for done
        return Raised(error)


class Workers(Pool[Run]):
    """At most `limit` threads. `deliver(run, outcome)` is called from one of them, as `came` is."""

    def __init__(
        self,
        limit: int,
        deliver: Callable[[Run, Outcome], None],
        came: Callable[[], object] | None = None,
    ) -> None:
        super().__init__(self._run, name="dojo-handler", limit=limit, came=came)
        self._deliver = deliver

    def _run(self, run: Run) -> None:
        self._deliver(run, call(run.function, run.context, run.params))
