"""Engines that tests drive by hand, and the client that they drive."""

import socket
from collections import deque
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from tests.adapters.pieces import make_run

from dojo_adapters import engine as engines
from dojo_adapters.engine import Engine
from dojo_adapters.service import AsyncEngine, AsyncEvent
from dojo_adapters.tls import Wire
from dojo_proto import Carry, Dial, Epos, Link, Settings, Stop
from dojo_proto.call import Call
from dojo_proto.events import Event as ClientEvent
from dojo_proto.work import Run, Work

EPOS = Epos("acme-epos")
EPOS.on("ListAreas")(lambda _ctx, _params: [])
SETTINGS = Settings(api_key="sk_sandbox_c4nary", url="ws://127.0.0.1:9/epos")
LINK = Link(number=1, server_hostname=None)


class Script:
    """A client that wants what the test says, and notes down the rest of what it is told."""

    def __init__(self) -> None:
        self.works: deque[Work] = deque()
        self.events: deque[ClientEvent] = deque()
        self.action: Dial | Carry | Stop = Carry(link=LINK)
        self.timer: float | None = None
        self.link: Link | None = None
        self.told: list[tuple[Any, ...]] = []

    def next_work(self) -> Work | None:
        return self.works.popleft() if self.works else None

    def next_event(self) -> ClientEvent | None:
        return self.events.popleft() if self.events else None

    def next_action(self) -> Dial | Carry | Stop:
        return self.action

    def next_timer(self) -> float | None:
        return self.timer

    def dial_succeeded(self, number: int, _api_key: str, _now: float) -> Link | None:
        self.told.append(("dial_succeeded", number))
        return self.link

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **_named: self.told.append((name, *arguments))


def scripted(monkeypatch: pytest.MonkeyPatch) -> Script:
    """The client of all engines that are made from now on."""
    script = Script()
    monkeypatch.setattr(engines, "Client", lambda *_arguments, **_named: script)
    return script


class ByHand(Engine):
    """A runtime that carries nothing, and takes a turn when the test says so."""

    woken: Event
    did: list[tuple[Any, ...]]

    def __init__(self, settings: Settings = SETTINGS, **options: Any) -> None:
        self.woken, self.did = Event(), []
        super().__init__(EPOS, settings, allow_async=True, **options)

    def wake(self) -> None:
        self.woken.set()

    def start_dial(self, action: Dial) -> None:
        self.did.append(("dial", action.number))

    def carry(self, sock: socket.socket, link: Link, _wire: Wire) -> None:
        self.did.append(("carry", sock, link))

    def start_task(self, run: Run) -> bool:
        self.did.append(("task", run.call))
        return run.params is not None

    def cancel_task(self, call: Call) -> None:
        self.did.append(("cancel", call))

    def turn_soon(self) -> None:
        self.did.append(("turn soon",))

    def settle(self) -> None:
        self.did.append(("settle",))

    def opened(self) -> None:
        self.did.append(("opened",))

    def stopped(self) -> None:
        self.did.append(("stopped", self.error))

    def done(self, *names: str) -> list[tuple[Any, ...]]:
        """What was done of that, in order."""
        return [each for each in self.did if each[0] in names]


class AsyncByHand(ByHand, AsyncEngine):
    """The same for those whose users wait in coroutines."""

    def __init__(self, event: Callable[[], AsyncEvent]) -> None:
        self.woken, self.did = Event(), []
        AsyncEngine.__init__(self, EPOS, SETTINGS, event=event)

    opened = AsyncEngine.opened
    stopped = AsyncEngine.stopped

    def turn_behind_first_steps(self) -> None:
        self.did.append(("turn behind first steps",))


def make_task(params: Any = None) -> Run:
    """Work for the loop; these engines say that one with params is to take its first step later."""
    run = make_run(lambda _ctx, _params: None, params)
    return Run(run.call, run.function, run.context, params, is_async=True)
