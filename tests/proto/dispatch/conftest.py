"""A till for the tests of Dispatch: a memory journal, a clock, and handlers run by hand."""

import json
from functools import cache
from itertools import count
from typing import Any, TypeAlias, TypeVar

import pytest
from tests.proto.ledger import Ledger
from tests.proto.till import an_order

from dojo_proto.contract import METHODS, Kind
from dojo_proto.dispatch import Dispatch
from dojo_proto.epos import Epos
from dojo_proto.events import Event
from dojo_proto.journal import Found, JournalError, JournalStore
from dojo_proto.memory import MemoryJournal
from dojo_proto.settings import Settings
from dojo_proto.work import Abort, Begin, Cancel, Commit, Note, Raised, Returned, Run

W = TypeVar("W", Run, Cancel, Begin, Commit, Abort)
Reported: TypeAlias = Run | Cancel | Begin | Commit | Abort

_entropy = count(1)


def _handler(_ctx: object, _params: dict[str, Any]) -> None:
    """Every handler and lookup; tests say what came of it."""


async def _coroutine(_ctx: object, _params: dict[str, Any]) -> None:
    """The same as a task."""


@cache
def _epos(*, is_async: bool, lookup: bool, settles: bool) -> Epos:
    function = _coroutine if is_async else _handler
    epos = Epos("acme-epos")
    if settles:
        epos.on_unresolved(function)
    for method in METHODS:
        epos.on(method)(function)
        if lookup and method.kind is not Kind.READ:
            epos.lookup(method)(function)
    return epos


class Disk:
    """What outlives a process: the journal, and the time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.journal: JournalStore = MemoryJournal(lambda: self.now)


class Books(Disk):
    """A disk with a journal in the till's own books, which survives as they do."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(lambda: self.now)
        self.journal = self.ledger


class Till:
    """One process of the service, with link 1 open. Work is taken and reported on by hand."""

    def __init__(
        self,
        *,
        disk: Disk | None = None,
        lookup: bool = False,
        is_async: bool = False,
        settles: bool = False,
        observe: bool = True,
        **settings: Any,
    ) -> None:
        epos = _epos(is_async=is_async, lookup=lookup, settles=settles)
        self.disk = disk or Disk()
        self.events: list[Event] = []
        self.pending: list[Reported] = []
        self.notes: list[Note] = []
        self.told: list[str] = []
        """The rows of whose outcomes answers have left."""
        self.dispatch = Dispatch(
            handlers=epos.handlers(),
            unresolved=epos.unresolved(),
            settings=Settings(api_key="sk_sandbox_x", **settings),
            scope="sandbox/",
            entropy=lambda n: next(_entropy).to_bytes(n, "big"),
            state=None,
            emit=self.events.append,
            observe=observe,
            wall_offset=0.0,
        )
        self.link = 0
        self.open(1)

    def resume(self) -> None:
        """Take up what an earlier process has left open."""
        self.dispatch.settling.resume(self.disk.journal.unsettled(), self.disk.now)

    # The network.

    def open(self, link: int) -> None:
        self.link = self.dispatch.delivery.link = link

    def close(self) -> None:
        self.dispatch.delivery.outgoing.clear()
        self.dispatch.link_closed(self.link, self.disk.now)

    def reconnect(self) -> None:
        self.close()
        self.open(self.link + 1)

    def send(self, message: Any) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.dispatch.intake.receive(self.link, data, self.disk.now)

    def ask(self, method: str, params: dict[str, Any], id: Any = "1") -> None:
        self.send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})

    def read(self, id: Any = "r") -> None:
        self.ask("GetOrderByIdV1", {"orderId": "o"}, id)

    def pay(self, id: Any = "1", *, intent: str = "p", amount: int = 100) -> None:
        params = {"orderId": "o", "paymentIntentId": intent, "paidAmount": amount}
        self.ask("RecordOrderPaymentByIdV1", params, id)

    def lock(self, id: Any = "1", *, lock: str = "l") -> None:
        self.ask("CreateOrderLockV1", {"orderId": "o", "lockId": lock}, id)

    def party(self, id: Any = "1", *, name: str = "Ada") -> None:
        self.ask("CreatePartyV1", {"dojoPartyId": "d", "name": name}, id)

    def answers(self) -> list[Any]:
        outgoing = self.dispatch.delivery.outgoing
        taken = [json.loads(message) for message, _ in outgoing]
        self.told += [ticket for _, ticket in outgoing if ticket]
        outgoing.clear()
        return taken

    def answer(self) -> Any:
        (only,) = self.answers()
        return only

    # The work.

    def collect(self) -> list[Reported]:
        while self.dispatch.agenda.work:
            work = self.dispatch.agenda.work.pop(0)
            if isinstance(work, Note):
                self.notes.append(work)  # nothing is reported back of one
            else:
                self.pending.append(work)
        return self.pending

    def take(self, kind: type[W]) -> W:
        """The oldest piece of that kind that nothing was done about."""
        for work in self.collect():
            if isinstance(work, kind):
                self.pending.remove(work)
                return work
        pytest.fail(f"no {kind.__name__} among {self.pending}")

    @property
    def idle(self) -> bool:
        """Whether nothing is asked of the adapter."""
        return not self.collect()

    def step(self, work: Begin | Commit | Abort) -> None:
        """Have the journal do it, and report."""
        (result,) = self.disk.journal.perform([work])
        if isinstance(result, Found):
            self.dispatch.begun(work.call, result, self.disk.now)
        elif isinstance(result, JournalError):
            self.dispatch.journal_failed(work.call, str(result), self.disk.now)
        else:
            self.dispatch.committed(work.call, self.disk.now)

    def fail(
        self, work: Begin | Commit | Abort, *, fresh: bool = False, late: bool = False
    ) -> None:
        """Report that the journal has failed; `late`: and then it did it after all."""
        self.dispatch.journal_failed(work.call, "disk is full", self.disk.now, fresh=fresh)
        if late:
            self.disk.journal.perform([work])

    def begin(self) -> None:
        self.step(self.take(Begin))

    def commit(self) -> None:
        self.step(self.take(Commit))

    def abort(self) -> None:
        self.step(self.take(Abort))

    def returns(self, value: Any, run: Run | None = None) -> None:
        run = run or self.take(Run)
        self.dispatch.ran(run.call, Returned(value), self.disk.now)

    def raises(self, error: BaseException, run: Run | None = None) -> None:
        run = run or self.take(Run)
        self.dispatch.ran(run.call, Raised(error), self.disk.now)

    def booked(self, value: Any = None) -> None:
        """Let what has just come in be done, from Begin to Commit."""
        self.begin()
        self.returns(an_order("o") if value is None else value)
        self.commit()

    # Time and the end.

    def wait(self, seconds: float) -> None:
        """Let time pass, with every timer on the way."""
        end = self.disk.now + seconds
        while (timer := self.dispatch.next_timer()) is not None and timer <= end:
            self.disk.now = max(self.disk.now, timer)
            self.dispatch.handle_timer(self.disk.now)
        self.disk.now = end

    def drain(self) -> None:
        self.dispatch.drain(self.disk.now)

    def heard(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if type(event) is kind]

    def at_rest(self) -> bool:
        """Whether nothing is left of all that was asked: no call, no name, no place, no timer."""
        places = self.dispatch.admission
        counts = [places.running, places.reads, places.threads, places.threads_of_reads]
        left = [self.dispatch.table.started, self.dispatch.table, self.dispatch._shed]
        self.dispatch.handle_timer(self.disk.now + 1e9)
        return (
            not any(left)
            and not any(counts)
            and self.dispatch.idle
            and self.dispatch.admission.queued == self.dispatch.table.in_flight == 0
            and self.dispatch.next_timer() is None
            and self.idle
        )


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def books() -> Books:
    return Books()


@pytest.fixture(scope="session")
def new_till() -> type[Till]:
    """Build a Till with settings of one's own, or over the disk of another."""
    return Till
