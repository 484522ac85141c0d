"""From a message to the calls it asks for, or to the errors that turn it down."""

from collections.abc import Callable, Mapping
from typing import assert_never

from dojo_proto.call import Call, Gathering, Waiter
from dojo_proto.delivery import Delivery
from dojo_proto.errors import INVALID_PARAMS, METHOD_NOT_FOUND, InvalidRequest
from dojo_proto.events import MessageDropped
from dojo_proto.handlers import Handler
from dojo_proto.journal import Unidentifiable, identify
from dojo_proto.jsonrpc import Batch, ErrorObject, Invalid, Request, Response, Stray, parse
from dojo_proto.params import explain
from dojo_proto.reports import Reports


class Intake:
    """Reads messages and hands every sound request on to `admit`. Driven by dispatch.

    `admit` takes (call, now). Whatever is wrong with a message is answered here (JSON-RPC 2.0
    section 5.1) and never raises.
    """

    __slots__ = (
        "_admit",
        "_count",
        "_delivery",
        "_handlers",
        "_max_depth",
        "_reports",
        "last_request",
        "scope",
    )

    def __init__(
        self,
        *,
        handlers: Mapping[str, Handler],
        scope: str,
        max_depth: int,
        delivery: Delivery,
        reports: Reports,
        admit: Callable[[Call, float], None],
    ) -> None:
        self.scope = scope
        """Tells environments and instances apart in the journal."""
        self.last_request: float | None = None
        """When the last request came in."""
        self._handlers = handlers
        self._max_depth = max_depth
        self._delivery = delivery
        self._reports = reports
        self._admit = admit
        self._count = 0

    def receive(self, link: int, data: bytes, now: float, *, binary: bool = False) -> None:
        """Take a message of the open link; a text has been checked to be UTF-8."""
        incoming = parse(data, binary=binary, max_depth=self._max_depth)
        if type(incoming) is Request:
            self._request(incoming, link, None, now)
        elif isinstance(incoming, Batch):
            gathering = Gathering(link)
            for item in incoming.messages:
                self._item(item, link, gathering, now)
            self._delivery.gathered(gathering)  # the batch itself, so that it cannot end early
        else:
            self._item(incoming, link, None, now)

    def _item(
        self,
        item: Request | Response | Stray | Invalid,
        link: int,
        gathering: Gathering | None,
        now: float,
    ) -> None:
        match item:
            case Request():
                self._request(item, link, gathering, now)
            case Invalid(id=request_id, code=code, reason=reason):
                waiter = Waiter(link, request_id, now, gathering)
                if gathering is not None:
                    gathering.expect(waiter)
                self._refuse(waiter, "", code, reason, now)
            case Response() | Stray():
                reason = "it is an answer, and nothing was asked"
                self._reports.emit(MessageDropped(link=link, reason=reason))
            case _:
                assert_never(item)

    def _request(
        self, request: Request, link: int, gathering: Gathering | None, now: float
    ) -> None:
        self.last_request = now
        waiter = Waiter(link, request.id, now, gathering)
        if gathering is not None:
            gathering.expect(waiter)
        handler = self._handlers.get(request.method)
        if handler is None:
            reason = "this EPOS has no such method"
            # What the peer calls it is echoed if need be, but is no name for observers.
            self._refuse(waiter, "", METHOD_NOT_FOUND, reason, now, echoed=request.method)
            return
        method = handler.method
        raw = b"{}" if request.params is None else request.params
        reads = handler.reads
        if gathering is not None and not reads:
            reason = "a request that changes something has to come by itself, not in a batch"
            self._refuse(waiter, method.wire, INVALID_PARAMS, reason, now)
            return
        try:
            self._count += 1
            if handler.by_event is not None:
                handler = handler.chosen(raw)
            call = Call(self._count, handler, [waiter], now, now, handler.decode(raw), raw)
            if not reads and handler.lookup is not None:
                call.lookup_params = handler.lookup.decode(raw)
        except Exception as error:  # noqa: BLE001 - a user's own type may raise anything
            self._refuse(waiter, method.wire, INVALID_PARAMS, explain(error), now)
            return
        if not reads:
            identified = identify(method, raw, request.id, self.scope)
            if isinstance(identified, Unidentifiable):
                self._refuse(waiter, method.wire, INVALID_PARAMS, identified.reason, now)
                return
            call.identity = identified
        self._admit(call, now)

    def _refuse(
        self, waiter: Waiter, method: str, code: int, reason: str, now: float, *, echoed: str = ""
    ) -> None:
        self._count += 1
        error = ErrorObject(
            code=code,
            message=reason,
            error_type=InvalidRequest.error_type,
            debug_message=reason,
            trace_id=self._reports.trace_id(self._count),
        )
        self._delivery.reject(waiter, method, error, now, echoed=echoed)
