"""The stage: every runtime, every server, and connections that have all ended when a test has."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.adapters.life_stories.serving import OnThreads
from tests.adapters.life_stories.tills import Till, make_epos
from tests.interop.foreign import ForeignGateway, ForeignServer
from tests.interop.nginx import Nginx, find_nginx
from tests.interop.servers.catalogue import SERVERS, missing

from dojo_adapters.runtimes import RUNTIMES
from dojo_proto import Epos


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    if chosen in {"trio", "anyio"}:
        pytest.importorskip(chosen, reason=f"{chosen} is not installed")
    return chosen


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[ForeignServer]:
    if reason := missing(request.param):
        pytest.skip(reason)
    with ForeignServer(request.param) as server:
        yield server


@pytest.fixture
def gateway(server: ForeignServer) -> Iterator[ForeignGateway]:
    with ForeignGateway(server) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the key of a server on this machine, and its certificate."""
    path: Path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def nginx(server: ForeignServer, certificate: Path) -> Iterator[Nginx]:
    program = find_nginx()
    if program is None:
        pytest.skip("nginx is not installed (apt: nginx-light)")
    with Nginx(program, certificate, server.port) as nginx:
        yield nginx


@pytest.fixture
def proxied(server: ForeignServer, nginx: Nginx) -> Iterator[ForeignGateway]:
    """The gateway as it is seen through nginx."""
    with ForeignGateway(server, nginx.url) as gateway:
        yield gateway


@pytest.fixture
def till() -> Iterator[Till]:
    till = Till()
    yield till
    till.door.set()


@pytest.fixture
def epos(till: Till) -> Epos:
    return make_epos(till, OnThreads("every runtime has `def`"))
