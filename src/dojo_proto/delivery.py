"""Answers on their way to those who wait: encoding, batches, and on which link they may go."""

import msgspec

from dojo_proto.call import Call, Gathering, Waiter
from dojo_proto.decisions import Reply
from dojo_proto.events import RequestOutcome
from dojo_proto.jsonrpc import ErrorObject, encode_batch, encode_error, encode_result
from dojo_proto.reports import Reports


class Delivery:
    """Turns outcomes into messages for the link that is open. Driven by dispatch.

    An answer goes out only on the link its request came in on: whoever waits on another one is
    gone.
    """

    __slots__ = ("_echo_method", "_observe", "_reports", "link", "outgoing")

    def __init__(self, *, echo_method: bool, reports: Reports) -> None:
        self.link = 0
        """The link that is open; 0 if none is."""
        self.outgoing: list[tuple[bytes, str]] = []
        """Messages for that link, the first one first, each with the row whose outcome it tells, or
        an empty text."""
        self._echo_method = echo_method
        self._reports = reports
        self._observe = reports.observe

    def stamp(self, error: ErrorObject, number: int) -> ErrorObject:
        """`error` with a traceId: that of call `number` unless it has one already."""
        if error.trace_id:
            return error
        return msgspec.structs.replace(error, trace_id=self._reports.trace_id(number))

    def reply(self, call: Call, reply: Reply, now: float) -> None:
        """Answer everybody as was decided, with an alarm if the handler's result misfits."""
        if reply.fault:
            self._reports.unfit(call, reply.fault)
        content = reply.content
        if isinstance(content, bytes):
            self.result(call, content, now, repeat=reply.repeat)
        else:
            self.error(call, content, now, repeat=reply.repeat)

    def result(self, call: Call, result: bytes, now: float, *, repeat: bool = False) -> None:
        """Answer everybody with success; `result` is JSON."""
        echoed = call.handler.method.wire if self._echo_method else ""
        for waiter in call.waiters:
            if waiter.id is not None:
                self._send(waiter, encode_result(waiter.id, result, echoed), call.ticket)
            if self._observe:
                outcome = RequestOutcome.REPEAT if repeat else RequestOutcome.SUCCESS
                self._reports.finished(call.handler.method.wire, waiter, outcome, now)
        call.waiters = []

    def error(self, call: Call, error: ErrorObject, now: float, *, repeat: bool = False) -> None:
        """Answer everybody with an error, which gets a traceId unless it has one."""
        error = self.stamp(error, call.number)
        outcome = RequestOutcome.REPEAT if repeat else RequestOutcome.ERROR
        for waiter in call.waiters:
            method = call.handler.method.wire
            self.reject(waiter, method, error, now, outcome, ticket=call.ticket)
        call.waiters = []

    def silence(self, call: Call, outcome: RequestOutcome, now: float) -> None:
        """Answer nobody. Only for what changes the till, which never comes in a batch."""
        for waiter in call.waiters:
            self._reports.finished(call.handler.method.wire, waiter, outcome, now)
        call.waiters = []

    def abandon(self, call: Call, link: int, now: float) -> None:
        """Nobody on `link`, which is closed, waits any more."""
        wire = call.handler.method.wire
        for waiter in call.waiters:
            if waiter.link == link:
                self._reports.finished(wire, waiter, RequestOutcome.ABANDONED, now)
        call.waiters = [waiter for waiter in call.waiters if waiter.link != link]

    def reject(
        self,
        waiter: Waiter,
        method: str,
        error: ErrorObject,
        now: float,
        outcome: RequestOutcome = RequestOutcome.ERROR,
        *,
        echoed: str = "",
        ticket: str = "",
    ) -> None:
        """Answer one request with an error; a notification gets none (JSON-RPC 2.0 section 4.1).

        `echoed` is the method as the peer wrote it, where it is none of ours.
        """
        if waiter.id is not None:
            named = (echoed or method) if self._echo_method else ""
            self._send(waiter, encode_error(waiter.id, error, named), ticket)
        self._reports.finished(method, waiter, outcome, now, error)

    def gathered(self, gathering: Gathering) -> None:
        """One more member of a batch is settled; the last one sends the array."""
        gathering.waiting -= 1
        if gathering.waiting == 0 and gathering.answers and gathering.link == self.link:
            self.outgoing.append((encode_batch(gathering.answers), ""))

    def _send(self, waiter: Waiter, message: bytes, ticket: str) -> None:
        gathering = waiter.gathering
        if gathering is None:
            if waiter.link == self.link:
                self.outgoing.append((message, ticket))
        else:
            gathering.answers.append(message)
            self.gathered(gathering)
