"""What the tests of single adapter modules share: calls, work for them, threads, ways to wait."""

import threading
from collections.abc import Callable
from itertools import count
from threading import Condition, Event, Thread
from time import monotonic
from typing import Any, Generic, TypeVar

from dojo_proto import Context, Epos
from dojo_proto.call import Call, Waiter
from dojo_proto.journal import Entry, Identity, RowState
from dojo_proto.work import Abort, Begin, Commit, Run

T = TypeVar("T")

DEADLINE = 20.0
"""Seconds after which a test that waits gives up; far more than anything here takes."""

METHOD = "RecordOrderPaymentByIdV1"
_numbers = count(1)


def make_call() -> Call:
    """A payment that has just come in."""
    epos = Epos("acme-epos")
    epos.on(METHOD)(lambda _ctx, params: params)
    handler = epos.handlers()[METHOD]
    return Call(next(_numbers), handler, [Waiter(1, b'"id-1"', 0.0, None)], 0.0, 0.0, {}, b"{}")


def make_run(function: Callable[..., Any], params: Any = None) -> Run:
    """Work for a thread: `function(context, params)`."""
    context = Context(method=METHOD, raw_id=b'"id-1"', raw_params=b"{}")
    return Run(make_call(), function, context, params, is_async=False)


def make_begin(key: str = "pi-1") -> Begin:
    """The first step of the payment `key`."""
    call = make_call()
    entry = Entry(
        ticket=f"ticket-{call.number}",
        method="RecordOrderPaymentById",
        identity=Identity(key=key, repeat="", content="", amounts=""),
        idempotency_key=key,
        owner="this-process",
    )
    return Begin(call, entry, insert=True)


def make_commit(begin: Begin) -> Commit:
    """The step that keeps the success of what `begin` has begun."""
    return Commit(begin.call, begin.entry.ticket, RowState.SUCCEEDED, b"{}")


def make_abort(begin: Begin) -> Abort:
    """The step that forgets what `begin` has begun."""
    return Abort(begin.call, begin.entry.ticket)


class Collected(Generic[T]):
    """What other threads have delivered, in order."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._changed = Condition()

    def put(self, item: T) -> None:
        self.put_all([item])

    def put_all(self, items: list[T]) -> None:
        with self._changed:
            self._items += items
            self._changed.notify_all()

    def wait(self, number: int) -> list[T]:
        """All items, as soon as there are `number`."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self._items) >= number, DEADLINE)
            assert there, f"{len(self._items)} of {number} items came"
            return list(self._items)


def threads_named(name: str) -> list[Thread]:
    """Those that run now."""
    return [thread for thread in threading.enumerate() if thread.name == name]


def join_all(name: str) -> None:
    """Wait for the end of all threads of that name; nothing may start another meanwhile."""
    for thread in threads_named(name):
        thread.join(DEADLINE)
        assert not thread.is_alive(), f"{name} still runs"


def no_thread(_thread: Thread) -> None:
    """`Thread.start` of a system that has no thread left to give."""
    raise RuntimeError("can't start new thread")


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for what nothing announces, such as that a thread has become free."""
    deadline = monotonic() + DEADLINE
    while not condition():
        assert monotonic() < deadline, f"never: {what}"
        Event().wait(0.001)
