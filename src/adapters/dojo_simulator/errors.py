"""What goes wrong for those who drive the simulator.

SimulatorError
├── NoRoute                  nobody is there who could be called
├── NoSuchFlow
├── WaitTimedOut             what was awaited did not happen in time
│   └── CallTimedOut         a call got no answer
└── ConnectionEnded          the connection of an EPOS is over
"""

from dojo_proto.connection import Ended
from dojo_proto.errors import DojoError


class SimulatorError(DojoError):
    """The simulator cannot do what it was asked to."""


class NoRoute(SimulatorError):
    """No EPOS is connected, or the one that is has not registered what is to be called."""


class NoSuchFlow(SimulatorError):
    """There is no flow with that id."""


class WaitTimedOut(SimulatorError, TimeoutError):
    """What was awaited did not happen in time; the text says what happened instead."""


class CallTimedOut(WaitTimedOut):
    """The EPOS did not answer a call in time. Whether it has done it is not known."""


class ConnectionEnded(SimulatorError, ConnectionError):
    """The connection is over. Whether the EPOS has done what it was called for is not known."""

    def __init__(self, message: str, *, ended: Ended | None) -> None:
        super().__init__(message)
        self.ended = ended
        """How; None while it is still closing."""


def describe(ended: Ended) -> str:
    """How a connection ended, for people."""
    code = "" if ended.code is None else f", close code {ended.code}"
    reason = f": {ended.reason}" if ended.reason else ""
    return f"{ended.cause.value}{code}{reason}"
