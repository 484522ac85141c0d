"""The options that every runtime takes."""

import ssl
from collections.abc import Callable
from typing import Any, TypedDict

from dojo_proto import ConfigurationError, JournalStore
from dojo_proto.events import Event


class Options(TypedDict, total=False):
    """What every `run`, `serve`, `open_service` and `Runner` takes besides EPOS and settings."""

    journal: str | JournalStore
    """`"memory:"`, `"sqlite:PATH"` or a store of your own; needed as soon as a handler changes
    state."""
    state: Any
    """What handlers get as `ctx.state`."""
    on_event: Callable[[Event], object]
    """Gets every event of `dojo_proto.events`, in order, in a thread of its own."""
    ssl_context: ssl.SSLContext
    """Instead of the operating system's trust store: a private CA, a client certificate."""
    register: bool
    """Register with Dojo what the EPOS serves, if that has changed; it holds up nothing."""


def check_options(options: Options) -> None:
    """Raise ConfigurationError for one that nobody reads: a `regsiter` would never be missed."""
    unknown = options.keys() - Options.__optional_keys__
    if unknown:
        raise ConfigurationError(
            f"there is no option {min(unknown)!r}; there are: {', '.join(Options.__annotations__)}"
        )
