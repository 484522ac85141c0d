"""Journals by name, and the thread that keeps a slow one off the event loop."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from traceback import extract_tb
from types import NoneType
from typing import TypeAlias, TypeGuard

from dojo_proto import ConfigurationError, JournalStore, MemoryJournal
from dojo_proto.journal import Found, JournalError
from dojo_proto.work import Abort, Begin, Commit, JournalStep, Note

Result: TypeAlias = Found | JournalError | None

_MEMBERS = ("blocking", "perform", "unsettled", "close")  # of a JournalStore
_BATCH = 256  # steps that share one call of the store, and so one sync of the disk
_LINGER = 0.5  # seconds for which notes wait, so that they need no sync of their own


def open_journal(journal: str | JournalStore | None) -> JournalStore | None:
    """The store that `journal` names, or `journal` itself.

    `memory:`, or `sqlite:PATH` with an absolute path. Raises ConfigurationError, and JournalInUse
    if another service has it.
    """
    if journal == "memory:":
        return MemoryJournal(monotonic)
    if isinstance(journal, str) and journal.startswith("sqlite:"):
        from dojo_adapters.sqlite import SqliteJournal  # noqa: PLC0415 - not every till has it

        return SqliteJournal(journal.removeprefix("sqlite:"))
    if journal is None or _is_store(journal):
        return journal
    came = type(journal).__name__
    if isinstance(journal, str):
        scheme, colon, rest = journal.partition(":")
        came = repr(scheme + colon + ("…" if rest else ""))  # there may be a password in the rest
    elif hasattr(journal, "perform") and not isinstance(journal, type):
        came = f"{came}, which lacks `{'`, `'.join(_missing(journal))}`"
    raise ConfigurationError(
        f'journal: expected "memory:", "sqlite:PATH" or a JournalStore, got {came}'
    )


def perform(store: JournalStore, steps: list[JournalStep]) -> list[Result]:
    """Do `steps`. What the store raises, or returns wrongly, is a failure of each."""
    if not steps:
        return []
    try:
        results = list(store.perform(steps))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises, it is not done
        return [JournalError(_explain(error)) for _ in steps]
    if len(results) != len(steps):
        reason = f"the store returned {len(results)} results for {len(steps)} steps"
        return [JournalError(reason) for _ in steps]
    return [_checked(step, result) for step, result in zip(steps, results, strict=True)]


def _is_store(journal: object) -> TypeGuard[JournalStore]:
    return not isinstance(journal, type) and not _missing(journal)


def _missing(journal: object) -> list[str]:
    """The members of a JournalStore that it has not."""
    return [name for name in _MEMBERS if not hasattr(journal, name)]


def _checked(step: JournalStep, result: Result) -> Result:
    match step:
        case Begin():
            expected: tuple[type, ...] = (Found,)
        case Commit() | Abort():
            expected = (NoneType, Found)  # of what a handler has committed itself
        case Note():
            expected = (NoneType,)
    if isinstance(result, (*expected, JournalError)):
        return result
    names = " or ".join(kind.__name__ for kind in (*expected, JournalError))
    came = type(result).__name__
    return JournalError(f"the store answered {type(step).__name__} with {came}, expected {names}")


def _explain(error: BaseException) -> str:
    """What failed and where, without the text: databases quote rows, and rows hold answers."""
    if isinstance(error, JournalError):
        return str(error)  # the store's own words for people
    from pathlib import PurePath  # noqa: PLC0415 - only a store that failed needs it

    said = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
    *_, last = extract_tb(error.__traceback__)
    return f"{type(error).__name__}{said} ({PurePath(last.filename).name}, line {last.lineno})"


class JournalThread:
    """Does the steps of a blocking store, in order, many at once where many wait.

    `deliver` is called from its thread, with all steps that were done at once and their results:
    one by one, each would wake the thread that it is for.
    """

    def __init__(
        self, store: JournalStore, deliver: Callable[[list[tuple[JournalStep, Result]]], None]
    ) -> None:
        self._store = store
        self._deliver = deliver
        self._queue: SimpleQueue[JournalStep | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="dojo-journal", daemon=True)
        self._thread.start()

    def submit(self, step: JournalStep) -> None:
        """Have `step` done after all that were submitted before."""
        self._queue.put(step)

    def close(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until every step is done; say whether that is so."""
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        last = False
        while not last:
            steps, last = self._next_steps()
            self._deliver(list(zip(steps, perform(self._store, steps), strict=True)))

    def _next_steps(self) -> tuple[list[JournalStep], bool]:
        """All steps that wait, at least one; and whether they are the last.

        Notes alone wait a little for a step that has to be synced anyway.
        """
        steps: list[JournalStep] = []
        until: float | None = None
        while len(steps) < _BATCH:
            try:
                if until is None:
                    step = self._queue.get()
                else:
                    step = self._queue.get(timeout=max(0.0, until - monotonic()))
            except Empty:
                break
            if step is None:
                return steps, True
            steps.append(step)
            if not isinstance(step, Note):
                until = 0.0
            elif until is None:
                until = monotonic() + _LINGER
        return steps, False
