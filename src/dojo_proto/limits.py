"""What a connection keeps to."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The times (seconds) and sizes (bytes) that a connection keeps to."""

    open_deadline: float
    """When it has to be open, on the caller's clock."""
    close_timeout: float
    ping_interval: float
    pong_timeout: float
    max_outbound: int
