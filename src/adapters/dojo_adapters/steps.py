"""Steps of the journal under way: each is done, or counts as failed, and is reported once."""

from dojo_adapters.inbox import Inbox
from dojo_adapters.journals import JournalThread, Result, perform
from dojo_proto import Client, JournalStore
from dojo_proto.journal import Found, JournalError
from dojo_proto.work import JournalStep, Note

JOURNAL_TIMEOUT = 5.0
"""Seconds that a step of the journal may take before it counts as failed."""


class Steps:
    """Has the store do steps, in a thread if it blocks, and tells the client what came of each.

    Driven by an engine.
    """

    __slots__ = ("_client", "_inbox", "_store", "_thread", "_under_way")

    def __init__(self, store: JournalStore, client: Client, inbox: Inbox) -> None:
        self._store = store
        self._client = client
        self._inbox = inbox
        self._thread = JournalThread(store, self._deliver) if store.blocking else None
        # Those in the thread that somebody waits for, and when each counts as failed.
        self._under_way: dict[int, tuple[float, JournalStep]] = {}

    def do(self, step: JournalStep, now: float) -> None:
        """Do `step`, after all that came before."""
        if self._thread is None:
            self._report(step, perform(self._store, [step])[0], now)
            return
        if not isinstance(step, Note):  # which nobody waits for
            self._under_way[id(step)] = (now + JOURNAL_TIMEOUT, step)
        self._thread.submit(step)

    def next_timer(self) -> float | None:
        """When to call `handle_timer`: when the oldest counts as failed."""
        return next(iter(self._under_way.values()))[0] if self._under_way else None

    def handle_timer(self, now: float) -> None:
        """Give up what takes too long."""
        for key, (deadline, step) in list(self._under_way.items()):
            if deadline <= now:
                del self._under_way[key]
                self._report(step, JournalError(f"no answer within {JOURNAL_TIMEOUT:g} s"), now)

    def close(self, patience: float) -> bool:
        """Wait up to `patience` seconds until every step is done; say whether that is so."""
        return self._thread is None or self._thread.close(patience)

    def _deliver(self, done: list[tuple[JournalStep, Result]]) -> None:
        """In the thread of the journal."""
        self._inbox.put(self._finish, done)

    def _finish(self, done: list[tuple[JournalStep, Result]], now: float) -> None:
        for step, result in done:
            # A step that is not there any more was given up.
            if isinstance(step, Note) or self._under_way.pop(id(step), None) is not None:
                self._report(step, result, now)

    def _report(self, step: JournalStep, result: Result, now: float) -> None:
        if isinstance(step, Note):
            if isinstance(result, JournalError):
                self._client.note_failed(str(result))
        elif isinstance(result, JournalError):
            self._client.journal_failed(step.call, str(result), now, fresh=result.fresh)
        elif isinstance(result, Found):
            self._client.begun(step.call, result, now)
        else:
            self._client.committed(step.call, now)
