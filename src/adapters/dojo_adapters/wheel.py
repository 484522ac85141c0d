"""How workers do for a client what the driving thread would else have to be woken for."""

from threading import Lock
from typing import Protocol

from dojo_proto.work import Outcome, Run


class Turned(Protocol):
    """What a wheel needs of its engine. All but the questions are called with the lock."""

    @property
    def driver_comes(self) -> bool:
        """Whether the driving thread has been woken, so that all is left to it."""
        ...

    @property
    def worker_comes(self) -> bool:
        """Whether a worker is on its way, which will `help` before it runs anything."""
        ...

    @property
    def is_behind(self) -> bool:
        """Whether the driving thread, which comes, has something to do before any more reports."""
        ...

    def report(self, run: Run, outcome: Outcome) -> None:
        """Tell the client."""
        ...

    def start_runs(self) -> None:
        """Have workers run what follows from that; all else waits for the turn."""
        ...

    def turn_in_worker(self) -> None:
        """Take a turn, which begins with `report_all` and writes what waits."""
        ...

    def fail(self, error: BaseException) -> None:
        """A worker has found a fault: the driving thread is to end the service."""
        ...


class Wheel:
    """Sees to it that one thread at a time uses the client of `engine`, which it does in turns.

    The driving thread holds `lock` meanwhile, for which it waits. A worker waits for nobody:
    where somebody uses the client, it leaves there the outcome that it brings, and whoever uses it
    looks again afterwards (the driving thread by `is_due`). Workers that waited would each be
    woken for one outcome.

    A worker reports its outcome and submits the runs that follow, one of which it may then take. It
    takes the whole turn, unless another worker is on its way: that one takes it for both. So what
    many handlers that end at once have come to is written at once, and by one sync of the journal,
    and yet nothing waits for the next handler.
    """

    __slots__ = ("_engine", "_outcomes", "_turn_owed", "lock")

    def __init__(self, engine: Turned) -> None:
        self._engine = engine
        self.lock = Lock()
        """Held by whoever uses the client."""
        self._outcomes: list[tuple[Run, Outcome]] = []
        # Something was reported, and the turn was left to a worker that was on its way.
        self._turn_owed = False

    def is_due(self) -> bool:
        """Whether there is something to do that nobody else sees to."""
        due = self._outcomes or (self._turn_owed and not self._engine.worker_comes)
        return bool(due) and not self._engine.driver_comes

    def report_all(self) -> None:
        """Tell the client of the outcomes that are there, first thing in each turn.

        Those that came behind something that the driving thread has still to do wait for that.
        """
        self._turn_owed = False
        # Looking for outcomes first: what came in before one of them is seen to wait.
        while self._outcomes and not self._engine.is_behind:
            self._engine.report(*self._outcomes.pop(0))

    # In a worker.

    def deliver(self, run: Run, outcome: Outcome) -> None:
        """A handler has ended."""
        self._outcomes.append((run, outcome))
        self.help()

    def help(self) -> None:
        """Do what is due, unless somebody uses the client."""
        while self.is_due() and self.lock.acquire(blocking=False):
            try:
                if self.is_due():  # somebody else may have had the lock in between
                    self._help()
            except BaseException as error:  # noqa: BLE001 - it would end this worker, and tell nobody
                self._engine.fail(error)
            finally:
                self.lock.release()

    def _help(self) -> None:
        if self._engine.worker_comes:
            self.report_all()
            self._engine.start_runs()
            self._turn_owed = True
        else:
            self._engine.turn_in_worker()
