"""For pytest: a gateway on a free port, for as long as a test runs.

Ask for it in the `conftest.py` at the top of your tests; nothing loads it by itself:

    pytest_plugins = ["dojo_simulator.pytest_plugin"]
"""

from collections.abc import Iterator

import pytest

from dojo_simulator.serving import ServingGateway


@pytest.fixture
def dojo_gateway() -> Iterator[ServingGateway]:
    """A payment gateway on this machine: a `LocalGateway` that can serve an EPOS besides."""
    with ServingGateway() as gateway:
        yield gateway
