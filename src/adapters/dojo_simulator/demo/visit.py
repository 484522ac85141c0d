"""What the steps of the demonstration work with: both ends, and ways to say what they expect."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Condition
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from dojo_adapters.background import Background
from dojo_proto.contract import encode
from dojo_proto.events import Event
from dojo_simulator.connection import EposConnection, Reply
from dojo_simulator.demo.report import Fault
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.restaurant import Restaurant

E = TypeVar("E", bound=Event)
Json = dict[str, Any]

PATIENCE = 5.0
"""Seconds after which what has not happened counts as failed."""
WAITER = "anna"
_HEADERS = {
    "waiterId": WAITER,
    "dojoRequestingProduct": "PayAtTable",
    "deviceId": "terminal-1",
    "deviceType": "Pax",
}


class Unexpected(Exception):
    """Something came out otherwise than expected."""

    def __init__(self, what: str, *, expected: object, came: object) -> None:
        super().__init__(what)
        self.fault = Fault(what=what, expected=str(expected), came=str(came))


def expect(what: str, came: object, expected: object) -> None:
    """Raise Unexpected unless `came` equals `expected`."""
    if came != expected:
        raise Unexpected(what, expected=expected, came=came)


def money(value: int) -> Json:
    """An amount in minor units, as the vendor writes it."""
    return {"value": value, "currencyCode": "GBP"}


def pounds(value: int) -> str:
    """An amount in minor units, for people."""
    return _shown(money(value))


def expect_money(what: str, came: Json, value: int) -> None:
    """Raise Unexpected unless `came` is that amount."""
    if came != money(value):
        raise Unexpected(what, expected=pounds(value), came=_shown(came))


def _shown(amount: Json) -> str:
    return f"{amount['value'] // 100}.{amount['value'] % 100:02} {amount['currencyCode']}"


def expiry(seconds: float) -> str:
    """When a lock runs out, `seconds` from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


class Heard:
    """The events of the EPOS, for those who wait for one."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._condition = Condition()

    def put(self, event: Event) -> None:
        """Take an event: the EPOS's `on_event`."""
        with self._condition:
            self._events.append(event)
            self._condition.notify_all()

    def wait(self, kind: type[E], fits: Callable[[E], bool] = lambda _: True) -> E:
        """Return the first event of that kind that fits, as soon as there is one."""

        def find() -> E | None:
            return next((e for e in self._events if isinstance(e, kind) and fits(e)), None)

        with self._condition:
            event = self._condition.wait_for(find, PATIENCE)
        if event is None:
            raise Unexpected(
                "an event of the EPOS", expected=kind.__name__, came=f"none in {PATIENCE:g} s"
            )
        return event


class Visit:
    """The gateway, the EPOS that is connected to it, and the till behind that."""

    def __init__(
        self, *, gateway: LocalGateway, service: Background, till: Restaurant, heard: Heard
    ) -> None:
        self.gateway = gateway
        self.service = service
        self.till = till
        self.heard = heard
        self.lost: EposConnection | None = None
        """The connection that was dropped before an answer."""

    @property
    def epos(self) -> EposConnection:
        """The connection that calls go to: the newest open one."""
        return self.gateway.wait_for_epos(PATIENCE)

    def books(self, order_id: str) -> Json:
        """An order as the till itself has it, without asking over the wire."""
        order: Json = msgspec.json.decode(encode(self.till.order(order_id)))
        return order

    def ask(self, method: str, params: Json, *, request_id: str | None = None) -> Reply:
        """Call a method with the terminal's headers and return whatever answer comes."""
        return self.epos.call(
            method, with_headers(params), request_id=request_id or str(uuid4()), timeout=PATIENCE
        )

    def call(self, method: str, params: Json, *, request_id: str | None = None) -> Json:
        """Call a method and return its result. Raises Unexpected if it is an error."""
        return result(self.ask(method, params, request_id=request_id))

    def refused(self, method: str, params: Json, *, code: int, error_type: str) -> Json:
        """Call a method that must be answered with this error, and return that."""
        reply = self.ask(method, params)
        if reply.error is None:
            raise Unexpected("the answer", expected=f"error {code}", came="a result")
        expect("error.code", reply.error.get("code"), code)
        expect("error.errorType", reply.error.get("errorType"), error_type)
        return reply.error


def with_headers(params: Json) -> Json:
    """`params` as a terminal sends them."""
    return {**params, "headers": _HEADERS}


def result(reply: Reply) -> Json:
    """The result of a reply. Raises Unexpected if it is an error, or no object."""
    if reply.error is not None:
        came = f"{reply.error.get('errorType')} {reply.error.get('code')}: "
        raise Unexpected("the answer", expected="a result", came=came + reply.error["message"])
    if not isinstance(reply.result, dict):
        raise Unexpected("the result", expected="an object", came=type(reply.result).__name__)
    return reply.result


def elapsed(since: float) -> float:
    """Seconds since that moment of `time.monotonic`."""
    return monotonic() - since
