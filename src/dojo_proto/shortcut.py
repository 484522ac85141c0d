"""The shortcut: an ordinary read, from its frame to the frame of its answer, in two steps.

Nearly all that a till is asked is a read that comes by itself and is answered with what its handler
returns. The machines on its way have nothing to decide then, and in Python to ask each of them
takes longer than all that is to be done. So that way is written down here once more, in one place.
Whatever is anything else, or breaks a rule, is left to the machines as untouched as it came. So
nothing is refused here, and which way a read took makes no difference to anybody.
"""

from typing import Any

from dojo_proto import results
from dojo_proto.call import RUNNING, Call, Waiter
from dojo_proto.connection import Connection
from dojo_proto.decisions import is_awaited
from dojo_proto.dispatch import Dispatch
from dojo_proto.fast_lane import start_of
from dojo_proto.jsonrpc import NO_ID, decode_whole, encode_result, nests_deeper_than
from dojo_proto.settings import Settings
from dojo_proto.work import Outcome, Returned


class Shortcut:
    """Driven by the client; works on the machines of `dispatch` and of the open connection.

    With `observe`, an observer hears of every request, and all of them go by the machines.
    """

    __slots__ = (
        "_admission",
        "_delivery",
        "_dispatch",
        "_echo_method",
        "_intake",
        "_max_depth",
        "_observe",
        "_reads",
    )

    def __init__(self, dispatch: Dispatch, settings: Settings, *, observe: bool) -> None:
        self._dispatch = dispatch
        self._admission = dispatch.admission
        self._delivery = dispatch.delivery
        self._intake = dispatch.intake
        self._reads = dispatch.reads
        self._echo_method = settings.echo_method
        self._max_depth = settings.max_json_depth
        self._observe = observe

    def begin(self, connection: Connection, data: bytes, now: float) -> int:
        """Admit the ordinary reads that `data` begins with; say where what is left of it begins."""
        if self._observe or self._dispatch.draining:
            return 0
        texts, end = connection.receive_texts(data, now)
        for number, text in enumerate(texts):
            if not self._admit(text, now):
                return start_of(texts[number:], end)
        return end

    def _admit(self, text: bytes, now: float) -> bool:
        """Admit the read that `text` asks for; False if that is not ordinary."""
        if nests_deeper_than(text, self._max_depth):
            return False
        intake = self._intake
        try:
            whole = decode_whole(text)
            request_id = bytes(whole.id)
            handler = intake.handlers[whole.method]
            if not handler.reads or request_id[0] in NO_ID:
                return False
            params = handler.decode(whole.params)
        except Exception:  # noqa: BLE001 - a user's own type may raise anything
            return False
        number = intake.count + 1
        waiter = Waiter(self._delivery.link, request_id, now, None)
        call = Call(number, handler, [waiter], now, now, params, whole.params)
        if self._admission.take(call):
            self._reads.start(call, now)
        elif not self._dispatch.wait(call, now):
            return False
        intake.count = number
        intake.last_request = now
        return True

    def end(self, connection: Connection, call: Call, outcome: Outcome, now: float) -> bool:
        """Answer with what the handler of a read has returned; False if that is not ordinary.

        Afterwards the connection may be closed, if the peer has left too much unread.
        """
        if (
            type(outcome) is not Returned
            or call.phase is not RUNNING
            or call.identity is not None
            or call.answered
            or self._observe
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
        echoed = method.wire if self._echo_method else ""
        connection.send_text(encode_result(waiter.id, result, echoed), now)
        self._reads.over(call, now)
        return True
