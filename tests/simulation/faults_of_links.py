"""Faults in who is answered, in what is known to have arrived, and in keeping a link.

Each docstring says what is done instead, in the words of somebody who thought it an improvement.
"""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from tests.simulation.invariants import Invariant
from tests.simulation.planting import breaks, replaced

from dojo_proto.call import Call, Phase, Waiter
from dojo_proto.client import Client
from dojo_proto.delivery import Delivery
from dojo_proto.dispatch import Dispatch
from dojo_proto.keepalive import Due, Keepalive
from dojo_proto.outbound import Outbound
from dojo_proto.receipts import Receipts
from dojo_proto.supervisor import Supervisor
from dojo_proto.table import Table

# Who is answered.


@breaks(Invariant.ANSWERED)
def dropped_join() -> Iterator[None]:
    """A repeat of what runs is dropped: somebody waits for the answer already."""

    def mutant(*_: object) -> None:
        return

    with patch.object(Dispatch, "_join", mutant):
        yield


@breaks(Invariant.ANSWERED)
def answered_twice() -> Iterator[None]:
    """An answer goes out once more, for safety."""

    def make(send: Any) -> Any:
        def mutant(self: Delivery, waiter: Waiter, *rest: Any) -> None:
            send(self, waiter, *rest)
            if waiter.gathering is None:
                send(self, waiter, *rest)

        return mutant

    with replaced(Delivery, "_send", make):
        yield


@breaks(Invariant.TO_WHOM_IT_CONCERNS, Invariant.ANSWERED)
def answer_on_another_link() -> Iterator[None]:
    """Who asked on a link that is gone gets the answer on the next one."""

    def closed(self: Dispatch, _link: int, _now: float) -> None:
        self.delivery.link = 0

    def make(send: Any) -> Any:
        def mutant(self: Delivery, waiter: Waiter, *rest: Any) -> None:
            waiter.link = self.link
            send(self, waiter, *rest)

        return mutant

    with patch.object(Dispatch, "link_closed", closed), replaced(Delivery, "_send", make):
        yield


@breaks(Invariant.ANSWERED)
def the_queue_leaks() -> Iterator[None]:
    """Who waited for a place on a link that is gone is taken out of the queue, and stays known."""

    def make(forget: Any) -> Any:
        def mutant(self: Table, call: Call) -> None:
            if call.waiters or call.phase is not Phase.QUEUED:
                forget(self, call)

        return mutant

    with replaced(Table, "forget", make):
        yield


# Whether it has arrived.


@breaks(Invariant.HEARD)
def sent_is_heard() -> Iterator[None]:
    """TCP is reliable: what has been written arrives."""

    def make(written: Any) -> Any:
        def mutant(self: Receipts, mark: int) -> None:
            written(self, mark)
            if self._sent:
                with patch.object(Receipts, "written", written):
                    self.arrived(self._sent[-1][0])

        return mutant

    with replaced(Receipts, "written", make):
        yield


@breaks(Invariant.HEARD)
def any_pong_will_do() -> Iterator[None]:
    """A pong proves that everything has arrived that was sent before it came."""

    def make(arrived: Any) -> Any:
        def mutant(self: Receipts, mark: int) -> None:
            arrived(self, self._sent[-1][0] if self._sent else mark)

        return mutant

    with replaced(Receipts, "arrived", make):
        yield


@breaks(Invariant.HEARD)
def a_new_process_starts_anew() -> Iterator[None]:
    """What an earlier process has left open is not this one's business."""
    with patch.object(Client, "resume", lambda *_: None):
        yield


# The link.


@breaks(Invariant.ANSWERED)
def the_dead_are_not_given_up() -> Iterator[None]:
    """A peer that does not answer pings may still come back."""

    def make(handle_timer: Any) -> Any:
        def mutant(self: Keepalive, now: float) -> Due:
            due = handle_timer(self, now)
            if due is Due.DEAD:
                self._left_at, self._asked_at = None, now
                return Due.PING
            return Due(due)

        return mutant

    with replaced(Keepalive, "handle_timer", make):
        yield


@breaks(Invariant.ALIVE)
def pong_behind_data() -> Iterator[None]:
    """First come, first served: a pong waits for the messages before it."""

    def make(begin: Any) -> Any:
        def mutant(self: Outbound, framing: Any, room: int, now: float) -> None:
            pongs = list(self._pongs)
            self._pongs.clear()
            begin(self, framing, room, now)
            if self._frames:
                self._pongs.extend(pongs)
            else:
                self.begun = bytes(self.begun) + b"".join(map(framing.pong, pongs))

        return mutant

    with replaced(Outbound, "_begin", make):
        yield


@breaks(Invariant.ALIVE)
def pings_when_nothing_comes() -> Iterator[None]:
    """A ping is for finding out whether the peer lives, and not needed while something comes."""

    def make(next_timer: Any) -> Any:
        def mutant(self: Keepalive) -> float:
            sent, self._sent_at = self._sent_at, max(self._sent_at, self._received_at)
            try:
                return float(next_timer(self))
            finally:
                self._sent_at = sent

        return mutant

    with replaced(Keepalive, "next_timer", make):
        yield


@breaks(Invariant.POLITE)
def backoff_reset_on_open() -> Iterator[None]:
    """The gateway has let us in, so all is well again."""

    def make(opened: Any) -> Any:
        def mutant(self: Supervisor, now: float) -> None:
            opened(self, now)
            self._backoff.reset()

        return mutant

    with replaced(Supervisor, "opened", make):
        yield


@breaks(Invariant.POLITE)
def shorter_waits() -> Iterator[None]:
    """The first two failures do not count."""

    def make(ended: Any) -> Any:
        def mutant(self: Supervisor, *rest: Any) -> None:
            self._backoff.failures = max(0, self._backoff.failures - 1)
            ended(self, *rest)

        return mutant

    with replaced(Supervisor, "ended", make):
        yield
