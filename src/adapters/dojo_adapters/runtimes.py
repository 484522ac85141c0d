"""The runtimes by name, for programs that let their user choose."""

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Protocol, Unpack, cast

from dojo_adapters.options import Options
from dojo_adapters.service import Service
from dojo_proto import ConfigurationError, Epos, Settings, Status

RUNTIMES = ("asyncio", "trio", "anyio", "threads")


class Runtime(Protocol):
    """What every module of a runtime has."""

    def run(
        self, epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
    ) -> Status:
        """Serve until SIGINT or SIGTERM, and return the status at the end."""
        ...


class AsyncRuntime(Runtime, Protocol):
    """What those with an event loop have."""

    def open_service(
        self, epos: Epos, settings: Settings | None = None, **options: Unpack[Options]
    ) -> AbstractAsyncContextManager[Service]:
        """Serve while the block runs."""
        ...


class RuntimeNotInstalled(ConfigurationError):
    """The package of a runtime is not there; the text says how to install it."""


def load_runtime(name: str) -> Runtime:
    """The module of the runtime `name`, one of RUNTIMES; it is imported only now.

    Raises ConfigurationError for another name, RuntimeNotInstalled if its package is missing.
    """
    if name not in RUNTIMES:
        raise ConfigurationError(f"runtime: expected one of {', '.join(RUNTIMES)}; got {name!r}")
    try:
        return cast("Runtime", import_module(f"dojo_adapters.{name}"))
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise RuntimeNotInstalled(
            f"the runtime {name} is not installed: pip install 'dojo-proto[{name}]'"
        ) from None
