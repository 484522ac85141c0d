"""Calls of the REST API: one at a time over a socket of its own, and the thread of a service.

The thread is the same in every runtime. What it sends, and when, is the registrar's business.
"""

import random
import socket
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from ssl import SSLContext
from threading import Condition, RLock, Thread
from time import monotonic

from dojo_adapters.dialing import connect, explain_dial
from dojo_adapters.environment import current_key, proxy_of, with_proxy
from dojo_adapters.tls import Wire, make_context
from dojo_proto import ConfigurationError, Notice, Settings
from dojo_proto.events import Cause, Event
from dojo_proto.registrar import Phase, Registrar
from dojo_proto.rest import Failure, RestCall, RestOutcome, RestRequest

_CHUNK = 65536
_GLANCE = 0.1  # seconds between two looks at whether a call is still wanted


class Rest:
    """How to reach the REST API for one EPOS.

    `settings` are as the user gave them: whether there is a proxy in the environment is judged here
    anew, since it may be another matter for the API than for the gateway.
    """

    __slots__ = ("_own_context", "_settings", "_software_house_id")

    def __init__(
        self, settings: Settings, software_house_id: str, ssl_context: SSLContext | None = None
    ) -> None:
        self._settings = settings
        self._software_house_id = software_house_id
        self._own_context = ssl_context

    def perform(
        self, request: RestRequest, wanted: Callable[[], bool] = lambda: True
    ) -> RestOutcome:
        """Make one call; it blocks for `api_timeout`, and gives up soon when it is not `wanted`.

        Never raises on what the network or the peer does.
        """
        deadline = monotonic() + self._settings.api_timeout
        try:
            settings = with_proxy(self._settings, to=self._settings.api_address)
            call = RestCall(
                request,
                settings=settings,
                software_house_id=self._software_house_id,
                api_key=current_key(self._settings),
            )
            context = make_context(self._own_context) if call.link.server_hostname else None
        except ConfigurationError as error:
            return Failure(reason=str(error))
        try:
            sock = connect(call.host, call.port, deadline, wanted)
        except (OSError, UnicodeError) as error:
            named = proxy_of(self._settings, settings)
            reason = explain_dial(call.host, call.port, error, proxy_of=named)
            call.link_failed(call.link, Cause.DIAL_FAILED, reason, monotonic())
        else:
            with sock:
                _carry(sock, call, Wire(call, call.link, context), deadline, wanted)
        return call.outcome or Failure(reason="the call was given up, since nobody wants it")


def _carry(
    sock: socket.socket, call: RestCall, wire: Wire, deadline: float, wanted: Callable[[], bool]
) -> None:
    """Carry bytes both ways until the call has its outcome, or nobody wants it."""
    unsent = b""
    with DefaultSelector() as selector:
        selector.register(sock, EVENT_READ)
        while call.outcome is None and wanted():
            if (left := deadline - monotonic()) <= 0:
                call.timed_out()
                return
            try:
                unsent = _write(sock, wire, unsent)
                selector.modify(sock, EVENT_READ | EVENT_WRITE if unsent else EVENT_READ)
                if any(mask & EVENT_READ for _, mask in selector.select(min(left, _GLANCE))):
                    _read(sock, wire)
            except OSError as error:
                reason = f"the connection was lost: {error.strerror or error}"
                call.link_failed(call.link, Cause.LOST, reason, monotonic())


def _write(sock: socket.socket, wire: Wire, unsent: bytes) -> bytes:
    """Write what waits, as far as the socket takes it; what is left."""
    while data := unsent or wire.data_to_send(monotonic()):
        try:
            unsent = data[sock.send(data) :]
        except BlockingIOError:
            return data
    return b""


def _read(sock: socket.socket, wire: Wire) -> None:
    try:
        data = sock.recv(_CHUNK)
    except BlockingIOError:
        return
    if data:
        wire.receive(data, monotonic())
    else:
        wire.receive_eof(monotonic())


class RestThread:
    """Keeps Dojo informed for one service. Any thread may call it; nothing but `close` blocks.

    The thread begins with `start` if there is something to say, or else when there is; the
    registrar is made with the first thing to say, since many a service never has any. `emit` takes
    events, in whichever thread it is.
    """

    __slots__ = (
        "_changed",
        "_emit",
        "_lock",
        "_over",
        "_registrar",
        "_rest",
        "_settings",
        "_started",
        "_thread",
        "_up",
    )

    def __init__(self, rest: Rest, settings: Settings, emit: Callable[[Event], None]) -> None:
        self._rest = rest
        self._settings = settings
        self._emit = emit
        # Guards the registrar, and is never held while a call is made. Reentrant, so that a signal
        # handler may notify in the midst of another notify.
        self._lock = RLock()
        self._registrar: Registrar | None = None
        # What a registrar that is made late has to know: is there a connection, is it too late?
        self._up = False
        self._over = False
        # Somebody waits, or has waited, for something to change.
        self._changed: Condition | None = None
        self._started = False
        self._thread: Thread | None = None

    def register(self, capabilities: tuple[str, ...]) -> None:
        """Have exactly `capabilities` registered, from `start` on. Raises ConfigurationError."""
        with self._lock:
            self._made().register(capabilities)

    def start(self) -> None:
        """Begin to send."""
        with self._lock:
            self._started = True
            self._wake()

    def notify(self, notice: Notice) -> None:
        """Tell Dojo of a change."""
        with self._lock:
            self._made().notify(notice)
            self._wake()

    def linked(self, *, up: bool) -> None:
        """The connection to the gateway has opened, or ended."""
        with self._lock:
            self._up = up
            if self._registrar is not None:
                self._registrar.linked(up=up)
                self._wake()

    def stop(self) -> None:
        """Send what waits, and end soon."""
        with self._lock:
            self._over = True
            if self._registrar is not None:
                self._registrar.stop(monotonic())
                self._wake()

    def abort(self) -> None:
        """End at once."""
        with self._lock:
            self._over = True
            if self._registrar is not None:
                self._registrar.abort()
                self._wake()

    def close(self, patience: float) -> bool:
        """After `stop`, wait up to `patience` seconds for what is still to be sent.

        Says whether there will be no event any more.
        """
        with self._lock:
            registrar = self._registrar
            if registrar is None:
                return True
            timer = registrar.next_timer()
            left = 0.0 if timer is None else timer - monotonic()
            if not registrar.over:
                patience = max(0.0, min(left, patience))
                self._condition().wait_for(lambda: registrar.over, patience)
            registrar.handle_timer(monotonic())
            return registrar.over

    def report(self) -> tuple[str, int, int]:
        """Of Status: registration, notices_waiting, notices_dropped."""
        with self._lock:
            registrar = self._registrar
            if registrar is None:
                return Phase.OFF.value, 0, 0
            return registrar.registration, registrar.waiting, registrar.dropped

    def _made(self) -> Registrar:
        """The registrar, for whoever holds the lock."""
        if self._registrar is None:
            registrar = Registrar(self._settings, uniform=random.random, emit=self._emit)
            registrar.linked(up=self._up)
            if self._over:
                registrar.abort()
            # Not before, since a signal handler may have notified in the midst of this.
            if self._registrar is None:
                self._registrar = registrar
        return self._registrar

    def _condition(self) -> Condition:
        """What whoever holds the lock can wait for."""
        if self._changed is None:
            self._changed = Condition(self._lock)
        return self._changed

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed.notify_all()

    def _wake(self) -> None:
        registrar = self._registrar
        if registrar is None:
            return
        self._tell()
        busy = registrar.registration == "pending" or registrar.waiting
        if self._started and self._thread is None and busy and not registrar.over:
            thread = Thread(target=self._work, args=(registrar,), name="dojo-rest", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return  # the system gives no more threads now; the next call tries again
            self._thread = thread

    def _work(self, registrar: Registrar) -> None:
        while (request := self._next_request(registrar)) is not None:
            outcome = self._rest.perform(request, partial(self._is_wanted, registrar))
            with self._lock:
                registrar.ended(outcome, monotonic())
                self._tell()

    def _next_request(self, registrar: Registrar) -> RestRequest | None:
        """Wait for something to send; None when there will be nothing any more."""
        with self._lock:
            while not registrar.over:
                now = monotonic()
                registrar.handle_timer(now)
                request = registrar.next_request(now)
                if request is not None:
                    return request
                timer = registrar.next_timer()
                self._condition().wait(None if timer is None else max(0.0, timer - monotonic()))
            self._tell()
        return None

    def _is_wanted(self, registrar: Registrar) -> bool:
        with self._lock:
            registrar.handle_timer(monotonic())
            return not registrar.over
