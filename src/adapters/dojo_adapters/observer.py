"""Events to the log and to the user's `on_event`, in another thread.

A log handler may write to a slow disk, and `on_event` is somebody else's code: neither may hold up
the bytes.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Signal
from threading import RLock

from dojo_adapters.event_threads import EventThread, shared_thread
from dojo_proto import events
from dojo_proto.events import Event

logger = logging.getLogger("dojo_adapters")

EVENT = "dojo_event"
"""The attribute of a log record that has its event, for handlers that write more than the line."""

ALARM = "ALARM"
"""With this a line begins that somebody has to see to."""

_ROOM = 10_000  # events that may wait for a slow observer
_LINGER = 10.0  # seconds for which a thread waits for the next event
_LONGEST = 1000  # characters of a line

_LEVELS: dict[type[Event], int] = {
    events.Opened: logging.INFO,
    events.Closed: logging.INFO,
    events.RetryScheduled: logging.WARNING,
    events.AuthenticationRefused: logging.ERROR,
    events.TakenOver: logging.ERROR,
    events.Draining: logging.INFO,
    events.PingRoundTrip: logging.DEBUG,
    events.RequestStarted: logging.DEBUG,
    events.RequestFinished: logging.DEBUG,
    events.Slow: logging.WARNING,
    events.TimedOut: logging.WARNING,
    events.Overloaded: logging.WARNING,
    events.HandlerFailed: logging.ERROR,
    events.OutcomeUnknown: logging.ERROR,
    events.PaymentUnconfirmed: logging.ERROR,
    events.JournalFailed: logging.ERROR,
    events.ContentDiffers: logging.ERROR,
    events.ResultUnfit: logging.ERROR,
    events.Registered: logging.INFO,
    events.Unregistered: logging.ERROR,
    events.ApiCallFailed: logging.WARNING,
    events.NoticesDropped: logging.ERROR,
    events.MessageDropped: logging.WARNING,
}


class Observer:
    """Logs the events of one service and hands them to `on_event`, in order.

    `level` is the lowest that this service logs; the logger, which all services share, only ever
    gets more talkative by it.
    """

    __slots__ = (
        "_all_seen",
        "_counting",
        "_dropped",
        "_level",
        "_on_event",
        "_put",
        "_reported",
        "_seen",
        "_thread",
    )

    def __init__(
        self, on_event: Callable[[Event], object] | None, level: int = logging.INFO
    ) -> None:
        self._on_event = on_event
        self._level = level
        if logger.level == logging.NOTSET or logger.level > level:
            logger.setLevel(level)
        # Somebody else's code may take its time, and is not to hold up other services.
        self._thread = EventThread(_LINGER) if self.wants_requests else shared_thread()
        # Several threads put. Reentrant, since a signal handler may put in the midst of that.
        self._counting = RLock()
        self._put = 0
        self._dropped = 0
        # What has been seen, and of how many it was said that they were dropped: for one thread.
        self._seen = 0
        self._reported = 0
        self._all_seen: Signal | None = None

    @property
    def wants_requests(self) -> bool:
        """Whether anybody would see the events of single requests."""
        logged = self._level <= logging.DEBUG and logger.isEnabledFor(logging.DEBUG)
        return logged or self._on_event is not None

    def put(self, event: Event) -> None:
        """Take an event; never blocks. When an observer is hopelessly behind, it is dropped."""
        if self._on_event is None and not self._is_logged(event):
            return
        with self._counting:
            if self._put - self._seen > _ROOM:  # one is being seen, and the others wait
                self._dropped += 1
                return
            self._put += 1
        self._thread.put(self._see, event)

    def close(self, timeout: float = 1.0) -> bool:
        """Wait up to `timeout` seconds until everything that was put has been seen.

        Says whether that is so. Nothing is to be put afterwards.
        """
        if self._thread is not shared_thread():  # in which others are still to see theirs
            self._thread.end()
        if self._all_seen is None:
            self._all_seen = Signal()
        # Only then, so that the last event to be seen finds the signal, or is found here.
        return self._put == self._seen or self._all_seen.wait(timeout)

    def _is_logged(self, event: Event) -> bool:
        """Whether a line of the event would come out anywhere: if not, no thread wakes for it.

        Where nobody has set up logging, Python itself shows warnings, and nothing below.
        """
        level = _level_of(event)
        return level >= self._level and (level >= logging.WARNING or logger.hasHandlers())

    def _see(self, event: Event) -> None:
        # A log handler that raises has nowhere to say so, and must not keep the next event.
        with suppress(Exception):
            self._report_dropped()
            if _level_of(event) >= self._level:
                log(event)
        if self._on_event is not None:
            self._hand_over(event, self._on_event)
        self._seen += 1
        if self._all_seen is not None and self._put == self._seen:
            self._all_seen.set()

    def _report_dropped(self) -> None:
        dropped = self._dropped - self._reported
        if dropped:
            self._reported += dropped
            logger.warning("%d events were dropped: on_event or the log is too slow", dropped)

    def _hand_over(self, event: Event, on_event: Callable[[Event], object]) -> None:
        try:
            on_event(event)
        except BaseException:  # SystemExit would end the thread, and tell nobody
            with suppress(Exception):
                logger.exception("on_event failed on %s", type(event).__name__)


def log(event: Event) -> None:
    """Write one event to the log."""
    level = _level_of(event)
    if logger.isEnabledFor(level):
        # The traceback is the only text of a user's own that is written anywhere.
        error = event.error if isinstance(event, events.HandlerFailed) else None
        line = f"{ALARM}: {describe(event)}" if event.alarm else describe(event)
        logger.log(level, "%s", line, exc_info=error, extra={EVENT: event})


def _level_of(event: Event) -> int:
    return _LEVELS.get(type(event), logging.INFO)


def describe(event: Event) -> str:
    """One line for people, whatever a peer has put into the texts and ids of the event."""
    words = _words(event)
    if len(words) > _LONGEST:
        words = f"{words[:_LONGEST]}…"
    return "".join(c if c.isprintable() else "?" for c in words)


def _words(event: Event) -> str:
    match event:
        case events.Opened(url=url, seconds=seconds):
            return f"connected to {url} after {seconds:.2f} s; requests can come in"
        case events.Closed(status=status, code=code, up_for=up_for):
            how = f"was open for {up_for:.1f} s and is over" if up_for else "was not opened"
            said = "" if code is None else f", close code {code}"
            said += "" if status is None else f", status {status}"
            reason = event.reason or "no reason given"
            return f"the connection {how} ({event.cause.value}{said}): {reason}"
        case events.RetryScheduled(attempt=attempt, seconds=seconds, reason=reason):
            return f"next try in {seconds:.1f} s (failure {attempt}): {reason or 'no reason given'}"
        case events.AuthenticationRefused(status=status, reason=reason):
            return f"the API key was taken before and is refused now (status {status}): {reason}"
        case events.TakenOver(reason=reason):
            return reason
        case events.Draining(running=running, seconds=seconds):
            if not running:
                return "stopping: nothing runs"
            runs = "1 running request gets" if running == 1 else f"{running} running requests get"
            return f"stopping: {runs} up to {seconds:g} s to finish"
        case events.PingRoundTrip(seconds=seconds):
            return f"a ping was answered after {seconds * 1000:.1f} ms"
        case events.RequestStarted(method=method, request_ids=ids, redelivered=redelivered):
            again = ", redelivered" if redelivered else ""
            return f"{method} runs for the request {', '.join(ids) or '(nobody waits)'}{again}"
        case events.RequestFinished(method=method, request_id=id_, seconds=seconds):
            error = ", ".join(filter(None, (event.error_type, event.trace_id)))
            return (
                f"{method or 'no known method'}, request {id_ or '(a notification)'}: "
                f"{event.outcome.value}{error and f' ({error})'} after {seconds:.3f} s"
            )
        case events.Slow(method=method, key=key, seconds=seconds):
            return f"{method} ({key}) came {seconds:.1f} s ago, and its handler still runs"
        case events.TimedOut(method=method, trace_id=trace_id, seconds=seconds):
            return (
                f"the handler of {method} had not returned when it was given up after "
                f"{seconds:.1f} s (`read_timeout`); its error has the traceId {trace_id}"
            )
        case events.Overloaded(method=method, in_flight=in_flight, queued=queued):
            return f"no room for {method}: {in_flight} requests run and {queued} wait"
        case events.HandlerFailed(method=method, function=function, trace_id=trace_id):
            return f"the {function} of {method} failed (traceId {trace_id})"
        case events.OutcomeUnknown(method=method, key=key, reason=reason, age=age):
            since = f", begun {age:.0f} s ago," if age >= 1 else ""
            return f"whether {method} ({key}){since} was done is not known: {reason}"
        case events.PaymentUnconfirmed(method=method, key=key, age=age):
            return (
                f"{method} ({key}) was booked {age:.0f} s ago, and Dojo is not known to have the "
                "answer: it may have given the money back, so compare this payment with Dojo's list"
            )
        case events.JournalFailed(method=method, step=step, reason=reason):
            return f"the journal could not {step} {method or 'what became of answers'}: {reason}"
        case events.ContentDiffers(method=method, key=key):
            return f"{method} ({key}) came again with other content; the first answer stands"
        case events.ResultUnfit(method=method, function=function, reason=reason):
            trace = f"traceId {event.trace_id}"
            return f"what the {function} of {method} returned is no result ({trace}): {reason}"
        case events.Registered(capabilities=capabilities, changed=changed):
            when = "now" if changed else "as before"
            return f"registered with Dojo, {when}: {', '.join(capabilities)}"
        case events.Unregistered(capabilities=capabilities):
            return (
                f"this EPOS serves what Dojo has not registered, and so does not ask for: "
                f"{', '.join(capabilities)}; `dojo-epos capabilities` shows how it is now"
            )
        case events.ApiCallFailed(reason=reason, attempt=attempt, seconds=seconds):
            again = "" if seconds is None else f"; next try in {seconds:.1f} s (failure {attempt})"
            return f"{reason}{again}"
        case events.NoticesDropped(count=count, reason=reason):
            changes = "1 change" if count == 1 else f"{count} changes"
            return f"Dojo was not told of {changes} so far: {reason}"
        case events.MessageDropped(reason=reason):
            return f"a message was dropped: {reason}"
        case _:
            return type(event).__name__
