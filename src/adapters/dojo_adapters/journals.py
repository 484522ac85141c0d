"""Journals by name, and the thread that keeps a slow one off the event loop."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import TypeAlias

from dojo_proto import ConfigurationError, JournalStore, MemoryJournal
from dojo_proto.journal import Found, JournalError
from dojo_proto.work import Abort, Begin, Commit

Step: TypeAlias = Begin | Commit | Abort
Result: TypeAlias = Found | JournalError | None

_BATCH = 256  # steps that share one call of the store, and so one sync of the disk


def open_journal(journal: str | JournalStore | None) -> JournalStore | None:
    """The store that `journal` names, or `journal` itself. Raises ConfigurationError."""
    if not isinstance(journal, str):
        return journal
    if journal == "memory:":
        return MemoryJournal(monotonic)
    raise ConfigurationError(f'journal: expected "memory:" or a JournalStore, got {journal!r}')


def perform(store: JournalStore, steps: list[Step]) -> list[Result]:
    """Do `steps`, and turn what the store raises into a failure of each."""
    try:
        return list(store.perform(steps))
    except Exception as error:  # noqa: BLE001 - any failure of a store is a step not done
        return [JournalError(f"{type(error).__name__}: {error}") for _ in steps]


class JournalThread:
    """Does the steps of a blocking store, in order, many at once where many wait.

    `deliver(step, result)` is called from its thread.
    """

    def __init__(self, store: JournalStore, deliver: Callable[[Step, Result], None]) -> None:
        self._store = store
        self._deliver = deliver
        self._queue: SimpleQueue[Step | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name="dojo-journal", daemon=True)
        self._thread.start()

    def submit(self, step: Step) -> None:
        """Have `step` done after all that were submitted before."""
        self._queue.put(step)

    def close(self, timeout: float) -> None:
        """Wait up to `timeout` seconds until every step is done."""
        self._queue.put(None)
        self._thread.join(timeout)

    def _work(self) -> None:
        while True:
            steps = self._next_steps()
            if not steps:
                return
            wanted = [step for step in steps if step is not None]
            for step, result in zip(wanted, perform(self._store, wanted), strict=True):
                self._deliver(step, result)
            if len(wanted) < len(steps):
                return

    def _next_steps(self) -> list[Step | None]:
        steps = [self._queue.get()]
        while steps[-1] is not None and len(steps) < _BATCH:
            try:
                steps.append(self._queue.get_nowait())
            except Empty:
                break
        return steps
