"""One life of the till's process: the adapter around the real client, in virtual time.

It keeps to the rules of the pure interface as the adapters do, and drives what they drive: sockets,
handlers, the journal's thread. A crash takes all of it; the disk stays.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.simulation import invariants
from tests.simulation.disk import Result
from tests.simulation.ledger import LinkFacts
from tests.simulation.network import Wire
from tests.simulation.till import Till, epos
from tests.simulation.trace import readable

from dojo_proto import Carry, Client, Dial, Link, Stop
from dojo_proto.call import Call
from dojo_proto.events import Closed, Event, PaymentUnconfirmed, RequestFinished, RequestOutcome
from dojo_proto.journal import Found, JournalError, Told
from dojo_proto.work import (
    Abort,
    Begin,
    Cancel,
    Commit,
    JournalStep,
    Note,
    Outcome,
    Raised,
    Returned,
    Run,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

JOURNAL_TIMEOUT = 5.0
"""Seconds after which a step of the journal counts as failed, though it may still come through."""
Script: TypeAlias = "CoroutineType[float, None, Any]"
_Step: TypeAlias = Begin | Commit | Abort
"""What the client is told the end of."""


class Cancelled(BaseException):
    """What an `async def` is cancelled with."""


class Socket:
    """The till's end of a wire."""

    def __init__(self, link: Link, wire: Wire, facts: LinkFacts) -> None:
        self.link = link
        self.wire = wire
        self.facts = facts
        self.busy = False
        """The last write is not finished."""
        self.backlog_since: float | None = None
        """The client has not been without anything to send since."""


class Process:
    """Made when it starts. `life` counts the processes of a world from 1."""

    def __init__(self, world: "World", life: int) -> None:
        self.life = life
        self.alive = True
        self.serving = True
        """The client is driven: it has not said Stop."""
        self.stopping = False
        """It was told to stop."""
        self.till = Till(world, life)
        self.socket: Socket | None = None
        self._world = world
        # Each process has its own idea of when time began.
        self._since = world.dice.uniform(0.0, 1e5)
        self.client = Client(
            epos(
                lookup=world.scenario.lookup,
                settles=world.scenario.settles,
                threaded=world.scenario.threaded,
            ),
            world.settings,
            entropy=world.librarys_dice.randbytes,
            uniform=world.librarys_dice.random,
            state=self.till,
            observe=True,
            wall_offset=world.wall,
        )
        self._awake_at = 0.0
        self._timer = inf
        self._dialed = 0
        self._scripts: dict[int, Script] = {}
        # The journal's thread: what waits for it, and what is given up when it takes too long.
        self._steps: list[JournalStep] = []
        self._syncing = False
        self._waiting: dict[int, _Step] = {}
        self._keys: dict[str, str] = {}  # by ticket
        world.journal.now = world.clock.now
        rows = world.journal.unsettled()
        self._keys.update((row.entry.ticket, row.entry.idempotency_key) for row in rows)
        self.client.resume(rows, self.now)
        self.client.start(self.now)
        self.turn()

    @property
    def now(self) -> float:
        """The process's own clock."""
        return self._world.clock.now + self._since

    # What the world does to it.

    def stop(self) -> None:
        """SIGTERM."""
        self.stopping = True
        self._input(lambda: self.client.stop(self.now))

    def abort(self) -> None:
        """A second SIGTERM."""
        self.stopping = True
        self._input(lambda: self.client.abort(self.now))

    def sleep(self, seconds: float) -> None:
        """The machine is suspended: whatever comes meanwhile waits."""
        self._awake_at = max(self._awake_at, self._world.clock.now + seconds)
        self._world.clock.at(self._awake_at, self._wake)

    def set_wall_clock(self) -> None:
        """Somebody has set the wall clock."""
        self._input(lambda: self.client.set_wall_offset(self._world.wall))

    def die(self) -> None:
        """Memory is gone."""
        self.alive = self.serving = False
        if self.socket is not None:
            self._world.power_off(self.socket.wire)
            self.socket = None
        scripts, self._scripts = self._scripts, {}
        for script in scripts.values():
            if not script.cr_running:
                script.close()

    # One turn of the wheel.

    def turn(self) -> None:
        """Do what the client wants after an input."""
        while (work := self.client.next_work()) is not None:
            match work:
                case Run():
                    self._start(work)
                case Cancel(call=call):
                    self._cancel(call)
                case _:
                    self._submit(work)
        while (event := self.client.next_event()) is not None:
            self._observe(event)
        self._act()
        self._write()
        self._arm()

    def _input(self, what: Callable[[], None]) -> None:
        """Take an input: now, or when the machine is awake."""
        if not self.serving:
            return
        if self._world.clock.now < self._awake_at:
            self._world.clock.at(self._awake_at, lambda: self._input(what))
            return
        what()
        if self.serving:
            self.turn()

    def _wake(self) -> None:
        if self._world.clock.now < self._awake_at:
            return  # it was put to sleep once more
        if self.socket is not None and not self.socket.busy:
            self._world.ledger.freed(self.socket.facts, self._world.clock.now)

    def _arm(self) -> None:
        timer = self.client.next_timer()
        if timer is not None and timer < self._timer:
            self._timer = timer
            self._world.clock.at(timer - self._since, lambda: self._ring(timer))

    def _ring(self, timer: float) -> None:
        if not self.serving or timer != self._timer:
            return
        if self._world.clock.now < self._awake_at:
            # Behind all that came meanwhile: readable bytes are fed first.
            self._world.clock.at(self._awake_at, lambda: self._ring(timer))
            return
        self._timer = inf
        due = self.client.next_timer()
        if due is None or due > timer:
            self._arm()  # what it was set for has become moot
            return
        # The way to the world's clock and back may have rounded a timer down.
        self.client.handle_timer(max(self.now, timer))
        self.turn()

    def _observe(self, event: Event) -> None:
        world = self._world
        match event:
            case Closed(up_for=up_for):
                world.ledger.dial_over(up_for, world.clock.now)
            case PaymentUnconfirmed(key=key):
                world.ledger.reported(key)
            case RequestFinished(link=number, outcome=outcome, request_id=request_id):
                let_go = {RequestOutcome.WITHHELD, RequestOutcome.ABANDONED}
                socket = self.socket
                if outcome in let_go and socket is not None and socket.link.number == number:
                    world.ledger.let_go(socket.facts, request_id.strip('"'))
        if world.tracing:
            world.say(f"till {self.life}: {readable(event)}")

    # The connection.

    def _act(self) -> None:
        action = self.client.next_action()
        if self.socket is not None and action != Carry(link=self.socket.link):
            self._close()
        if isinstance(action, Dial) and action.number > self._dialed:
            self._dialed = action.number
            self._world.ledger.dials(self._world.clock.now)
            self._world.dojo.dial(self, action.number)
        elif isinstance(action, Stop) and self.serving:
            self.serving = False
            self._world.process_stopped(self)

    def dialed(self, number: int, wire: Wire) -> None:
        """A dial gives a socket."""
        self._input(lambda: self._dialed_now(number, wire))

    def _dialed_now(self, number: int, wire: Wire) -> None:
        link = self.client.dial_succeeded(number, str(self._world.settings.api_key), self.now)
        if link is None:
            wire.up.end()
            return
        facts = self._world.ledger.link(wire.name, self._world.clock.now)
        self.socket = socket = Socket(link, wire, facts)
        wire.down.deliver = lambda data: self._input(lambda: self._read(socket, data))
        wire.down.ended = lambda: self._input(lambda: self.client.receive_eof(link, self.now))

    def dial_failed(self, number: int, reason: str) -> None:
        """A dial gives none."""
        self._input(lambda: self.client.dial_failed(number, reason, self.now))

    def _read(self, socket: Socket, data: bytes) -> None:
        # News of an old socket are brought to the client too: it has to know better.
        if socket is self.socket:
            self._world.ledger.came(socket.facts, data, self._world.clock.now)
        self.client.receive_data(socket.link, data, self.now)

    def _close(self) -> None:
        socket, self.socket = self.socket, None
        if socket is not None:
            now = self._world.clock.now
            self._world.ledger.link_ended(socket.facts, now, writable=not socket.busy)
            socket.wire.up.end()

    def _write(self) -> None:
        world = self._world
        wanted = world.dice.choice([64, 65536]) if world.scenario.split else 65536
        while (socket := self.socket) is not None and not socket.busy:
            data = self.client.data_to_send(socket.link, self.now, wanted)
            if not data:
                socket.backlog_since = None
                self._check_rest(socket)
                return
            now = world.clock.now
            since = now if socket.backlog_since is None else socket.backlog_since
            world.ledger.left(socket.facts, data, since, now)
            done = socket.wire.up.send(data)
            if done > now:
                socket.busy = True
                socket.backlog_since = since
                world.clock.at(done, lambda: self._input(partial(self._written, socket)))
            world.crash_here(self.life, "something has been sent")

    def _written(self, socket: Socket) -> None:
        socket.busy = False
        if socket is self.socket:
            self._world.ledger.freed(socket.facts, self._world.clock.now)

    def _check_rest(self, socket: Socket) -> None:
        if not socket.facts.open or not socket.facts.is_up or self.stopping:
            return
        status = self.client.status()
        if not status.in_flight and not status.queued:
            invariants.at_rest(socket.facts)

    # Handlers.

    def _start(self, run: Run) -> None:
        script: Script = run.function(run.context, run.params)
        self._scripts[id(run.call)] = script
        # In a thread or a task: at the same time, and behind what is under way.
        self._world.clock.after(0.0, lambda: self._go_on(run.call, script))

    def _go_on(self, call: Call, script: Script, error: BaseException | None = None) -> None:
        if self._scripts.get(id(call)) is not script:
            script.close()
            return
        outcome: Outcome
        try:
            seconds = script.send(None) if error is None else script.throw(error)
        except StopIteration as stop:
            outcome = Returned(stop.value)
        except invariants.Violation:
            raise
        except (Exception, Cancelled) as raised:  # noqa: BLE001 - as an adapter does
            outcome = Raised(raised)
        else:
            if seconds < inf and self.alive:
                self._world.clock.after(seconds, lambda: self._go_on(call, script))
            return
        del self._scripts[id(call)]
        self._input(lambda: self.client.ran(call, outcome, self.now))

    def _cancel(self, call: Call) -> None:
        script = self._scripts.get(id(call))
        if script is not None and not self._world.scenario.threaded:
            self._world.clock.after(0.0, lambda: self._go_on(call, script, Cancelled()))

    # The journal's thread.

    def _submit(self, step: JournalStep) -> None:
        self._steps.append(step)
        if isinstance(step, Note):
            if step.told is Told.CONFIRMED:
                world = self._world
                world.ledger.confirmed([self._keys[ticket] for ticket in step.tickets])
        else:
            if isinstance(step, Begin):
                self._keys[step.entry.ticket] = step.entry.idempotency_key
            self._waiting[id(step)] = step
            self._world.clock.after(JOURNAL_TIMEOUT, lambda: self._give_up(step))
        if not self._syncing:
            self._sync()

    def _sync(self) -> None:
        """Begin what waits, all of it with one sync."""
        if self._syncing or not self._steps or not self.alive:
            return
        self._syncing = True
        world = self._world
        steps, self._steps = self._steps, []
        world.journal.now = world.clock.now
        results = world.journal.write(steps)
        seconds = world.dice.uniform(0.0, world.health.seconds)
        world.clock.after(seconds, lambda: self._synced(steps, results))

    def _synced(self, steps: list[JournalStep], results: list[Result]) -> None:
        if not self.alive:
            return
        world = self._world
        self._syncing = False
        if world.health.broken:
            world.journal.roll_back()
            results = [JournalError("the disk gives an error") for _ in steps]
        else:
            world.journal.sync()
        if world.crash_here(self.life, "the journal is synced"):
            return
        for step, result in zip(steps, results, strict=True):
            if not isinstance(step, Note):
                self._input(partial(self._report, step, result))
        self._sync()

    def _give_up(self, step: _Step) -> None:
        if id(step) in self._waiting:
            error = JournalError("no answer in time")
            self._input(partial(self._report, step, error))

    def _report(self, step: _Step, result: Result) -> None:
        if self._waiting.pop(id(step), None) is None:
            return  # it was given up, or is over
        world = self._world
        ticket = step.entry.ticket if isinstance(step, Begin) else step.ticket
        key = self._keys.get(ticket, "")
        if isinstance(result, Found) and result.row is not None:
            self._keys[result.row.entry.ticket] = key
        failed = isinstance(result, JournalError)
        world.ledger.settled(key, world.clock.now, failed=failed)
        if world.tracing:
            said = result.verdict.value if isinstance(result, Found) else result or "done"
            world.say(f"journal: {type(step).__name__} {key}: {said}")
        if isinstance(result, JournalError):
            self.till.hopeless |= not world.scenario.lookup
            self.client.journal_failed(step.call, str(result), self.now, fresh=result.fresh)
        elif isinstance(result, Found):
            self.client.begun(step.call, result, self.now)
        else:
            self.client.committed(step.call, self.now)
