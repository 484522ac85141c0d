"""The client and the gateway wired to each other in memory, under virtual time.

`Wired` is the adapter, the network and the gateway's driver in one. It keeps to the rules of the
pure interface and checks what has to hold at every moment.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from itertools import count
from math import inf
from typing import Any, TypeVar

import msgspec
from tests.proto.fates import OPENS, Fate
from tests.proto.ledger import Ledger
from tests.proto.till import Till

from dojo_proto import Carry, Client, Dial, JournalStore, Link, MemoryJournal, Settings
from dojo_proto.connection import Ended, Open, RoundTrip
from dojo_proto.connection import State as ConnectionState
from dojo_proto.events import Closed, Event
from dojo_proto.gateway import Answered, Gateway, GatewayEvent, Unanswered, Unasked
from dojo_proto.journal import Found, JournalError
from dojo_proto.stage import Asked
from dojo_proto.work import Cancel, Note, Outcome, Raised, Returned, Run, Work

KEY = "sk_sandbox_c4nary"

E = TypeVar("E", bound=Event)


def counting(first: int = 1) -> Callable[[int], bytes]:
    """Entropy that is a counter, so that outputs can be compared."""
    numbers = count(first)
    return lambda size: next(numbers).to_bytes(size)


def plain(**changes: Any) -> Settings:
    """Settings without jitter, so that delays are exact."""
    return Settings(**{"api_key": KEY, "jitter": 0.0, **changes})


CallKey = tuple[int, int]
"""The number of the dial, and of the call on it."""


def whole(data: bytes) -> Iterable[bytes]:
    return (data,)


def bytewise(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine that waits for nothing returns."""
    try:
        coroutine.send(None)
    except StopIteration as returned:
        return returned.value
    raise AssertionError(coroutine)


class Wired:
    """One service and the gateway that it dials, again and again.

    `fates` says what becomes of the next dials, `fate` of those behind them. `cut` makes pieces of
    what the network carries. A run whose wire method is in `held` waits in `holding` for `finish`.
    One that goes on with the `ledger` of another is the next process, and begins `at` a later time.
    """

    def __init__(
        self,
        till: Till | None = None,
        *,
        cut: Callable[[bytes], Iterable[bytes]] = whole,
        observe: bool = False,
        gateway: dict[str, Any] | None = None,
        uniform: Callable[[], float] = lambda: 0.0,
        ledger: Ledger | None = None,
        at: float = 1000.0,
        **settings: Any,
    ) -> None:
        self.now = at
        self.till = till or Till()
        self.journal: JournalStore = MemoryJournal(lambda: self.now)
        if ledger is not None:
            ledger.clock = lambda: self.now
            self.journal = ledger
        self.client = Client(
            self.till.epos,
            plain(**settings),
            entropy=counting(1 + (int(at - 1000) << 16)),
            uniform=uniform,
            observe=observe,
        )
        self.fates: deque[Fate] = deque()
        self.fate = OPENS
        self.dials: list[float] = []
        self.dialed = 0
        self.link: Link | None = None
        self.gateway: Gateway | None = None
        self.number = 0  # of the newest link
        self.silent = False
        """The network loses everything, in both directions."""
        self.unread = False
        """The gateway does not read."""
        self.pongless = False
        """The gateway answers no ping, but all else."""
        self.held: set[str] = set()
        self.holding: list[Run] = []
        self.notes: list[Note] = []
        self.cancelled: list[Cancel] = []
        self.events: list[tuple[float, Event]] = []
        self.gateway_events: list[tuple[float, GatewayEvent]] = []
        self.answers: dict[CallKey, Answered | None] = {}
        """None for a call that is known to get no answer on its link."""
        self.sent_up = b""
        self.up = b""
        self.down = b""
        self._ids = count(1)
        self._cut = cut
        self._gateway_options = gateway or {}
        self._gateway_entropy = counting()
        self._current = OPENS
        self._closes_at = inf

    # What the world does.

    def start(self) -> None:
        self.client.resume(self.journal.unsettled(), self.now)
        self.client.start(self.now)
        self.settle()

    def open(self) -> "Wired":
        """Start, and be up."""
        self.start()
        assert self.client.status().state == "up"
        return self

    def advance(self, seconds: float) -> None:
        """Let time pass; every timer fires when it is due."""
        end = self.now + seconds
        while (due := self._next_timer()) <= end:
            self.now = max(self.now, due)
            self.tick()
        self.now = end
        self.settle()

    def sleep(self, seconds: float) -> None:
        """The machine sleeps: timers that fall due meanwhile fire when it wakes up."""
        self.now += seconds
        self.tick()

    def stop(self, timeout: float | None = None) -> None:
        self.client.stop(self.now, timeout)
        self.settle()

    def abort(self) -> None:
        self.client.abort(self.now)
        self.settle()

    def call(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        *,
        request_id: str = "",
        timeout: float = 600.0,
    ) -> CallKey:
        """Have the gateway call; `answers` will have what comes of it."""
        assert self.gateway is not None
        request_id = request_id or f"id-{next(self._ids)}"
        number = self.gateway.call(request_id, method, params, self.now, timeout=timeout)
        self.settle()
        return self.number, number

    def finish(self, run: Run, outcome: Outcome | None = None) -> None:
        """Do a run that was held, or say what came of it."""
        self.holding.remove(run)
        self._finish(run, outcome)
        self.settle()

    def drop(self) -> None:
        """The connection is gone, with all that was on its way."""
        self.up = self.down = b""
        if self.gateway is not None:
            self.gateway.receive_eof(self.now)
        if self.link is not None:
            link, self.link = self.link, None
            self.client.receive_eof(link, self.now)
        self.settle()

    def silence(self) -> None:
        """The network loses everything from now on, and says nothing."""
        self.silent = True
        self.up = self.down = b""

    # What was seen.

    def seen(self, kind: type[E]) -> list[E]:
        """The client's events of one kind."""
        return [event for _, event in self.events if isinstance(event, kind)]

    def times(self, kind: type[Event]) -> list[float]:
        return [at - 1000 for at, event in self.events if isinstance(event, kind)]

    @property
    def state(self) -> str:
        return self.client.status().state

    def result(self, key: CallKey) -> Any:
        answer = self.answers[key]
        assert answer is not None
        assert answer.result is not None, answer.error
        return msgspec.json.decode(answer.result)

    def error(self, key: CallKey) -> Any:
        answer = self.answers[key]
        assert answer is not None
        assert answer.error is not None
        return msgspec.json.decode(answer.error)

    # One step of everything.

    def tick(self) -> None:
        """Handle the timers of both sides; readable bytes come first."""
        self.settle()
        self.fire()
        self.settle()

    def fire(self) -> None:
        """Handle the timers of both sides, whatever else waits."""
        self.client.handle_timer(self.now)
        timer = self.client.next_timer()
        assert timer is None or timer > self.now
        if self.gateway is not None:
            self.gateway.handle_timer(self.now)
            timer = self.gateway.next_timer()
            assert timer is None or timer > self.now
            if self.now >= self._closes_at:
                self._closes_at = inf
                self.gateway.close(self.now, 1000, "bye")
        self.collect()

    def settle(self) -> None:
        """Do what can be done, until nothing can."""
        while self.step():
            pass

    def step(self) -> bool:
        """Everything once; say whether anything happened."""
        moved = self.act()
        moved |= self.work()
        moved |= self.carry_up(len(self.up) or 1 << 16)
        moved |= self.carry_down(len(self.down) or 1 << 16)
        moved |= self.work()  # what was written may be noted
        self.collect()
        return moved

    def act(self) -> bool:
        """Have the connection that the client asks for."""
        action = self.client.next_action()
        assert self.client.next_action() == action
        if self.link is not None and action != Carry(link=self.link):
            self._close_socket()
            return True
        if isinstance(action, Dial) and action.number > self.dialed:
            self.dialed = action.number
            self.dials.append(self.now - 1000)
            self._dial(action)
            return True
        return False

    def work(self) -> bool:
        """Do the work that waits."""
        moved = False
        while (work := self.client.next_work()) is not None:
            moved = True
            self._work(work)
        return moved

    def carry_up(self, size: int) -> bool:
        """Carry up to `size` bytes from the client to the gateway."""
        if self.link is None or self.gateway is None:
            return False
        if not self.up:
            self.up = self.client.data_to_send(self.link, self.now)
            self.sent_up += self.up
        if self.unread or not self.up:
            return False
        data, self.up = self.up[:size], self.up[size:]
        for piece in () if self.silent else self._cut(data):
            self.gateway.receive_data(piece, self.now)
            self.collect()
        return True

    def carry_down(self, size: int) -> bool:
        """Carry up to `size` bytes from the gateway to the client, or the end of the stream."""
        if self.link is None or self.gateway is None:
            return False
        if self.pongless:
            self.gateway._connection._outbound._pongs.clear()
        if not self.down:
            self.down = self.gateway.data_to_send(self.now)
        data, self.down = self.down[:size], self.down[size:]
        link = self.link
        for piece in () if self.silent else self._cut(data):
            self.client.receive_data(link, piece, self.now)
        if not data and self.gateway.state is ConnectionState.CLOSED and not self.silent:
            self.link = None
            self.client.receive_eof(link, self.now)
            return True
        return bool(data)

    def collect(self) -> None:
        """Take the events of both sides."""
        while (event := self.client.next_event()) is not None:
            if isinstance(event, Closed):
                assert [closed.link for closed in self.seen(Closed)].count(event.link) == 0
            self.events.append((self.now, event))
        if self.gateway is None:
            return
        while (happened := self.gateway.next_event()) is not None:
            self.gateway_events.append((self.now, happened))
            match happened:
                case Asked():
                    self._current.answer(self.gateway, self.now)
                case Open():
                    self._closes_at = self.now + self._current.closes_after
                case Answered(call=number):
                    # An answer goes out once, and on the link its request came in on.
                    assert (self.number, number) not in self.answers
                    self.answers[self.number, number] = happened
                case Unanswered(call=number):
                    self.answers[self.number, number] = None
                case Unasked():
                    raise AssertionError(happened)
                case RoundTrip() | Ended():
                    pass

    # Inside.

    def _next_timer(self) -> float:
        timers = [self.client.next_timer(), self._closes_at]
        if self.gateway is not None:
            timers.append(self.gateway.next_timer())
        return min(timer for timer in timers if timer is not None)

    def _dial(self, dial: Dial) -> None:
        self._current = self.fates.popleft() if self.fates else self.fate
        match self._current.socket:
            case "refused":
                self.client.dial_failed(dial.number, "connection refused", self.now)
            case "opens":
                self.link = self.client.dial_succeeded(dial.number, KEY, self.now)
                self.number = dial.number
                self.up = self.down = b""
                self.gateway = Gateway(
                    entropy=self._gateway_entropy, now=self.now, **self._gateway_options
                )

    def _close_socket(self) -> None:
        self.link = None
        self.up = self.down = b""
        if self.gateway is not None and not self.silent:
            self.gateway.receive_eof(self.now)

    def _work(self, work: Work) -> None:
        match work:
            case Run(context=context) if context.method in self.held:
                self.holding.append(work)
            case Run():
                self._finish(work, None)
            case Cancel():
                self.cancelled.append(work)
            case Note():
                self.notes.append(work)
                [failed] = self.journal.perform([work])
                if failed is not None:
                    self.client.note_failed(str(failed))
            case _:
                [found] = self.journal.perform([work])
                if isinstance(found, JournalError):
                    self.client.journal_failed(work.call, str(found), self.now, fresh=found.fresh)
                elif isinstance(found, Found):
                    self.client.begun(work.call, found, self.now)
                else:
                    self.client.committed(work.call, self.now)

    def _finish(self, run: Run, outcome: Outcome | None) -> None:
        if outcome is None:
            try:
                value = run.function(run.context, run.params)
                outcome = Returned(_awaited(value) if run.is_async else value)
            except Exception as error:  # noqa: BLE001 - as an adapter does
                outcome = Raised(error)
        self.client.ran(run.call, outcome, self.now)
