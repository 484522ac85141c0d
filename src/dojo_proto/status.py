"""What a service says of itself."""

from datetime import datetime

import msgspec


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a service at one moment, as data. Carries no value of params or results."""

    state: str
    """`idle`, `dialing`, `opening`, `up`, `waiting`, `draining` or `stopped`."""
    since: datetime | None
    """When that state began."""
    healthy: bool
    """Requests can come in: the connection is open and the peer is known to be alive."""
    last_received: datetime | None
    """When the last byte of the current or last connection came in."""
    last_request: datetime | None
    """When the last request came in, whatever became of it; None before the first."""
    in_flight: int
    """Requests that run, or whose journal step runs."""
    queued: int
    """Requests that wait for a place."""
    unresolved: int
    """State-changing requests whose outcome is open, and on which nothing is done now: also those
    that an earlier process has left in the journal."""
    cut_off: int
    """State-changing requests that were under way when the service ended: whether they were done
    is open. 0 before that."""
    unconfirmed: int
    """Payments that the till has booked, that Dojo is not known to know of, and of which that was
    not reported yet."""
    last_error: str
    """Why the last connection ended or could not be made; empty while there was none."""
    registration: str = "off"
    """`off` (not asked for), `pending` or `done`: whether Dojo knows what this EPOS serves."""
    notices_waiting: int = 0
    """Changes of which Dojo is still to be told."""
    notices_dropped: int = 0
    """Changes of which Dojo was not told, and will not be."""
    version: str
    """Of the library."""
