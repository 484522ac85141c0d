"""The model till: handlers that take their time, book on a disk, and go wrong."""

from collections.abc import Awaitable, Callable, Generator
from enum import Enum
from functools import cache
from math import inf
from typing import TYPE_CHECKING, Any

from msgspec.json import encode
from msgspec.structs import replace
from tests.simulation.deeds import ASKED, TOKENS, result_for
from tests.simulation.disk import Booking
from tests.simulation.ledger import REFUSAL, Run

from dojo_proto import Conflict, Context, Epos, UnexpectedError
from dojo_proto.contract import Kind, Method
from dojo_proto.errors import DomainError
from dojo_proto.settling import Unresolved

if TYPE_CHECKING:
    from tests.simulation.world import World

Params = dict[str, Any]
Result = dict[str, Any]
Handler = Callable[[Context, Params], Awaitable[Any]]


class Pause:
    """Await it to let so many seconds pass; infinitely many for a handler that is stuck."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __await__(self) -> Generator[float, None, None]:
        yield self._seconds


class Fate(Enum):
    """What becomes of one run."""

    GOES_WELL = "goes well"
    REFUSES = "refuses"
    FAILS_CLEANLY = "fails, and says that nothing was done"
    RAISES_BEFORE = "raises before it has booked"
    RAISES_AFTER = "raises after it has booked"
    STUCK_BEFORE = "never returns, and has not booked"
    STUCK_AFTER = "never returns, and has booked"


# What has been done and is not known is the hardest.
FAULTS = [*list(Fate)[1:], Fate.RAISES_AFTER, Fate.RAISES_AFTER]


class Till:
    """The application in one process. Handlers get it as `ctx.state`."""

    def __init__(self, world: "World", life: int) -> None:
        self._world = world
        self._life = life
        self.hopeless = False
        """A handler is stuck, or an outcome is unknown until the next start."""

    async def handle(self, ctx: Context, token: str, kind: Kind) -> Result:
        """A handler, whatever it handles."""
        world = self._world
        run = world.ledger.started(
            token,
            self._life,
            world.clock.now,
            key=ctx.idempotency_key,
            redelivered=ctx.redelivered,
        )
        fate = self._fate(kind, redelivered=ctx.redelivered)
        if world.tracing:
            again = ", redelivered" if ctx.redelivered else ""
            world.say(f"run {run.number} of {ctx.method} {token} starts{again}; it {fate.value}")
        harmless = False
        try:
            if world.crash_here(self._life, "a handler has started"):
                await Pause(inf)
            await self._pause()
            if kind is Kind.READ:
                await self._misfortune(fate, run, before=True)
            else:
                await self._do(ctx, token, fate, run)
            return result_for(ctx.method, token)
        except DomainError:
            harmless = True
            raise
        finally:
            # A run that is cut off gets here when it is thrown away, which is no event.
            if world.ledger_open(self._life):
                world.ledger.ended(run, world.clock.now, harmless=harmless)

    async def look_up(self, ctx: Context, token: str) -> Result | None:
        """A lookup, whatever it looks up."""
        world = self._world
        world.ledger.looked_up(token, ctx.idempotency_key)
        await self._pause()
        if world.chance(world.scenario.lookup_fault):
            world.say("the lookup raises")
            raise OSError("the books cannot be read")
        if world.books.booked(token=token):
            return result_for(ctx.method, token)
        world.ledger.not_booked(token)
        return None

    async def settle(self, ctx: Context, unresolved: Unresolved) -> Result | bool | None:
        """What was left open when the process before this one ended: is it booked?"""
        world = self._world
        await self._pause()
        token = unresolved.parts[-1] if unresolved.parts else ""
        if not token or world.chance(world.scenario.lookup_fault):
            return None
        booked = world.books.booked(token=token)
        world.say(f"the till settles {token}: {'booked' if booked else 'not booked'}")
        if booked:
            return world.scenario.lookup or result_for(ctx.method, token)
        world.ledger.not_booked(token)
        return False

    async def _do(self, ctx: Context, token: str, fate: Fate, run: Run) -> None:
        world = self._world
        style = world.scenario.till
        key = ctx.idempotency_key if style == "keyed" else ""
        if key and world.books.booked(key=key):
            return
        if style != "plain" and not world.books.booked(token=token):
            world.ledger.not_booked(token)
        await self._misfortune(fate, run, before=True)
        booking = Booking(token, key, run.number)
        if style == "recorded":
            answer = encode(result_for(ctx.method, token)) if ctx.keeps_answer else b""
            booking = replace(booking, ticket=ctx.ticket, answer=answer)
        number = world.books.write(booking)
        if world.crash_here(self._life, "the effect is written"):
            await Pause(inf)
        await Pause(world.dice.uniform(0.0, world.health.seconds))
        if world.health.full or world.health.broken:
            world.books.roll_back(number)
            self.hopeless |= not world.scenario.lookup
            raise OSError("the books cannot be written")
        if world.books.commit(number):
            world.booked(booking)
        if world.crash_here(self._life, "the effect is durable"):
            await Pause(inf)
        await self._pause()
        await self._misfortune(fate, run, before=False)

    def _fate(self, kind: Kind, *, redelivered: bool) -> Fate:
        world = self._world
        scenario = world.scenario
        if not world.chance(scenario.handler_fault):
            return Fate.GOES_WELL
        fate = world.dice.choice(FAULTS)
        blind = redelivered and not scenario.careful
        if blind and fate in {Fate.REFUSES, Fate.FAILS_CLEANLY}:
            return Fate.GOES_WELL  # it cannot know that an earlier run has not done it
        stuck = fate in {Fate.STUCK_BEFORE, Fate.STUCK_AFTER}
        unknown = fate in {Fate.RAISES_BEFORE, Fate.RAISES_AFTER} and kind is Kind.MONEY
        self.hopeless |= stuck or (unknown and not scenario.lookup)
        return fate

    async def _misfortune(self, fate: Fate, run: Run, *, before: bool) -> None:
        match fate:
            case Fate.REFUSES if before:
                raise Conflict(f"{REFUSAL}{run.number}")
            case Fate.FAILS_CLEANLY if before:
                raise UnexpectedError(f"{REFUSAL}{run.number}")
            case Fate.RAISES_BEFORE if before:
                raise OSError("no database")
            case Fate.RAISES_AFTER if not before:
                raise OSError("no printer")
            case Fate.STUCK_BEFORE if before:
                await Pause(inf)
            case Fate.STUCK_AFTER if not before:
                await Pause(inf)

    async def _pause(self) -> None:
        world = self._world
        slow = world.chance(world.scenario.slow_handler)
        await Pause(world.dice.uniform(0.0, 40.0 if slow else 0.2))


@cache
def epos(*, lookup: bool, settles: bool, threaded: bool) -> Epos:
    """The EPOS that the model till serves; its handlers are `def` if `threaded`."""
    epos = Epos("acme-epos")
    for method in ASKED:
        epos.on(method)(_as_registered(_handler(method), threaded=threaded))
        if lookup and method.kind is not Kind.READ:
            epos.lookup(method)(_as_registered(_lookup(method), threaded=threaded))
    if settles:
        epos.on_unresolved(_settle)
    return epos


def _handler(method: Method) -> Handler:
    member = TOKENS[method.wire]

    async def handle(ctx: Context, params: Params) -> Result:
        return await _till(ctx).handle(ctx, params[member], method.kind)

    return handle


def _lookup(method: Method) -> Handler:
    member = TOKENS[method.wire]

    async def look_up(ctx: Context, params: Params) -> Result | None:
        return await _till(ctx).look_up(ctx, params[member])

    return look_up


async def _settle(ctx: Context, unresolved: Unresolved) -> Result | bool | None:
    return await _till(ctx).settle(ctx, unresolved)


def _till(ctx: Context) -> Till:
    till: Till = ctx.state
    return till


def _as_registered(handler: Handler, *, threaded: bool) -> Callable[[Context, Params], Any]:
    if not threaded:
        return handler

    def in_a_thread(ctx: Context, params: Params) -> Any:
        return handler(ctx, params)  # the process lets what it gives take its time

    return in_a_thread
