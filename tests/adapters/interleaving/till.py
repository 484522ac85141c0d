"""The engine of threads as it is, around a client, a network and a clock that are made up."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, SelectorKey
from typing import Any, cast

from tests.adapters.interleaving.explorer import Lock
from tests.adapters.interleaving.world import World

from dojo_adapters.inbox import Inbox
from dojo_adapters.threads import _ThreadsEngine
from dojo_adapters.wheel import Wheel
from dojo_adapters.workers import Workers
from dojo_proto import Context, Link
from dojo_proto.actions import Action, Carry, Stop
from dojo_proto.call import Call
from dojo_proto.journal import Told
from dojo_proto.work import JournalStep, Note, Outcome, Returned, Run, Work

PATIENCE = 5.0
"""Seconds between an outcome and the timer that is set for it."""

_CARRY = Carry(link=Link(number=1, server_hostname=None))
_CONTEXT = Context(method="GetOrder", raw_id=b"1", raw_params=b"{}")


class Till(_ThreadsEngine):
    """A service that has all `handlers` to run, at most as many at once as there are `workers`.

    The client is used with the wheel's lock alone, which is expected whenever it is.
    """

    def __init__(
        self,
        world: World,
        handlers: Sequence[Callable[["Till"], object]],
        *,
        workers: int,
        timed: bool,
    ) -> None:
        # What is looked at here of that which the constructors of both engines set.
        self.world = world
        self.now = 0.0
        self.known = Client(
            self, [partial(each, self) for each in handlers], places=workers, timed=timed
        )
        self.steps = Steps()
        self._most = workers
        self._wheel = Wheel(self)
        self._later = []
        self._timer = None
        self._failure = None
        self._transport = None
        self._workers = None
        self._unsettled = ()
        self._over = self._ended = self._closed = self._owns_store = self.was_open = False
        self.error = self._store = None
        self._dialed = 0
        self.inbox = Inbox(self.wake)
        replaced: dict[str, object] = {
            "client": self.known,
            "_steps": self.steps,
            "_selector": (network := Network(self)),
            "_waking": network,
            "_waker": network,
            "_rest": Unseen(),
            "_observer": Unseen(),
            "first_opened": Unseen(),
            "ended": (ended := Ended()),
        }
        self._has_ended = ended
        for name, value in replaced.items():
            setattr(self, name, value)

    def drive(self) -> None:
        """What the driving thread does; `error` says what has ended it."""
        with suppress(AssertionError):
            self.work()

    def make_workers(self) -> Workers:
        return Workers(self._most, self._wheel.deliver, came=self._wheel.help)

    def settle(self) -> None:
        self.known.send()

    def monotonic(self) -> float:
        """What the clock shows, which stands still but when somebody waits for it."""
        return self.now

    def expect_wheel(self) -> None:
        lock = cast("Lock", self._wheel.lock)
        assert lock.holder is self.world.running, "the client is used without the wheel"
        assert not self._has_ended.is_set, "the client is used when the service has ended"

    def expect_rest(self) -> None:
        """Nothing is left that nobody does."""
        assert self.error is None, self.error
        client, wheel = self.known, self._wheel
        assert not self.inbox.waiting, "something came in, and the driving thread sleeps"
        assert wheel._outcomes == [], "an outcome is not reported"
        assert self._later == [], "the journal has steps to do"
        assert not wheel._turn_owed, "a turn is owed"
        assert client.unsent == [], "an answer is not sent"
        assert client.timer is None, "nobody has waited for the timer"
        assert client.reported == self.steps.done, "the journal's steps have another order"
        assert len(set(client.reported)) == len(client.reported), "one is reported twice"


class Client:
    """Wants each outcome noted and sent, and waits for a timer after it, where it is `timed`."""

    def __init__(
        self, till: Till, handlers: Sequence[Callable[[], object]], *, places: int, timed: bool
    ) -> None:
        self.reported: list[int] = []
        self.unsent: list[int] = []
        self.sent: list[int] = []
        self.stopped = False
        self.when_closing: Callable[[], object] | None = None
        """What happens while the engine closes."""
        self.left_over = 0
        """Outcomes that had come by then, and were not reported."""
        self.timer: float | None = None
        self._till = till
        self._waiting = [_make_run(number, handler) for number, handler in enumerate(handlers)]
        self._notes: list[Note] = []
        self._places = places
        self._timed = timed

    # What the engine calls.

    def resume(self, _rows: object, _now: float) -> None:
        self._till.expect_wheel()

    def start(self, _now: float) -> None:
        self._till.expect_wheel()

    def next_work(self) -> Work | None:
        self._till.expect_wheel()
        if self._notes:
            return self._notes.pop(0)
        if self.stopped or not self._places or not self._waiting:
            return None
        self._places -= 1
        return self._waiting.pop(0)

    def ran(self, call: Call, outcome: Outcome, now: float) -> None:
        self._till.expect_wheel()
        assert isinstance(outcome, Returned), outcome
        number = cast("int", call)
        self._places += 1
        self.reported.append(number)
        self._notes.append(Note((str(number),), Told.SENT))
        if not self.stopped:
            self.unsent.append(number)
            self.timer = now + PATIENCE if self._timed else None

    def next_event(self) -> None:
        self._till.expect_wheel()

    def next_action(self) -> Action:
        self._till.expect_wheel()
        return Stop(error=None) if self.stopped else _CARRY

    def next_timer(self) -> float | None:
        self._till.expect_wheel()
        return self.timer

    def handle_timer(self, now: float) -> None:
        self._till.expect_wheel()
        if self.timer is not None and self.timer <= now:
            self.timer = None

    def abort(self, _now: float) -> None:
        """Send nothing more."""
        self._till.expect_wheel()
        if self.stopped and self.when_closing is not None:
            self.when_closing()
        self.stopped = True
        self.unsent.clear()
        self.timer = None

    # What stands for the transport.

    def send(self) -> None:
        self._till.expect_wheel()
        self.sent += self.unsent
        self.unsent.clear()


class Steps:
    """A journal that only has notes to take."""

    def __init__(self) -> None:
        self.done: list[int] = []

    def do(self, step: JournalStep, _now: float) -> None:
        assert isinstance(step, Note)
        self.done.append(int(step.tickets[0]))

    def next_timer(self) -> None:
        """Nothing here takes time."""

    def handle_timer(self, _now: float) -> None:
        """Nothing here takes time."""

    def close(self, _patience: float) -> bool:
        return True


class Network:
    """The selector, and both ends of the sockets that wake it."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._bytes = 0

    def select(self, patience: float | None) -> list[tuple[SelectorKey, int]]:
        till, now = self._till, self._till.now
        is_polled = patience == 0
        till.world.wait_until(lambda: is_polled or self._bytes > 0, is_timed=patience is not None)
        if self._bytes:
            return [(SelectorKey(cast("Any", self), 0, EVENT_READ, None), EVENT_READ)]
        till.now = now + (patience or 0.0)
        return []

    def recv(self, _number: int) -> None:
        self._bytes = 0

    def send(self, data: bytes) -> None:
        self._bytes += len(data)

    def close(self) -> None:
        """All of them are one."""


class Ended:
    """What says that the driving thread has ended the service."""

    is_set = False

    def set(self) -> None:
        self.is_set = True


class Unseen:
    """What nobody looks at here."""

    def close(self, _patience: float) -> bool:
        return True

    def start(self) -> None:
        pass

    stop = abort = set = start


def _make_run(number: int, handler: Callable[[], object]) -> Run:
    return Run(cast("Call", number), _call, _CONTEXT, handler, is_async=False)


def _call(_context: Context, handler: Callable[[], object]) -> object:
    return handler()
