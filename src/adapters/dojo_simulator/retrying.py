"""How the gateway goes on when a call gets no answer."""

import msgspec

from dojo_simulator.errors import SimulatorError

RECONNECT = 10.0


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a call does that gets no answer: its time-out has passed, or the connection has ended.

    Dojo says that it retries "as needed" and no more, so these numbers are the simulator's own.
    Raises SimulatorError for numbers that make no sense.
    """

    attempts: int = 3
    """How often it is sent in all, at least once."""
    same_id: bool = True
    """Whether the retries have the JSON-RPC id of the first; else each has one of its own."""
    delay: float = 0.1
    """Seconds between knowing that there is no answer and the retry."""
    reconnect: float = RECONNECT
    """Seconds that a retry waits for the EPOS to connect again."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.attempts < 1:
            raise SimulatorError(f"attempts: expected 1 or more, got {self.attempts}")
        for name, value in (("delay", self.delay), ("reconnect", self.reconnect)):
            if value < 0:
                raise SimulatorError(f"{name}: expected 0 seconds or more, got {value:g}")


AS_NEEDED = RetryPolicy()
"""The usual."""

ONCE = RetryPolicy(attempts=1)
"""No retry."""
