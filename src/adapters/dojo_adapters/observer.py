"""Events to the log and to the user's `on_event`, in a thread of its own.

A log handler may write to a slow disk, and `on_event` is somebody else's code: neither may hold up
the bytes.
"""

import logging
from collections.abc import Callable
from queue import Full, Queue
from threading import Thread

from dojo_proto import events
from dojo_proto.events import Event

logger = logging.getLogger("dojo_adapters")

_ROOM = 10_000  # events that may wait for a slow observer

_LEVELS: dict[type[Event], int] = {
    events.Opened: logging.INFO,
    events.Closed: logging.INFO,
    events.RetryScheduled: logging.WARNING,
    events.AuthenticationRefused: logging.ERROR,
    events.TakenOver: logging.ERROR,
    events.PingRoundTrip: logging.DEBUG,
    events.RequestStarted: logging.DEBUG,
    events.RequestFinished: logging.DEBUG,
    events.Slow: logging.WARNING,
    events.Overloaded: logging.WARNING,
    events.HandlerFailed: logging.ERROR,
    events.OutcomeUnknown: logging.ERROR,
    events.JournalFailed: logging.ERROR,
    events.ContentDiffers: logging.ERROR,
    events.ResultUnfit: logging.ERROR,
    events.MessageDropped: logging.WARNING,
}


class Observer:
    """Logs every event and hands it to `on_event`, in order. Started when built."""

    def __init__(self, on_event: Callable[[Event], object] | None) -> None:
        self._on_event = on_event
        self._queue: Queue[Event | None] = Queue(_ROOM)
        self._lost = 0
        self._thread = Thread(target=self._observe, name="dojo-observer", daemon=True)
        self._thread.start()

    @property
    def wants_requests(self) -> bool:
        """Whether anybody would see the events of single requests."""
        return self._on_event is not None or logger.isEnabledFor(logging.DEBUG)

    def put(self, event: Event) -> None:
        """Take an event; never blocks. When an observer is hopelessly behind, it is dropped."""
        try:
            self._queue.put_nowait(event)
        except Full:
            self._lost += 1

    def close(self, timeout: float = 1.0) -> None:
        """Wait up to `timeout` seconds until everything that was put has been seen."""
        try:
            self._queue.put(None, timeout=timeout)
        except Full:
            return
        self._thread.join(timeout)

    def _observe(self) -> None:
        while (event := self._queue.get()) is not None:
            if self._lost:
                lost, self._lost = self._lost, 0
                logger.warning("%d events were dropped: on_event or the log is too slow", lost)
            log(event)
            if self._on_event is not None:
                try:
                    self._on_event(event)
                except Exception:
                    logger.exception("on_event failed on %s", type(event).__name__)


def log(event: Event) -> None:
    """Write one event to the log."""
    level = _LEVELS[type(event)]
    if logger.isEnabledFor(level):
        error = event.error if isinstance(event, events.HandlerFailed) else None
        logger.log(level, describe(event), exc_info=error)


def describe(event: Event) -> str:
    """One line for people."""
    match event:
        case events.Opened(url=url, seconds=seconds):
            return f"connected to {url} after {seconds:.2f} s; requests can come in"
        case events.Closed(cause=cause, reason=reason, code=code):
            said = f", close code {code}" if code is not None else ""
            return f"the connection is over ({cause.value}{said}): {reason or 'no reason given'}"
        case events.RetryScheduled(attempt=attempt, seconds=seconds, reason=reason):
            return (
                f"next try in {seconds:.1f} s (failure {attempt}): {reason or 'closed by the peer'}"
            )
        case events.HandlerFailed(method=method, trace_id=trace_id):
            return f"the handler of {method} failed; its error has the traceId {trace_id}"
        case _:
            fields = ", ".join(
                f"{name} {value.value if hasattr(value, 'value') else value}"
                for name in event.__struct_fields__
                if (value := getattr(event, name)) not in {None, ""}
            )
            return f"{type(event).__name__}: {fields}"
