"""What a running service tells: one line for each event, for people or for machines.

It comes through the log, so that the level of the logger decides what is told.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from traceback import extract_tb
from types import TracebackType
from typing import Any, TextIO

import msgspec

from dojo_adapters.observer import EVENT, logger
from dojo_proto.events import Closed, Event, Opened, RetryScheduled


@contextmanager
def told(*, json_lines: bool) -> Iterator[None]:
    """Tell what is logged inside the block, each thing once, and nowhere else.

    JSON goes to stdout, which then has nothing else: what the program prints goes to stderr. Text
    goes to stderr, with the traceback of a handler that failed.
    """
    handler = JsonLines(sys.stdout) if json_lines else TextLines(sys.stderr)
    before = logger.propagate, logger.level, sys.stdout
    logger.addHandler(handler)
    logger.propagate = False
    if json_lines:
        sys.stdout = sys.stderr
    try:
        yield
        handler.finish()
    finally:
        logger.propagate, level, sys.stdout = before
        logger.setLevel(level)
        logger.removeHandler(handler)


@contextmanager
def untold() -> Iterator[None]:
    """Tell nothing of what is logged inside the block."""
    handler = logging.NullHandler()
    before = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(handler)


class Lines(logging.StreamHandler[TextIO]):
    """The base of both."""

    def finish(self) -> None:
        """Nothing more comes."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Go on serving, without a traceback for each event, if the stream takes nothing."""


class TextLines(Lines):
    """Lines for people. The end of a connection and the next try share one."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(
            logging.Formatter("%(asctime)s %(levelname)-8s %(message)s", "%Y-%m-%d %H:%M:%S")
        )
        self._closed: logging.LogRecord | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record`, or keep it until it is known what comes of it."""
        event: Event | None = getattr(record, EVENT, None)
        if isinstance(event, RetryScheduled) and self._closed is not None:
            closed, self._closed = self._closed, None
            tried = f"next try in {event.seconds:.1f} s (failure {event.attempt})"
            record = _reworded(record, f"{closed.getMessage()}; {tried}")
        self.finish()
        if isinstance(event, Closed):
            self._closed = record
            return
        if isinstance(event, Opened):
            record = _reworded(record, f"ready: {record.getMessage()}")
        super().emit(record)

    def finish(self) -> None:
        """Write what was kept."""
        closed, self._closed = self._closed, None
        if closed is not None:
            super().emit(closed)


class JsonLines(Lines):
    """Lines for machines: the event's name, when it was told, and its fields.

    An alarm says so. An exception has its type and its traceback, but not its text: lines for
    machines are often kept where a customer's data has no place.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One object."""
        event: Event | None = getattr(record, EVENT, None)
        fields: dict[str, Any]
        if event is None:
            fields = {"event": "Log", "message": record.getMessage()}
        else:
            fields = msgspec.to_builtins(event, enc_hook=_type_name)
            if event.alarm:
                fields["alarm"] = True
        if record.exc_info:
            fields["traceback"] = _places(record.exc_info[2])
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {"event": fields.pop("event"), "time": time, "level": record.levelname, **fields}
        return json.dumps(told, ensure_ascii=False)


def _reworded(record: logging.LogRecord, text: str) -> logging.LogRecord:
    other = copy(record)  # this one may be on its way to other handlers
    other.msg, other.args = text, ()
    return other


def _places(traceback: TracebackType | None) -> list[str]:
    """Where an exception came from, the innermost place last."""
    return [f"{each.filename}:{each.lineno} in {each.name}" for each in extract_tb(traceback)]


def _type_name(value: object) -> str:
    return type(value).__name__  # of an exception: its text may be anything
