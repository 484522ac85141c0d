"""One connection of the till, as the gateway has it: what it asks, and how it makes it end."""

from abc import abstractmethod
from enum import Enum
from os import urandom
from random import Random
from typing import Any, Protocol

import msgspec
from tests.soak.asked import Ask

from dojo_proto.connection import Ended, Open, State
from dojo_proto.gateway import Answered, Gateway, GatewayEvent, Unanswered, Unasked
from dojo_proto.stage import Asked
from dojo_simulator.session import Session

WINDOW = 40
"""Requests that wait for their answers at once."""
_FRAGMENTED = 0.02
"""The share of requests that come in pieces."""


class Ending(Enum):
    """How the gateway ends a connection, with requests under way."""

    CLOSE_1000 = "close 1000"
    CLOSE_1001 = "close 1001"
    CLOSE_1012 = "close 1012"
    RESET = "reset"
    HALF_CLOSE = "half-close"
    SILENCE = "silence"
    """Until the till misses a pong."""
    REFUSAL = "refusal"
    """A reset, and the next upgrade is answered with 503."""


class Owner(Protocol):
    """Who has the connections, and the account of what was answered."""

    @abstractmethod
    def may_open(self) -> bool:
        """Whether an upgrade is accepted."""

    @abstractmethod
    def opened(self, link: "Link") -> None:
        """It can carry requests."""

    @abstractmethod
    def next_ask(self) -> Ask | None:
        """What to ask now, if anything."""

    @abstractmethod
    def answered(self, ask: Ask, result: Any, error: str) -> None:
        """`ask` got its answer: a result, or the type of an error."""

    @abstractmethod
    def lost(self, ask: Ask, *, living: bool) -> None:
        """`ask` gets no answer, since its connection is gone; or is not, if that is `living`."""

    @abstractmethod
    def unasked(self, message: bytes) -> None:
        """A message came that answers nothing."""

    @abstractmethod
    def ended(self, link: "Link") -> None:
        """It is over."""


class _Error(msgspec.Struct, rename="camel"):
    error_type: str


_decode_error = msgspec.json.Decoder(_Error).decode


class Link(Session):
    """Keeps up to WINDOW requests of its owner's under way, and tells what came of each."""

    def __init__(self, owner: Owner, chance: Random) -> None:
        super().__init__(Gateway(entropy=urandom, now=0.0))
        self._owner = owner
        self._chance = chance
        self._asks: dict[int, Ask] = {}
        self._count = 0

    @property
    def waiting(self) -> int:
        """Requests that wait for their answers."""
        return len(self._asks)

    def handle(self, event: GatewayEvent) -> None:
        """Take an event of the machine."""
        match event:
            case Asked():
                if self._owner.may_open():
                    self.machine.accept(self.now)
                else:
                    self.machine.refuse(503, "try again", self.now)
            case Open():
                self._owner.opened(self)
            case Answered(call=call, result=result, error=error):
                ask = self._asks.pop(call)
                decoded = None if result is None else msgspec.json.decode(result)
                said = "" if error is None else _decode_error(error).error_type
                self._owner.answered(ask, decoded, said)
                self._fill()
            case Unanswered(call=call):
                living = self.machine.state is State.OPEN
                self._owner.lost(self._asks.pop(call), living=living)
            case Unasked(message=message):
                self._owner.unasked(message)
            case Ended():
                self._owner.ended(self)
            case _:
                pass

    def ask(self) -> None:
        """Ask what there is to ask, as far as the window allows."""
        self._fill()
        self.pump()

    def end(self, ending: Ending) -> None:
        """Make it end soon, whatever waits."""
        match ending:
            case Ending.RESET | Ending.REFUSAL:
                self._loop.call_soon(self.drop)
            case Ending.SILENCE:
                self.fall_silent()
            case Ending.HALF_CLOSE:
                self.fall_silent()
                if self._transport is not None:
                    self._transport.write_eof()
            case _:
                self.machine.close(self.now, int(ending.value.removeprefix("close ")))
                self._loop.call_soon(self.pump)

    def _fill(self) -> None:
        while (
            len(self._asks) < WINDOW
            and not self.silent
            and self.machine.state is State.OPEN
            and (ask := self._owner.next_ask()) is not None
        ):
            self._count += 1
            fragment = 20 if self._chance.random() < _FRAGMENTED else None
            call = self.machine.call(
                f"id-{self._count}", ask.method, ask.params, self.now, fragment=fragment
            )
            self._asks[call] = ask
