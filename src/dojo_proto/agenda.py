"""The work that waits for an adapter, and what each piece of it carries."""

from collections.abc import Callable
from typing import Any

import msgspec

from dojo_proto.call import Call, Phase, move
from dojo_proto.context import Context
from dojo_proto.decisions import Forget, Keep
from dojo_proto.errors import LocalProtocolError
from dojo_proto.handlers import Handler
from dojo_proto.journal import Entry, Told, natural_text
from dojo_proto.jsonrpc import ErrorObject
from dojo_proto.work import Abort, Begin, Cancel, Commit, Note, Run, Work

_encode = msgspec.json.Encoder().encode


class Agenda:
    """Makes pieces of work, in the order in which they are to be started. Driven by dispatch.

    `state` is the application's own object; `wall_offset` is the wall clock minus the caller's.
    """

    __slots__ = ("_entropy", "_state", "owner", "wall_offset", "work")

    def __init__(self, *, entropy: Callable[[int], bytes], state: Any, wall_offset: float) -> None:
        self.owner = entropy(8).hex()
        """Names this process in the journal."""
        self._entropy = entropy
        self._state = state
        self.wall_offset = wall_offset
        self.work: list[Work] = []
        """What is still to be taken, in order."""

    def note(self, tickets: tuple[str, ...], told: Told) -> None:
        """Have the journal write down how far answers have got."""
        self.work.append(Note(tickets, told))

    def begin(self, call: Call, *, insert: bool) -> None:
        """Have the journal look `call` up, and with `insert` begin it; again, to read it anew."""
        move(call, Phase.BEGINNING)
        method = call.handler.method
        if call.identity is None:
            raise LocalProtocolError(f"{call!r} is a read, and has no place in the journal")
        if not call.ticket:
            call.ticket = self._entropy(16).hex()
            call.idempotency_key = natural_text(method, call.raw_params) or call.ticket
        entry = Entry(
            ticket=call.ticket,
            method=method.name,
            identity=call.identity,
            idempotency_key=call.idempotency_key,
            owner=self.owner,
        )
        self.work.append(Begin(call, entry, insert))

    def read(self, call: Call) -> None:
        """Have the handler of a read called."""
        handler = call.handler
        context = Context(
            method=handler.method.wire,
            raw_id=call.waiters[0].id,
            raw_params=call.raw_params,
            state=self._state,
            raw_received_at=call.since + self.wall_offset,
        )
        self.work.append(Run(call, handler.function, context, call.params, handler.is_async))

    def run(self, call: Call, handler: Handler, phase: Phase) -> None:
        """Have the handler of what changes the till called, or its lookup."""
        move(call, phase)
        context = Context(
            method=handler.method.wire,
            raw_id=call.waiters[0].id if call.waiters else None,
            raw_params=call.raw_params,
            state=self._state,
            raw_received_at=call.since + self.wall_offset,
            idempotency_key=call.idempotency_key,
            redelivered=call.redelivered,
            ticket=call.ticket,
            keeps_answer=call.handler.lookup is None,
        )
        params = call.params if handler is call.handler else call.lookup_params
        self.work.append(Run(call, handler.function, context, params, handler.is_async))

    def cancel(self, call: Call) -> None:
        """Say that nobody waits for a read any more."""
        self.work.append(Cancel(call))

    def kept(self, call: Call) -> Keep | Forget:
        """What the journal was told to keep or forget of `call`, and has now reported on."""
        if call.phase is not Phase.COMMITTING or call.keeping is None:
            raise LocalProtocolError(f"{call!r} was not being committed")
        return call.keeping

    def keep(self, call: Call, keeping: Keep | Forget) -> None:
        """Have the journal keep or forget the outcome; the answer waits for it."""
        move(call, Phase.COMMITTING)
        call.keeping = keeping
        if isinstance(keeping, Forget):
            self.work.append(Abort(call, call.ticket))
        elif isinstance(keeping.content, ErrorObject):
            answer = _encode(keeping.content)
            self.work.append(Commit(call, call.ticket, keeping.state, answer))
        else:
            # A lookup gives later repeats the state of then, so nothing has to be stored.
            answer = b"" if call.handler.lookup is not None else keeping.content
            self.work.append(Commit(call, call.ticket, keeping.state, answer))
