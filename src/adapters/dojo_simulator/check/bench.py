"""What checks work with: the gateway's end, the till behind the EPOS, and a record of it all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event as Gate
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

import msgspec

from dojo_proto.contract import BY_NAME
from dojo_simulator.check.answers import METHOD_NOT_FOUND, Answer, NoAnswer
from dojo_simulator.check.framework import Exchange, Failed, Json, Skipped
from dojo_simulator.check.hosting import Hosted
from dojo_simulator.check.pace import LONGEST_PAUSE, Pace
from dojo_simulator.check.tap import Tap
from dojo_simulator.check.transcript import Arrived, Transcript
from dojo_simulator.errors import WaitTimedOut
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.registry import Registry
from dojo_simulator.till_actions import TillActions

T = TypeVar("T")

TERMINAL: Json = {
    "dojoRequestingProduct": "PayAtTable",
    "deviceId": "check-1",
    "deviceType": "Pax",
}
"""The `headers` of every request: a terminal that no waiter has logged in to."""

KEPT = 60
"""Exchanges of one check that the report shows; a walk through many pages has more."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """Data that the user names; what is not named is looked for in the EPOS."""

    orders: tuple[str, ...] = ()
    """Ids of orders that may be paid."""
    tables: tuple[str, ...] = ()
    """Ids of tables that nobody sits at."""
    waiter: str | None = None
    """The id of a waiter who has open orders."""
    item: Json | None = None
    """An item that can be ordered, as CreateOrder has it."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer, for those who judge all of them."""

    method: str
    """The capability name."""
    id: object
    answer: Answer


class Bench:
    """One EPOS under check. Used by one thread."""

    def __init__(
        self,
        *,
        gateway: LocalGateway,
        tap: Tap,
        api_url: str | None,
        pace: Pace,
        given: Given | None = None,
        hosted: Hosted | None = None,
        till: TillActions | None = None,
        serves: frozenset[str] | None = None,
    ) -> None:
        self.gateway = gateway
        self.tap = tap
        self.api_url = api_url
        """Of the REST side; None if there is none."""
        self.pace = pace
        self.given = given or Given()
        self.exchanges: list[Exchange] = []
        """Of the check under way."""
        self.answered: list[Answered] = []
        """Of all checks."""
        self._hosted = hosted
        self._till = till
        self._serves = serves
        self._missing: set[str] = set()
        self._before = (0, 0)

    # One check after the other.

    def begin(self) -> None:
        """A check begins: what the one before has left is none of its own."""
        self.exchanges = []
        self._before = (len(self.answered), self._hosted.heard if self._hosted else 0)

    def troubles(self) -> tuple[str, ...]:
        """What went wrong in the EPOS since the check began, if it is served here."""
        if self._hosted is None:
            return ()
        answered, heard = self._before
        errors = (each.answer.error for each in self.answered[answered:])
        trace_ids = [error["traceId"] for error in errors if error and error.get("traceId")]
        told = self._hosted.troubles(after=heard, trace_ids=trace_ids)
        return tuple(map(self.scrub, told))

    # What there is, and what there may be.

    @property
    def registry(self) -> Registry:
        """What came in over REST. Raises Skipped if there is no REST side."""
        if self.api_url is None:
            raise Skipped("there is no REST side: pip install 'dojo-proto[simulator]'")
        return self.gateway.registry

    @property
    def hosted(self) -> Hosted:
        """The EPOS that is served here. Raises Skipped if it runs by itself."""
        if self._hosted is None:
            raise Skipped("the EPOS has to be started and stopped for this: check MODULE:NAME")
        return self._hosted

    @property
    def is_hosted(self) -> bool:
        """Whether the EPOS is served here."""
        return self._hosted is not None

    @property
    def till(self) -> TillActions:
        """Who works the till. Raises Skipped if nobody does."""
        if self._till is None:
            raise Skipped("somebody has to work the till for this: name TillActions with --till")
        return self._till

    def can(self, action: str) -> bool:
        """Whether somebody at the till can do that."""
        return self._till is not None and callable(getattr(self._till, action, None))

    def is_served(self, method: str) -> bool:
        """Whether the EPOS has the method, as far as is known."""
        return method not in self._missing and (self._serves is None or method in self._serves)

    # Requests and answers.

    @property
    def link(self) -> Transcript:
        """The newest open connection. Raises Failed if the EPOS does not connect."""
        patience = self.pace.patience + self.pace.of(LONGEST_PAUSE)
        try:
            return self.await_that(lambda: self.tap.newest, patience)
        except WaitTimedOut:
            raise Failed("the EPOS", expected="a connection", came="none") from None

    def start(
        self,
        method: str,
        params: Json | None = None,
        *,
        request_id: str | None = None,
        waiter: str | None = None,
    ) -> "Pending":
        """Send a request and return at once. `method` is a capability name, or any other."""
        row = BY_NAME.get(method)
        headers = TERMINAL if waiter is None else {**TERMINAL, "waiterId": waiter}
        message = {
            "jsonrpc": "2.0",
            "id": request_id or str(uuid4()),
            "method": method if row is None else row.wire,
            "params": {**(params or {}), "headers": headers},
        }
        return self.send(json.dumps(message), method=method, request_id=message["id"])

    def send(self, text: str, *, method: str, request_id: object, pieces: int = 1) -> "Pending":
        """Send any text, in so many frames; the answer is the message with that id."""
        exchange = Exchange(sent=self.scrub(text))
        self.keep(exchange)
        pending = Pending(self, self.link, method, request_id, exchange)
        self.tap.send_text(pending.link, text.encode(), pieces=pieces)
        return pending

    def call(
        self,
        method: str,
        params: Json | None = None,
        *,
        request_id: str | None = None,
        waiter: str | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Send a request and return its answer, whatever that is.

        Raises NoAnswer, and Skipped if the EPOS says that it has no such method.
        """
        pending = self.start(method, params, request_id=request_id, waiter=waiter)
        answer = pending.wait(timeout)
        if answer.error is not None and answer.error.get("code") == METHOD_NOT_FOUND:
            self._missing.add(method)
            raise Skipped(f"{method} is not implemented")
        return answer

    def result(self, method: str, params: Json | None = None, **options: Any) -> Json:
        """Send a request and return the result, an object. Raises Failed otherwise."""
        return self.call(method, params, **options).object()

    def refused(self, method: str, params: Json, *error_types: str) -> Json:
        """Send a request and return the error, one of these types. Raises Failed otherwise."""
        return self.call(method, params).refusal(*error_types)

    def answers(self, request_id: object) -> list[Arrived]:
        """The messages of the EPOS with that id on all connections, oldest first."""
        return [each for link in self.tap.transcripts for each in link.answers(request_id)]

    # What else happens.

    def drop(self) -> None:
        """Cut the connection off, without a Close frame, and wait until the EPOS is back."""
        link = self.link
        self.note("(the connection is cut off)", "")
        self.tap.drop(link)
        self.await_end(link)
        self.note("(waiting for the EPOS)", f"connection {self.link.number}")

    def await_end(self, link: Transcript) -> None:
        """Wait until a connection is over. Raises WaitTimedOut."""
        self.await_that(lambda: link.ended)

    def forget(self) -> bool:
        """Start the EPOS again with an empty journal, if it is served here."""
        if self._hosted is None:
            return False
        self._hosted.stop()
        self._hosted.start()
        self.note("(the EPOS is started again, without its journal)", "")
        self.await_that(lambda: self.tap.newest, self.pace.patience)
        return True

    def note(self, sent: str, came: str) -> None:
        """Keep something for the report that is no message."""
        self.keep(Exchange(sent=self.scrub(sent), came=self.scrub(came)))

    def keep(self, exchange: Exchange) -> None:
        """Keep an exchange for the report, unless there are too many already."""
        if len(self.exchanges) < KEPT:
            self.exchanges.append(exchange)

    def await_that(self, find: Callable[[], T | None], timeout: float | None = None) -> T:
        """Wait until `find`, which looks at what came over the tap, gives something true.

        Raises WaitTimedOut after `timeout` seconds, or after the patience of the pace.
        """
        patience = self.pace.patience if timeout is None else timeout
        return self.tap.waiting.wait(find, patience, lambda: "nothing came")

    def pass_time(self, seconds: float) -> None:
        """Let time pass: the till's own clock is what a lock runs out by."""
        Gate().wait(seconds)

    def scrub(self, text: str) -> str:
        """`text` without the API key, should the EPOS have repeated it."""
        for link in self.tap.transcripts:
            for name, value in link.headers:
                key = value.partition(" ")[2]
                if name == "authorization" and key:
                    text = text.replace(key, "…")
        return text


class Pending:
    """A request that has been sent. `wait` gives what comes for it."""

    def __init__(
        self, bench: Bench, link: Transcript, method: str, request_id: object, exchange: Exchange
    ) -> None:
        self.link = link
        self.method = method
        self.id = request_id
        self.sent = monotonic()
        self._bench = bench
        self._exchange = exchange
        self._seen = len(link.answers(request_id))

    def wait(self, timeout: float | None = None) -> Answer:
        """The answer. Raises NoAnswer after `timeout` seconds, or when its connection has ended."""
        try:
            self._bench.await_that(lambda: self.is_over, timeout)
        except WaitTimedOut:
            raise self._unanswered("none in time, and the connection is open") from None
        came = self._arrived()
        if came is None:
            raise self._unanswered("none, and the connection has ended")
        self._exchange.came = self._bench.scrub(came.raw.decode(errors="replace"))
        self._exchange.seconds = came.at - self.sent
        answer = Answer(what=self.method, envelope=came.value, seconds=came.at - self.sent)
        self._bench.answered.append(Answered(method=self.method, id=self.id, answer=answer))
        return answer

    @property
    def is_over(self) -> bool:
        """Whether the answer has come, or cannot come any more."""
        return self._arrived() is not None or self.link.ended is not None

    def _arrived(self) -> Arrived | None:
        answers = self.link.answers(self.id)
        return answers[self._seen] if len(answers) > self._seen else None

    def _unanswered(self, why: str) -> NoAnswer:
        self._exchange.came = f"({why})"
        return NoAnswer(self.method, why)


def later(seconds: float) -> str:
    """The moment so many seconds from now, as the vendor writes it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
