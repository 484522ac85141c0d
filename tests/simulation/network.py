"""The network between the till and the gateway: one TCP connection, both ways, going wrong."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.world import World

_RATHER = 0.02
"""Seconds of delay below which arrival times vary."""


class Pipe:
    """One direction. Bytes arrive in order, in other pieces, or not at all."""

    def __init__(self, world: "World", *, bandwidth: float) -> None:
        self.deliver: Callable[[bytes], None] | None = None
        """Takes bytes as they arrive; None when nobody does."""
        self.ended: Callable[[], None] | None = None
        """Is told of the end of the stream, or that it was reset."""
        self.lost = False
        """What is sent from now on arrives nowhere, and nobody is told."""
        self.stalled_until = 0.0
        """The other side does not read before."""
        self._world = world
        self._bandwidth = bandwidth
        self._arrival = 0.0

    def send(self, data: bytes) -> float:
        """Take bytes; return when the next ones may be written."""
        world = self._world
        now = world.clock.now
        done = max(now, self.stalled_until)
        if len(data) > 200:
            done += len(data) / self._bandwidth
        if self.lost:
            return done
        arrival = done + world.scenario.latency * world.dice.uniform(0.5, 1.0)
        for piece in self._pieces(data):
            self._arrival = arrival = max(self._arrival, arrival)
            world.clock.at(arrival, partial(self._arrive, piece))
            arrival += _RATHER
        return done

    def hold(self, seconds: float) -> None:
        """Nothing arrives for so long; then all of it does."""
        self._arrival = max(self._arrival, self._world.clock.now) + seconds

    def end(self) -> None:
        """The stream ends behind what is on its way."""
        if not self.lost:
            self.lost = True
            arrival = self._world.clock.now + self._world.scenario.latency
            self._world.clock.at(max(self._arrival, arrival), self._end)

    def cut(self) -> None:
        """What is on its way is lost, and all that follows; nobody is told."""
        self.lost = True
        self.deliver = None

    def _pieces(self, data: bytes) -> list[bytes]:
        if len(data) < 2 or not self._world.chance(self._world.scenario.split):
            return [data]
        if self._world.chance(0.1):
            return [data[i : i + 1] for i in range(min(len(data), 50))] + [data[50:]]
        point = self._world.dice.randrange(1, len(data))
        return [data[:point], data[point:]]

    def _arrive(self, data: bytes) -> None:
        if self.deliver is not None and data:
            self.deliver(data)

    def _end(self) -> None:
        if self.ended is not None:
            ended, self.ended = self.ended, None
            ended()


class Wire:
    """One connection, with the till below and the gateway above."""

    def __init__(self, world: "World", name: str) -> None:
        self.name = name
        self.up = Pipe(world, bandwidth=world.scenario.bandwidth)
        self.down = Pipe(world, bandwidth=1e7)
        self._world = world

    def drop(self) -> None:
        """It is reset. Each side hears of it, at its time."""
        for pipe in (self.up, self.down):
            if self._world.chance(0.5):
                pipe.deliver = None  # what is on its way is lost
            pipe.end()

    def lose(self) -> None:
        """It is dead in one direction or both, and nobody is told."""
        which = self._world.dice.randrange(3)
        if which != 0:
            self.up.cut()
        if which != 1:
            self.down.cut()
