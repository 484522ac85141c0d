"""The stage of the stories: every runtime, every transport, and nothing left when one is over."""

import os
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import pytest
from tests.adapters.life_stories.played import PlayedGateway
from tests.adapters.life_stories.serving import DEADLINE, RUNTIMES, Runtime, Served
from tests.adapters.life_stories.tills import Till, make_epos

from dojo_proto import Epos, JournalStore, Settings
from dojo_simulator import ConnectProxy, LocalGateway

_DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture(scope="session", autouse=True)
def _first_loop_of_uvloop() -> None:
    """The first one opens a pipe for signals, and the process keeps it."""
    with suppress(ImportError):
        import_module("uvloop").new_event_loop().close()


@pytest.fixture(autouse=True)
def nothing_is_left(_first_loop_of_uvloop: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every thread that a story has started ends with it, and every descriptor is closed."""
    for name in list(os.environ):
        if name.lower() in {"https_proxy", "no_proxy"} or name.startswith("DOJO_"):
            monkeypatch.delenv(name)
    threads, descriptors = set(threading.enumerate()), _descriptors()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(DEADLINE)  # trio keeps an idle one for ten seconds
        assert not thread.is_alive(), f"{thread.name} still runs"
    # What others have left may have been closed meanwhile.
    assert _descriptors() <= descriptors


def _descriptors() -> set[str]:
    """What is open, where the system tells."""
    if not _DESCRIPTORS.exists():
        return set()
    return {link.name for link in _DESCRIPTORS.iterdir() if link.exists()}


@pytest.fixture(params=RUNTIMES, ids=lambda runtime: runtime.name)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    chosen: Runtime = request.param
    for package in chosen.needs:
        pytest.importorskip(package, reason=f"{package} is not installed")
    return chosen


class Network:
    """The gateway, the way to it, and how an EPOS takes that way."""

    def __init__(self, transport: str, authority: "Authority", stack: ExitStack) -> None:
        tls = None if transport == "tcp" else authority.server_context("127.0.0.1")
        self.gateway = stack.enter_context(LocalGateway(tls=tls, close_timeout=1.0))
        self.proxy = stack.enter_context(ConnectProxy()) if transport == "proxy" else None
        self.options: dict[str, Any] = {} if tls is None else {"ssl_context": authority.trusting()}

    def settings(self, **fields: Any) -> Settings:
        """Settings to get there with, and small times."""
        chosen: dict[str, Any] = {
            "api_key": "sk_sandbox_c4nary",
            "url": self.gateway.url,
            "proxy": "" if self.proxy is None else self.proxy.url,
            "close_timeout": 1.0,
            "backoff_initial": 0.01,
            "backoff_max": 0.02,
            "jitter": 0,
        }
        return Settings(**(chosen | fields))


class Authority:
    """A certificate authority that only the stories know."""

    def __init__(self) -> None:
        self._contexts: dict[str, ssl.SSLContext] = {}

    @cached_property
    def _ca(self) -> Any:
        return pytest.importorskip("trustme", reason="trustme is not installed").CA()

    def server_context(self, name: str) -> ssl.SSLContext:
        """What a server at `name` speaks TLS with."""
        if name not in self._contexts:
            self._contexts[name] = self.new_server_context(name)
        return self._contexts[name]

    def new_server_context(self, name: str, not_after: datetime | None = None) -> ssl.SSLContext:
        """One that a story may change."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name, not_after=not_after).configure_cert(context)
        return context

    def show_certificate(self, context: ssl.SSLContext, name: str) -> ssl.SSLContext:
        """Have a client show that it is `name`."""
        self._ca.issue_cert(name).configure_cert(context)
        return context

    def demand_certificate(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Have a server refuse clients that show none of this authority."""
        self._ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def write_own_certificate(self, path: Path) -> Path:
        """Its own certificate, which it has signed itself, and the key of that."""
        path.write_bytes(self._ca.cert_pem.bytes() + self._ca.private_key_pem.bytes())
        return path

    def trusting(self) -> ssl.SSLContext:
        """What a client needs to trust it."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    """TCP, unless the story is told `over_every_transport`."""
    chosen: str = getattr(request, "param", "tcp")
    return chosen


@pytest.fixture
def network(transport: str, authority: Authority) -> Iterator[Network]:
    with ExitStack() as stack:
        yield Network(transport, authority, stack)


@pytest.fixture
def gateway(network: Network) -> LocalGateway:
    return network.gateway


@pytest.fixture
def played() -> Iterator[PlayedGateway]:
    with PlayedGateway() as gateway:
        yield gateway


@pytest.fixture
def till() -> Iterator[Till]:
    till = Till()
    yield till
    till.door.set()


@pytest.fixture
def epos(till: Till, runtime: Runtime) -> Epos:
    return make_epos(till, runtime)


class Serve(Protocol):
    """Start a service: `settings` are fields of Settings, the rest is as in `Served`."""

    def __call__(
        self,
        epos: Epos,
        *,
        journal: str | JournalStore | None = "memory:",
        state: Any = None,
        inside: Future[None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        **settings: Any,
    ) -> Served: ...


@pytest.fixture
def serve(runtime: Runtime, network: Network) -> Iterator[Serve]:
    """Start services; each one that a story has not ended is stopped at once."""
    started: list[Served] = []

    def serve(
        epos: Epos,
        *,
        journal: str | JournalStore | None = "memory:",
        state: Any = None,
        inside: Future[None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        **settings: Any,
    ) -> Served:
        served = Served(
            runtime,
            epos,
            network.settings(**settings),
            journal=journal,
            state=state,
            inside=inside,
            **(network.options if ssl_context is None else {"ssl_context": ssl_context}),
        )
        started.append(served)
        return served

    yield serve
    for served in started:
        served.end()
    assert [task for served in started for task in served.tasks_left] == []
