"""Events that Dojo tells of, and the errors that an EPOS answers with."""

from dojo_proto.contract.requests import Params
from dojo_proto.contract.shape import OpenEnum, Shape, Time


class EventType(OpenEnum):
    """What has happened."""

    PAYMENT_INTENT_CREATED = "payment_intent.created"
    PAYMENT_INTENT_STATUS_UPDATED = "payment_intent.status_updated"


class PaymentIntentStatus(OpenEnum):
    """How far a payment is."""

    CREATED = "Created"
    AUTHORIZED = "Authorized"
    CAPTURED = "Captured"
    REVERSED = "Reversed"
    REFUNDED = "Refunded"
    CANCELED = "Canceled"


class CaptureMode(OpenEnum):
    """Whether an authorised payment is captured by itself."""

    AUTO = "Auto"
    MANUAL = "Manual"


class PaymentIntentEvent(Shape, kw_only=True):
    """What an event of a payment tells."""

    payment_intent_id: str
    payment_status: PaymentIntentStatus
    capture_mode: CaptureMode


class HandleEventParams(Params, kw_only=True):
    """An event. It may be told more than once, always with the same `id`."""

    id: str
    """Of the event: the same one again is the same event."""
    account_id: str
    event: str
    """An EventType, or one that Dojo adds later."""
    data: PaymentIntentEvent
    created_at: Time


class EPOSErrorType(OpenEnum):
    """Why a request was refused."""

    NOT_FOUND = "NotFound"
    UNEXPECTED_ERROR = "UnexpectedError"
    INVALID_REQUEST = "InvalidRequest"
    CONFLICT = "Conflict"


class EPOSError(Shape, kw_only=True):
    """The vendor's members of an error. Handlers raise NotFound, Conflict … instead."""

    error_type: EPOSErrorType
    debug_message: str | None = None
    """For the developers at Dojo."""
    trace_id: str | None = None
    """Names the till's log entry."""
