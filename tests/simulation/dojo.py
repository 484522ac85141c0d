"""Dojo's side: its gateway, which keeps links, and a caller that asks until it is answered."""

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

import msgspec
from tests.simulation.deeds import ASKED, Deed
from tests.simulation.network import Wire

from dojo_proto.connection import State
from dojo_proto.gateway import Answered, Gateway, Unanswered
from dojo_proto.stage import Asked

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

REFUSALS: list[str | int] = ["refused", "hangs", "silent", 401, 410, 503, "closes"]
"""What may become of a dial: no TCP, no answer to TCP or HTTP, a status, or open and closed."""
PATIENT_AFTER = 30
"""Attempts after which the caller asks once a minute."""
_decode = msgspec.json.decode


class End:
    """The gateway's end of one wire."""

    def __init__(
        self, world: "World", wire: Wire, heard: Callable[["End", Answered], None]
    ) -> None:
        self.wire = wire
        self.ids = count(1)
        self._world = world
        self._heard = heard
        self._busy = False
        self._ended = False
        self._timer: float | None = None
        self._gateway = Gateway(
            entropy=world.librarys_dice.randbytes,
            now=world.clock.now,
            ping_interval=world.dice.choice([4.0, 20.0, 20.0, 20.0, 20.0]),
        )
        wire.up.deliver = self._read
        wire.up.ended = self._eof
        self._turn()

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent; the till may long be gone."""
        return self._gateway.state is State.OPEN

    def call(self, request_id: str, method: str, params: object, timeout: float) -> int:
        """Send a request."""
        now = self._world.clock.now
        number = self._gateway.call(request_id, method, params, now, timeout=timeout)
        self._turn()
        return number

    def send(self, message: bytes) -> None:
        """Send any message."""
        self._gateway.send_text(message, self._world.clock.now)
        self._turn()

    def close(self) -> None:
        """Say Close."""
        self._gateway.close(self._world.clock.now, 1001, "restart")
        self._turn()

    def _read(self, data: bytes) -> None:
        self._gateway.receive_data(data, self._world.clock.now)
        self._turn()

    def _eof(self) -> None:
        self._gateway.receive_eof(self._world.clock.now)
        self._turn()

    def _turn(self) -> None:
        gateway, now = self._gateway, self._world.clock.now
        while (event := gateway.next_event()) is not None:
            if isinstance(event, Asked):
                self._decide()
            elif isinstance(event, Answered):
                self._heard(self, event)
            elif isinstance(event, Unanswered):
                pass  # the caller has its own idea of when to try again
        while data := gateway.data_to_send(now):
            self.wire.down.send(data)
        if gateway.state is State.CLOSED and not self._ended:
            self._ended = True
            self.wire.down.end()
        self._arm()

    def _arm(self) -> None:
        timer = self._gateway.next_timer()
        if timer is not None and (self._timer is None or timer < self._timer):
            self._timer = timer
            self._world.clock.at(timer, lambda: self._ring(timer))

    def _ring(self, timer: float) -> None:
        if timer != self._timer:
            return
        self._timer = None
        due = self._gateway.next_timer()
        if due is not None and due <= timer:
            self._gateway.handle_timer(timer)
            self._turn()
        else:
            self._arm()

    def _decide(self) -> None:
        world = self._world
        match world.refusal:
            case int(status):
                headers = [("Retry-After", "7")] if status == 503 else []
                self._gateway.refuse(status, "no", world.clock.now, headers=headers)
            case "silent":
                pass
            case "closes":
                self._gateway.accept(world.clock.now)
                world.clock.after(world.dice.uniform(0.0, 20.0), self.close)
            case _:
                self._gateway.accept(world.clock.now)


class Wish:
    """A deed that the gateway wants done, until it is."""

    def __init__(self, deed: Deed) -> None:
        self.deed = deed
        self.attempts = 0
        self.granted = False
        """It is answered: done, or refused for good."""


class Dojo:
    """The gateway with its caller. It keeps every link that it believes to be alive."""

    def __init__(self, world: "World") -> None:
        self.wishes: list[Wish] = []
        self._world = world
        self._ends: list[End] = []
        self._calls: dict[tuple[str, int], Wish] = {}
        self._wires = count(1)
        self._ids = count(1)

    @property
    def unanswered(self) -> list[str]:
        """What nobody has answered yet."""
        return [wish.deed.token for wish in self.wishes if not wish.granted]

    def dial(self, process: "Process", number: int) -> None:
        """A process dials."""
        world = self._world
        seconds = world.scenario.latency * world.dice.uniform(0.5, 1.5)
        if world.refusal == "refused":
            world.clock.after(seconds, lambda: process.dial_failed(number, "connection refused"))
        elif world.refusal != "hangs":
            world.clock.after(seconds, lambda: self._accept(process, number))

    def wish(self) -> None:
        """Want one more deed."""
        world = self._world
        method = world.dice.choices(list(ASKED), list(ASKED.values()))[0]
        deed = Deed(f"{method.name}-{len(self.wishes) + 1}", method, 100 + len(self.wishes))
        wish = Wish(deed)
        self.wishes.append(wish)
        world.ledger.asks_for(deed)
        self._attempt(wish)

    def ask_for_all(self) -> None:
        """Ask once more for all that is not answered."""
        for wish in self.wishes:
            if not wish.granted:
                self._ask(wish)

    def noise(self) -> None:
        """Send what is no wish: a notification, an unknown method, a batch of reads."""
        reads = [wish.deed for wish in self.wishes if wish.deed.reads]
        end = self._choose()
        if end is None or not reads:
            return
        params = reads[-1].params()
        method = reads[-1].method.wire
        number = next(self._ids)
        batch = [
            {"jsonrpc": "2.0", "id": f"noise-{number}-{i}", "method": method, "params": params}
            for i in range(2)
        ]
        message: object = self._world.dice.choice(
            [
                {"jsonrpc": "2.0", "method": method, "params": params},
                {"jsonrpc": "2.0", "id": f"noise-{number}", "method": "SomethingElseV9"},
                batch,
            ]
        )
        end.send(msgspec.json.encode(message))

    def close_some(self) -> None:
        """Close the newest link."""
        end = self._choose()
        if end is not None:
            end.close()

    @property
    def wires(self) -> list[Wire]:
        """Those of the links that it believes to be alive."""
        return [end.wire for end in self._ends if end.is_open]

    def _accept(self, process: "Process", number: int) -> None:
        if not process.serving:
            return
        wire = Wire(self._world, f"link {next(self._wires)}")
        self._ends = [end for end in self._ends if end.is_open]
        self._ends.append(End(self._world, wire, self._answered))
        process.dialed(number, wire)

    def _choose(self) -> End | None:
        """The newest link; now and then an older one that is still open."""
        ends = [end for end in self._ends if end.is_open]
        if len(ends) > 1 and self._world.chance(0.3):
            return self._world.dice.choice(ends)
        return ends[-1] if ends else None

    def _attempt(self, wish: Wish) -> None:
        """Ask, and ask again later unless it is answered by then."""
        if wish.granted:
            return
        world = self._world
        every = world.scenario.retry_every if wish.attempts < PATIENT_AFTER else 60.0
        again = world.clock.now + every * world.dice.uniform(0.8, 1.2)
        world.clock.at(max(again, world.dawn), lambda: self._attempt(wish))
        self._ask(wish)
        if world.chance(world.scenario.duplicate):
            self._ask(wish)

    def _ask(self, wish: Wish) -> None:
        world = self._world
        end = self._choose()
        if end is None:
            return
        deed = wish.deed
        wish.attempts += 1
        extra = 1 if deed.keyed and world.chance(world.scenario.other_amount) else 0
        request_id = self._id(wish, end)
        world.say(f"gateway: asks for {deed.token} as {request_id} on {end.wire.name}")
        params = deed.params(extra=extra)
        number = end.call(request_id, deed.method.wire, params, world.scenario.timeout)
        self._calls[end.wire.name, number] = wish

    def _id(self, wish: Wish, end: End) -> str:
        if wish.deed.keyed or wish.deed.reads:
            match self._world.scenario.ids:
                case "new":
                    return f"new-{next(self._ids)}"
                case "by-link":
                    return f"{next(end.ids)}"
        # Without a natural key, a new id is a new request.
        return f"id-of-{wish.deed.token}"

    def _answered(self, end: End, answered: Answered) -> None:
        wish = self._calls.pop((end.wire.name, answered.call))
        world = self._world
        if answered.error is not None:
            error = _decode(answered.error)
            world.say(f"gateway: {wish.deed.token} failed: {error['message']}")
            # A refusal may be final, or somebody tries again.
            final = error["errorType"] == "Conflict" and (not wish.deed.keyed or world.chance(0.5))
            wish.granted |= final
            return
        world.say(f"gateway: {wish.deed.token} is done")
        wish.granted = True
        if world.chance(world.scenario.again_later):
            seconds = world.dice.choice([1.0, 60.0, 200.0, 600.0])
            world.clock.after(seconds, lambda: self._ask(wish))
