"""What an observer may hear of: one frozen Struct for each thing that happens to a service.

Events are opt-in and never needed to drive the machines. None carries a value of params or
results, nor the API key. Times are seconds; `link` numbers the connections of one service from 1.
"""

from enum import Enum
from typing import ClassVar, TypeAlias

import msgspec

HANDLER = "handler"
LOOKUP = "lookup"
ON_UNRESOLVED = "on_unresolved"
"""The functions of an EPOS, as events name them."""


class Cause(Enum):
    """Why a connection ended, or never began."""

    STOPPED = "stopped"
    """This side closed it: the service was stopped."""
    ABORTED = "aborted"
    """This side dropped it at once: a hard stop."""
    PEER_CLOSED = "peer-closed"
    """The gateway sent a Close frame."""
    LOST = "lost"
    """The stream ended or was reset without a Close frame (RFC 6455 section 7.1.5: 1006)."""
    PONG_TIMEOUT = "pong-timeout"
    """Nothing came for `ping_interval` and no answer to the ping for `pong_timeout`."""
    CLOSE_TIMEOUT = "close-timeout"
    """This side's Close frame was not answered within `close_timeout`."""
    PROTOCOL_ERROR = "protocol-error"
    """The gateway broke RFC 6455; `code` says how."""
    UNREAD = "unread"
    """The gateway did not read its answers until `max_outbound` bytes waited."""
    DIAL_FAILED = "dial-failed"
    """No TCP connection: DNS, routing, refused, or the API key could not be read."""
    TLS_FAILED = "tls-failed"
    """The certificate or the TLS handshake was refused."""
    PROXY_REFUSED = "proxy-refused"
    """The proxy did not open the tunnel."""
    OPEN_TIMEOUT = "open-timeout"
    """The connection was not open within `open_timeout`."""
    BAD_HANDSHAKE = "bad-handshake"
    """The answer to the upgrade is not one that RFC 6455 section 4.1 allows."""
    AUTHENTICATION = "authentication"
    """401 or 403: the API key was refused."""
    UNAVAILABLE = "unavailable"
    """408, 425, 429 or 5xx: the gateway cannot now."""
    REJECTED = "rejected"
    """Any other HTTP status."""


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=True):
    """The base of all events; its name is the member `event` when encoded as JSON."""

    alarm: ClassVar[bool] = False
    """Whether somebody should see to it: money or service is at stake."""


class Opened(Event, frozen=True, kw_only=True):
    """The gateway has accepted the connection with 101: requests can come in."""

    link: int
    url: str
    seconds: float
    """From the start of the dial."""


class Closed(Event, frozen=True, kw_only=True):
    """A dial has ended. Every dial ends in exactly one of these."""

    link: int
    cause: Cause
    reason: str
    """For people: what was expected, what came."""
    code: int | None = None
    """The close code (RFC 6455 section 7.4); 1005 if the peer gave none, 1006 if it just ended."""
    status: int | None = None
    """The HTTP status of a refusal."""
    up_for: float = 0.0
    """Seconds it was open; 0 if it never was."""
    retry_after: float | None = None
    """Seconds the peer asked to wait."""


class RetryScheduled(Event, frozen=True, kw_only=True):
    """The next dial is set."""

    attempt: int
    """Failures since the last stable connection, this one included."""
    seconds: float
    """Until the next dial."""
    reason: str


class AuthenticationRefused(Event, frozen=True, kw_only=True):
    """The gateway refused a key that it took before; the service goes on trying."""

    alarm = True

    status: int
    reason: str


class TakenOver(Event, frozen=True, kw_only=True):
    """Three connections were closed by the gateway soon after they opened.

    Most likely another process serves with the same software-house-id and API key: only one of
    them gets the requests.
    """

    alarm = True

    reason: str


class Draining(Event, frozen=True, kw_only=True):
    """The service was told to stop: what runs may finish, nothing new starts."""

    running: int
    """Requests that run, or whose journal step runs."""
    seconds: float
    """They get at most this long."""


class PingRoundTrip(Event, frozen=True, kw_only=True):
    """The answer to a ping came in."""

    link: int
    seconds: float


class RequestStarted(Event, frozen=True, kw_only=True):
    """A handler is about to run."""

    method: str
    request_ids: tuple[str, ...]
    """The JSON-RPC ids of those who wait for it, as JSON text; none if they have all gone."""
    redelivered: bool = False


class RequestOutcome(Enum):
    """How a request ended."""

    SUCCESS = "success"
    ERROR = "error"
    """An error answer was sent; `error_type` says which."""
    REPEAT = "repeat"
    """Answered from the journal: the handler did not run again."""
    WITHHELD = "withheld"
    """Not answered, on purpose: its outcome is not known, or the service is stopping."""
    ABANDONED = "abandoned"
    """Its connection ended before there was an answer."""


class RequestFinished(Event, frozen=True, kw_only=True):
    """A request has its answer, or it is certain that it gets none on this connection."""

    link: int
    method: str
    request_id: str
    """The JSON-RPC id as JSON text; empty for a notification."""
    outcome: RequestOutcome
    seconds: float
    error_type: str = ""
    trace_id: str = ""


class Slow(Event, frozen=True, kw_only=True):
    """A state-changing handler has been running for `slow_after` seconds; it goes on."""

    alarm = True

    method: str
    key: str
    """The idempotency key."""
    seconds: float
    """Since the request came in."""


class TimedOut(Event, frozen=True, kw_only=True):
    """A read had no result within `read_timeout`, and was answered with an error.

    An `async def` is cancelled; a `def` runs on in its thread, and nobody waits for it.
    """

    alarm = True

    method: str
    trace_id: str
    """As the error answer has it."""
    seconds: float
    """Since the request came in."""


class Overloaded(Event, frozen=True, kw_only=True):
    """A request was turned away before it started: too many run or wait."""

    alarm = True

    method: str
    in_flight: int
    queued: int


class HandlerFailed(Event, frozen=True, kw_only=True):
    """A function of the EPOS raised something that is not a DomainError, or had no thread."""

    alarm = True

    method: str
    function: str = HANDLER
    """Which one: `handler`, `lookup` or `on_unresolved`."""
    trace_id: str
    """As an error answer has it, if there is one."""
    error: BaseException
    """With its traceback. Its text never goes to the wire."""


class OutcomeUnknown(Event, frozen=True, kw_only=True):
    """Whether this was booked is not known; it is not answered until it is."""

    alarm = True

    method: str
    key: str
    """The idempotency key."""
    reason: str
    age: float
    """Seconds since it was begun."""


class PaymentUnconfirmed(Event, frozen=True, kw_only=True):
    """The till has booked a payment, and Dojo is not known to have the answer.

    It may have given the money back: compare this payment with Dojo's list.
    """

    alarm = True

    method: str
    key: str
    """The idempotency key."""
    age: float
    """Seconds since it was booked."""


class JournalFailed(Event, frozen=True, kw_only=True):
    """The journal could not do a step."""

    alarm = True

    method: str
    step: str
    """`begin`, `commit`, `abort`, `note`."""
    reason: str


class ContentDiffers(Event, frozen=True, kw_only=True):
    """A request names something that an earlier one named, with other content.

    If that is booked, its answer stands and the handler does not run again.
    """

    alarm = True

    method: str
    key: str


class ResultUnfit(Event, frozen=True, kw_only=True):
    """A function of the EPOS returned what is not a result of its method."""

    alarm = True

    method: str
    function: str = HANDLER
    """Which one: `handler`, `lookup` or `on_unresolved`."""
    trace_id: str
    """As an error answer has it, if there is one."""
    reason: str
    """The path and the expected type, never the value."""


class Registered(Event, frozen=True, kw_only=True):
    """Dojo has every method registered that this EPOS serves."""

    capabilities: tuple[str, ...]
    changed: bool
    """They were registered just now; else they were before."""


class Unregistered(Event, frozen=True, kw_only=True):
    """This EPOS serves what Dojo does not have registered, and so routes none of."""

    alarm = True

    capabilities: tuple[str, ...]


class ApiCallFailed(Event, frozen=True, kw_only=True):
    """A call of the REST API has failed. It is made again, unless Dojo has refused a notice."""

    reason: str
    """For people: what was asked, what came, what to do."""
    attempt: int
    """Failures since the last success, this one included."""
    status: int | None = None
    """The HTTP status, if one came in."""
    seconds: float | None = None
    """Until the next try; None if there is none."""


class NoticesDropped(Event, frozen=True, kw_only=True):
    """Dojo was not told of changes. Told when the number has doubled, or at the end."""

    alarm = True

    count: int
    """All that were dropped since the service was made."""
    reason: str


class MessageDropped(Event, frozen=True, kw_only=True):
    """A message got no answer because it asked for none, or because it is an answer itself."""

    link: int
    reason: str


ObserverEvent: TypeAlias = (
    Opened
    | Closed
    | RetryScheduled
    | AuthenticationRefused
    | TakenOver
    | Draining
    | PingRoundTrip
    | RequestStarted
    | RequestFinished
    | Slow
    | TimedOut
    | Overloaded
    | HandlerFailed
    | OutcomeUnknown
    | PaymentUnconfirmed
    | JournalFailed
    | ContentDiffers
    | ResultUnfit
    | Registered
    | Unregistered
    | ApiCallFailed
    | NoticesDropped
    | MessageDropped
)
