"""One connection of an EPOS, as those who call it see it."""

import json
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import msgspec

from dojo_proto.connection import Ended, State
from dojo_proto.framing import NORMAL_CLOSURE
from dojo_proto.gateway import Answered, GatewayEvent, Unanswered, Unasked
from dojo_proto.stage import Asked
from dojo_simulator import events
from dojo_simulator.errors import CallTimedOut, ConnectionEnded, SimulatorError, describe
from dojo_simulator.faults import Fault, FaultKind, Faults
from dojo_simulator.loop import LoopThread
from dojo_simulator.registry import Account
from dojo_simulator.session import Session
from dojo_simulator.waiting import Waiting


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of the EPOS."""

    id: str
    result: Any
    """The decoded result; None if `error` is not."""
    error: dict[str, Any] | None
    """The decoded error object, or None."""
    seconds: float
    """From the call to its answer; of the last attempt."""
    attempts: int = 1
    """How often it was sent."""


class PendingCall:
    """A call that has been sent. Any thread may wait for its answer."""

    def __init__(
        self, method: str, request_id: str, *, timeout: float, fault: Fault | None
    ) -> None:
        self.method = method
        self.id = request_id
        self.timeout = timeout
        self.fault = fault
        """What goes wrong on purpose."""
        self.future: Future[Reply] = Future()
        """For `asyncio.wrap_future` and the like; it must not be cancelled."""

    @property
    def done(self) -> bool:
        """Whether it is certain what `wait` gives."""
        return self.future.done()

    def wait(self, timeout: float = 5.0) -> Reply:
        """Return the answer.

        Raises CallTimedOut after `timeout` seconds (the call goes on: wait again) or when the
        call's own time-out has passed; ConnectionEnded if the connection ended before the answer.
        """
        try:
            return self.future.result(timeout)
        except CallTimedOut:
            raise
        except TimeoutError:
            raise self.timed_out(timeout) from None

    def timed_out(self, seconds: float) -> CallTimedOut:
        """The error that says so."""
        return CallTimedOut(f"{self}: no answer within {seconds:g} s, and the connection is open")

    def __str__(self) -> str:
        return f"{self.method} (id {self.id!r})"


class EposConnection:
    """One connection that an EPOS has opened. Made by LocalGateway; any thread may use it."""

    def __init__(
        self,
        number: int,
        asked: Asked,
        session: Session,
        *,
        loop: LoopThread,
        waiting: Waiting,
        faults: Faults,
        emit: Callable[[events.ObserverEvent], None],
    ) -> None:
        self.number = number
        """1 for the first one of the gateway."""
        self.target = asked.target
        """Path and query of the upgrade."""
        self.headers = dict(asked.headers)
        """Of the upgrade, names in lower case, as they came: the API key is among them."""
        self.account = Account.of(self.headers)
        """Whose connection it is."""
        self._session = session
        self._loop = loop
        self._waiting = waiting
        self._faults = faults
        self._emit = emit
        self._calls: dict[int, PendingCall] = {}
        self._messages: deque[bytes] = deque()
        self._ended: Ended | None = None

    @property
    def is_open(self) -> bool:
        """Whether calls can be sent: neither side has said Close, and the stream is there."""
        return self._session.machine.state is State.OPEN

    @property
    def ended(self) -> Ended | None:
        """How the connection ended; None while it has not."""
        return self._ended

    def call(
        self,
        method: str,
        params: object = None,
        *,
        request_id: str | None = None,
        timeout: float = 5.0,
    ) -> Reply:
        """Send a request and return its answer, whether that is a result or an error.

        `method` is a wire name, sent as it is; `params` anything that encodes as JSON, None for no
        `params`; `request_id` a fresh UUID unless given. Raises CallTimedOut, ConnectionEnded.
        """
        return self.start_call(method, params, request_id=request_id, timeout=timeout).wait(timeout)

    def start_call(
        self,
        method: str,
        params: object = None,
        *,
        request_id: str | None = None,
        timeout: float = 30.0,
        drop_before_answer: bool = False,
        fault: Fault | None = None,
    ) -> PendingCall:
        """Send a request and return at once.

        After `timeout` seconds the gateway gives the call up. `fault` goes wrong with it, in place
        of what the gateway has in store; `drop_before_answer` is short for that one, after which
        `wait` raises ConnectionEnded: the EPOS has done it, and the gateway does not know. Raises
        ConnectionEnded if the connection is not open, SimulatorError for a fault of upgrades.
        """
        if drop_before_answer:
            fault = Fault(FaultKind.DROP_BEFORE_ANSWER)
        if fault is not None and fault.kind is FaultKind.REFUSE:
            raise SimulatorError(f"{fault.kind}: that happens to upgrades, and not to a call")
        call = PendingCall(method, request_id or str(uuid4()), timeout=timeout, fault=fault)
        self._loop.call(self._start, call, params)
        return call

    def send_text(self, message: str | bytes) -> None:
        """Send any text message, well-formed or not; an answer goes to `wait_message`.

        Raises ConnectionEnded if the connection is not open.
        """
        raw = message.encode() if isinstance(message, str) else message
        self._loop.call(self._send, raw)

    def wait_message(self, timeout: float = 5.0) -> bytes:
        """Return the next message that answers no call, oldest first. Raises WaitTimedOut."""
        return self._waiting.wait(
            lambda: self._messages.popleft() if self._messages else None,
            timeout,
            lambda: f"no message but answers to calls came on {self}",
        )

    def drop(self) -> None:
        """Reset the TCP connection, without a Close frame."""
        self._loop.call(self._session.drop)

    def silence(self) -> None:
        """Read and answer nothing more on this connection, not even pings; the socket stays."""
        self._loop.call(self._session.fall_silent)

    def close(self, code: int = NORMAL_CLOSURE, reason: str = "") -> None:
        """Say Close with `code` and `reason`, and return at once; `wait_closed` tells the rest."""
        self._loop.call(self._close, code, reason)

    def wait_closed(self, timeout: float = 5.0) -> Ended:
        """Wait until the connection is over and return what ended it. Raises WaitTimedOut."""
        return self._waiting.wait(lambda: self._ended, timeout, lambda: f"{self} did not end")

    def __str__(self) -> str:
        state = self._session.machine.state.value
        how = "" if self._ended is None else f" ({describe(self._ended)})"
        return f"connection {self.number}, which is {state}{how}"

    # On the thread of the loop.

    def handle(self, event: GatewayEvent) -> None:
        """Take an event of the machine, from Open on."""
        match event:
            case Answered():
                self._answered(self._calls[event.call], event)
            case Unanswered(call=number) if self.is_open:
                call = self._calls.pop(number)
                self._fail(call, call.timed_out(call.timeout))
            case Unasked(message=message):
                with self._waiting.change():
                    self._messages.append(message)
                text = message.decode(errors="replace")
                self._emit(events.Unasked(connection=self.number, message=text))
            case Ended():
                self._end(event)
            case _:
                pass  # Asked and Open are the gateway's; the unanswered of an end are told by it

    def _answered(self, call: PendingCall, answer: Answered) -> None:
        kind = None if call.fault is None else call.fault.kind
        if kind is FaultKind.DROP_BEFORE_ANSWER:
            self._session.drop()  # which fails the call
            return
        del self._calls[answer.call]
        reply = Reply(
            id=call.id,
            result=None if answer.result is None else json.loads(answer.result),
            error=None if answer.error is None else json.loads(answer.error),
            seconds=answer.seconds,
        )
        call.future.set_result(reply)
        self._emit(
            events.Answered(
                connection=self.number,
                id=call.id,
                method=call.method,
                seconds=reply.seconds,
                result=reply.result,
                error=reply.error,
            )
        )
        if kind is FaultKind.DROP_AFTER_ANSWER:
            self._session.drop()

    def _end(self, ended: Ended) -> None:
        with self._waiting.change():
            self._ended = ended
        for call in self._calls.values():
            reason = f"{call}: the connection ended before the answer: {describe(ended)}"
            self._fail(call, ConnectionEnded(reason, ended=ended))
        self._calls.clear()
        self._emit(
            events.Disconnected(
                connection=self.number,
                cause=ended.cause,
                reason=ended.reason,
                code=ended.code,
                up_for=ended.up_for,
            )
        )

    def _fail(self, call: PendingCall, error: SimulatorError) -> None:
        call.future.set_exception(error)
        self._emit(
            events.Unanswered(
                connection=self.number, id=call.id, method=call.method, reason=str(error)
            )
        )

    def _start(self, call: PendingCall, params: object) -> None:
        self._expect_open(str(call))
        call.fault = call.fault or self._faults.of_call(call.method)
        if call.fault is None:
            self._request(call, params)
            return
        self._emit(
            events.FaultInjected(
                connection=self.number, fault=str(call.fault), id=call.id, method=call.method
            )
        )
        self._go_wrong(call, call.fault, params)

    def _go_wrong(self, call: PendingCall, fault: Fault, params: object) -> None:
        amount = fault.amount
        match fault.kind:
            case FaultKind.DELAY:
                self._session.later(amount, self._request_late, call, params)
            case FaultKind.FRAGMENT:
                self._request(call, params, fragment=int(amount))
            case FaultKind.DUPLICATE:
                self._request(call, params)
                twin = PendingCall(call.method, call.id, timeout=call.timeout, fault=None)
                self._request(twin, params)
            case FaultKind.DROP_AFTER_REQUEST:
                self._request(call, params)
                self._session.later(amount, self._session.drop)
            case FaultKind.CLOSE:
                self._request(call, params)
                self._close(int(amount), "")
            case FaultKind.SILENT:
                self._request(call, params)
                self._session.fall_silent()
            case _:
                self._request(call, params)  # what goes wrong with the answer comes with that

    def _request(self, call: PendingCall, params: object, *, fragment: int | None = None) -> None:
        machine, now = self._session.machine, self._session.now
        number = machine.call(
            call.id, call.method, params, now, timeout=call.timeout, fragment=fragment
        )
        self._calls[number] = call
        self._emit(
            events.Called(connection=self.number, id=call.id, method=call.method, params=params)
        )
        self._session.pump()

    def _request_late(self, call: PendingCall, params: object) -> None:
        try:
            self._expect_open(str(call))
        except ConnectionEnded as error:
            self._fail(call, error)
        else:
            self._request(call, params)

    def _send(self, message: bytes) -> None:
        self._expect_open("a message")
        self._session.machine.send_text(message, self._session.now)
        self._session.pump()

    def _close(self, code: int, reason: str) -> None:
        self._session.machine.close(self._session.now, code, reason)
        self._session.pump()

    def _expect_open(self, what: str) -> None:
        if not self.is_open:
            raise ConnectionEnded(f"{what} was not sent on {self}", ended=self._ended)
