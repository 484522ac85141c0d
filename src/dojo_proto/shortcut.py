"""The shortcut: what nearly always happens, past the machines that have nothing to decide about it.

Nearly all that comes is a text in a plain frame, on a link that stays: it goes straight to the
intake. Nearly all that is asked is a read whose handler returns a sound result: the answer goes
straight to the connection. In Python it takes longer to ask each machine on the way than to do all
that is to be done. What is anything else is left to them, and so is what comes behind it. Which way
something took makes no difference to anybody.
"""

from typing import Any

from dojo_proto import results
from dojo_proto.call import RUNNING, Call
from dojo_proto.connection import Connection
from dojo_proto.decisions import is_awaited
from dojo_proto.dispatch import Dispatch
from dojo_proto.events import RequestOutcome
from dojo_proto.fast_lane import start_of
from dojo_proto.jsonrpc import encode_result
from dojo_proto.settings import Settings
from dojo_proto.work import Outcome, Returned


class Shortcut:
    """Driven by the client; works on the machines of `dispatch` and of the open connection.

    Unless it is `enabled` it takes nothing, so that its work can be compared with theirs.
    """

    __slots__ = ("_delivery", "_dispatch", "_echo_method", "_enabled", "_intake", "_observe")

    def __init__(self, dispatch: Dispatch, settings: Settings, *, enabled: bool) -> None:
        self._dispatch = dispatch
        self._delivery = dispatch.delivery
        self._intake = dispatch.intake
        self._echo_method = settings.echo_method
        self._observe = dispatch.reports.observe
        self._enabled = enabled

    def receive(self, connection: Connection, data: bytes, now: float) -> int:
        """Have the texts that `data` begins with taken in; say where what is left of it begins.

        It ends behind one that is answered at once: that answer has to leave before the next text
        is looked at, so that it makes no difference how what came in was cut.
        """
        if not self._enabled:
            return 0
        delivery, taken = self._delivery, 0
        texts, end = connection.receive_texts(data, now)
        try:
            for text in texts:
                if delivery.outgoing:
                    return start_of(texts[taken:], end)
                taken += 1
                self._intake.receive(delivery.link, text, now)
        except BaseException:
            # A user's own type may raise even that: what came behind it is not to be lost.
            connection.receive_data(data[start_of(texts[taken:], end) :], now)
            raise
        return end

    def answer(self, connection: Connection, call: Call, outcome: Outcome, now: float) -> bool:
        """Answer with what the handler of a read has returned; False if that is not ordinary.

        Afterwards the connection may be closed, if the peer has left too much unread.
        """
        if (
            type(outcome) is not Returned
            or call.phase is not RUNNING
            or call.identity is not None
            or call.answered
            or not self._enabled
            or self._dispatch.draining
        ):
            return False
        # One delivery, since what changes nothing is never joined; on the open link, or else nobody
        # would wait any more.
        waiter, method, value = call.waiters[0], call.handler.method, outcome.value
        kind: Any = type(value)
        if waiter.id is None or waiter.gathering is not None or is_awaited(kind):
            return False
        result, fault = results.encode_result(method, value)
        if fault:
            return False
        message = encode_result(waiter.id, result, method.wire if self._echo_method else "")
        call.waiters = []
        if self._observe:
            self._dispatch.reports.finished(method.wire, waiter, RequestOutcome.SUCCESS, now)
        self._dispatch.reads.over(call, now)
        connection.send_text(message, now)
        return True
