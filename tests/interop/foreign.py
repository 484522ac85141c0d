"""A server that nobody here has written, as the gateway that an EPOS connects to.

`ForeignServer` is its process; `ForeignGateway` is what one test sees of it, with as much of
LocalGateway's interface as the demonstration's visit uses, so that the visit runs on it as it is.
"""

import json
from collections.abc import Callable
from threading import Thread
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from tests.interop.process import PATIENCE, Process
from tests.interop.servers.catalogue import MUTE, command

from dojo_proto.connection import Ended
from dojo_proto.events import Cause
from dojo_proto.framing import ABNORMAL_CLOSURE
from dojo_simulator.connection import PendingCall, Reply
from dojo_simulator.errors import ConnectionEnded, describe
from dojo_simulator.faults import Fault, FaultKind
from dojo_simulator.waiting import Waiting

_DROP = Fault(FaultKind.DROP_BEFORE_ANSWER)

Report = dict[str, Any]


class ForeignServer(Process):
    """The process of a server; servers/bridge.py says how it is talked to."""

    def __init__(self, name: str) -> None:
        super().__init__(command(name))
        self.name = name
        self.take: Callable[[Report], None] = lambda _report: None
        """Called with each report, in a thread of its own."""
        self._reader = Thread(target=self._read)
        self._reader.start()

    def order(self, link: int, do: str, **more: object) -> None:
        """Have it do something with a connection."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"link": link, "do": do, **more}) + "\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self._reader.join(PATIENCE)  # which reads until the program has ended

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.take(json.loads(line))


class ForeignConnection:
    """One connection that an EPOS has opened to a foreign server. Any thread may use it."""

    def __init__(
        self, number: int, report: Report, server: ForeignServer, waiting: Waiting
    ) -> None:
        self.number = number
        """1 for the first one of the test."""
        self.target: str = report["target"]
        self.headers: dict[str, str] = report["headers"]
        self.ended: Ended | None = None
        self._link: int = report["link"]
        self._server = server
        self._waiting = waiting
        self._calls: dict[str, PendingCall] = {}
        self._pongs = 0

    def call(
        self, method: str, params: object, *, request_id: str | None = None, timeout: float
    ) -> Reply:
        """Send a request and return its answer."""
        return self.start_call(method, params, request_id=request_id).wait(timeout)

    def start_call(
        self,
        method: str,
        params: object,
        *,
        request_id: str | None = None,
        timeout: float = PATIENCE,
        drop_before_answer: bool = False,
    ) -> PendingCall:
        """Send a request and return at once; with `drop_before_answer`, never hear its answer."""
        fault = _DROP if drop_before_answer else None
        call = PendingCall(method, request_id or str(uuid4()), timeout=timeout, fault=fault)
        request = {"jsonrpc": "2.0", "id": call.id, "method": method, "params": params}
        with self._waiting.change():
            if self.ended is not None:
                raise ConnectionEnded(f"{call} was not sent", ended=self.ended)
            self._calls[call.id] = call
            self._server.order(self._link, "send", text=json.dumps(request))
        return call

    def ping(self) -> None:
        """Have the server ping, and wait for the pong."""
        awaited = self._pongs + 1
        self._server.order(self._link, "ping")
        self._waiting.wait(lambda: self._pongs >= awaited, PATIENCE, lambda: "there was no pong")

    def close(self, code: int) -> None:
        """Have the server say Close."""
        self._server.order(self._link, "close", code=code)

    def drop(self) -> None:
        """Have the server end the connection as rudely as it can."""
        self._server.order(self._link, "drop")

    def wait_closed(self, timeout: float) -> Ended:
        """Wait until the connection is over."""
        return self._waiting.wait(
            lambda: self.ended, timeout, lambda: f"connection {self.number} did not end"
        )

    def take(self, report: Report) -> None:
        """Take what the server tells of it."""
        match report["is"]:
            case "text":
                self._answered(json.loads(report["text"]))
            case "pong":
                self._pongs += 1
            case "closed":
                self._end(report["code"])

    def _answered(self, answer: dict[str, Any]) -> None:
        call = self._calls[answer["id"]]
        if call.fault is not None:
            self.drop()  # which fails the call
            return
        del self._calls[call.id]
        result, error = answer.get("result"), answer.get("error")
        reply = Reply(id=call.id, result=result, error=error, seconds=0.0)
        call.future.set_result(reply)

    def _end(self, code: int) -> None:
        cause = Cause.LOST if code == ABNORMAL_CLOSURE else Cause.PEER_CLOSED
        self.ended = Ended(cause=cause, reason="", code=code)
        for call in self._calls.values():
            reason = f"{call}: the connection ended before the answer: {describe(self.ended)}"
            call.future.set_exception(ConnectionEnded(reason, ended=self.ended))


class ForeignGateway:
    """The connections that come to a server while the block runs; all have ended when it is over.

    `url` is the server's own, or that of a proxy in front of it.
    """

    def __init__(self, server: ForeignServer, url: str | None = None) -> None:
        self.url = url or f"ws://127.0.0.1:{server.port}"
        """Without a path."""
        self.tells_close_codes = server.name not in MUTE
        self._server = server
        self._waiting = Waiting()
        self._connections: dict[int, ForeignConnection] = {}

    def wait_for_epos(
        self, timeout: float = PATIENCE, *, after: ForeignConnection | None = None
    ) -> ForeignConnection:
        """Return the newest open connection; with `after`, one that was opened later."""

        def find() -> ForeignConnection | None:
            newest = next(reversed(self._connections.values()), None)
            if newest is None or newest.ended or (after and newest.number <= after.number):
                return None
            return newest

        return self._waiting.wait(
            find, timeout, lambda: f"no EPOS connected to {self.url}; {self._server.errors}"
        )

    def __enter__(self) -> Self:
        self._server.take = self._take
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._waiting.wait(
            lambda: all(each.ended for each in self._connections.values()),
            PATIENCE,
            lambda: f"a connection did not end; {self._server.errors}",
        )

    def _take(self, report: Report) -> None:
        link = report["link"]
        with self._waiting.change():
            if report["is"] == "open":
                number = len(self._connections) + 1
                self._connections[link] = ForeignConnection(
                    number, report, self._server, self._waiting
                )
            elif link in self._connections:
                self._connections[link].take(report)
