"""Middleware around a handler: where it runs, and what is done in which order."""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from threading import get_ident
from time import monotonic
from typing import Any

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.serving import Runtime
from tests.adapters.life_stories.tills import order, payment

from dojo_proto import Context, Epos, MemoryJournal
from dojo_proto.journal import Found, JournalError
from dojo_proto.work import JournalStep
from dojo_simulator import LocalGateway

SESSION: ContextVar[str] = ContextVar("SESSION")
"""What a middleware opens for the handler inside it."""


class ToldJournal(MemoryJournal):
    """A journal that tells of its steps."""

    def __init__(self, done: list[str]) -> None:
        super().__init__(monotonic)
        self._done = done

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        self._done += [f"journal: {type(step).__name__.lower()}" for step in steps]
        return super().perform(steps)


def with_def(done: list[str], places: set[object]) -> Epos:
    epos = Epos(software_house_id="acme-epos")

    @epos.middleware
    def session(ctx: Context, params: Any, proceed: Callable[[Context, Any], Any]) -> Any:
        places.add(get_ident())
        done.append("session: open")
        token = SESSION.set("of this call")
        result = proceed(ctx, params)
        SESSION.reset(token)
        done.append("session: commit")
        return result

    @epos.on("RecordOrderPaymentById")
    def pay(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        places.add(get_ident())
        done.append(f"handler: in the session {SESSION.get()}")
        return order(params["orderId"], params["paymentIntentId"])

    return epos


def with_async_def(done: list[str], places: set[object], runtime: Runtime) -> Epos:
    epos = Epos(software_house_id="acme-epos")

    @epos.middleware
    async def session(
        ctx: Context, params: Any, proceed: Callable[[Context, Any], Awaitable[Any]]
    ) -> Any:
        places.add(get_ident())
        done.append("session: open")
        token = SESSION.set("of this call")
        result = await proceed(ctx, params)
        SESSION.reset(token)
        await runtime.sleep(0)
        done.append("session: commit")
        return result

    @epos.on("RecordOrderPaymentById")
    async def pay(_ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        await runtime.sleep(0)
        places.add(get_ident())
        done.append(f"handler: in the session {SESSION.get()}")
        return order(params["orderId"], params["paymentIntentId"])

    return epos


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_the_handlers_commit_goes_before_the_journals_and_that_before_the_answer(
    serve: Serve, runtime: Runtime, gateway: LocalGateway, kind: str
) -> None:
    if kind == "async def" and not runtime.allows_async:
        pytest.skip("it has no event loop")
    done: list[str] = []
    places: set[object] = set()
    epos = with_def(done, places) if kind == "def" else with_async_def(done, places, runtime)
    serve(epos, journal=ToldJournal(done))
    reply = gateway.wait_for_epos().call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1"))
    assert reply.result == order("o-1", "pi-1")
    # Behind that the journal is told what became of the answer, some time.
    assert done[:5] == [
        "journal: begin",
        "session: open",
        "handler: in the session of this call",
        "session: commit",
        "journal: commit",
    ]
    assert len(places) == 1
