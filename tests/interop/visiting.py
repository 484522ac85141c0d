"""An EPOS on any runtime, and the demonstration's visit to it."""

import io
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar, cast

from tests.interop.foreign import ForeignGateway

from dojo_adapters.background import Background, in_background
from dojo_proto import Epos, Settings
from dojo_proto.events import Cause, Closed, Event
from dojo_proto.framing import NORMAL_CLOSURE
from dojo_simulator import LocalGateway
from dojo_simulator.demo import play
from dojo_simulator.demo.report import Outcome, Report, verdict
from dojo_simulator.demo.steps import SCENES
from dojo_simulator.demo.visit import Heard, Visit
from dojo_simulator.restaurant import Restaurant
from dojo_simulator.restaurant import epos as restaurant_epos

E = TypeVar("E", bound=Event)


def settings(url: str, **fields: Any) -> Settings:
    """Settings with small times."""
    chosen: dict[str, Any] = {
        "api_key": "sk_sandbox_c4nary",
        "url": url,
        "proxy": "",
        "backoff_initial": 0.01,
        "backoff_max": 0.02,
        "jitter": 0,
    }
    return Settings(**(chosen | fields))


class Served:
    """An EPOS that serves, and what it has told."""

    def __init__(self, service: Background, heard: Heard) -> None:
        self.service = service
        self.heard = heard

    def told(
        self, kind: type[E], where: Callable[[E], bool] = lambda _event: True, *, count: int = 1
    ) -> list[E]:
        """Wait for so many events of this kind for which `where` holds."""
        found: list[E] = []
        while len(found) < count:
            found.append(
                self.heard.wait(
                    kind, lambda each: where(each) and all(each is not one for one in found)
                )
            )
        return found


@contextmanager
def served(
    runtime: str,
    epos: Epos,
    chosen: Settings,
    *,
    state: Any = None,
    trusting: ssl.SSLContext | None = None,
) -> Iterator[Served]:
    """Serve while the block runs."""
    heard = Heard()
    options = {} if trusting is None else {"ssl_context": trusting}
    with in_background(
        runtime,
        epos,
        chosen,
        journal="memory:",
        state=state,
        on_event=heard.put,
        **cast("Any", options),
    ) as service:
        yield Served(service, heard)


def visit(
    runtime: str, gateway: ForeignGateway, chosen: Settings, trusting: ssl.SSLContext | None = None
) -> str:
    """Play the visit of `dojo-epos demo`; return what failed in it, or nothing."""
    out = io.StringIO()
    with (
        Restaurant() as till,
        served(runtime, restaurant_epos, chosen, state=till, trusting=trusting) as epos,
    ):
        scene = Visit(
            # It has what the visit uses of one.
            gateway=cast("LocalGateway", gateway),
            service=epos.service,
            till=till,
            heard=epos.heard,
        )
        # The last scene hears how the connection closed, from a server that can tell.
        scenes = SCENES if gateway.tells_close_codes else SCENES[:-1]
        counts = play(scenes, scene, Report(out), monotonic())
        if verdict(counts) is not Outcome.PASSED:
            return out.getvalue()
        epos.service.stop()
        epos.told(Closed, lambda each: (each.cause, each.code) == (Cause.STOPPED, NORMAL_CLOSURE))
    return ""
