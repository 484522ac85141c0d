"""Each target finds what it is there for: a defect that is planted, from its corpus alone."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.fuzz.catalogue import TARGETS, kept
from tests.proto import ledger

from dojo_proto import (
    client,
    exchange,
    fast_lane,
    jsonrpc,
    registration,
    rest,
    results,
    shortcut,
    slow_lane,
    upgrade,
)
from dojo_proto.admission import Admission
from dojo_proto.call import Call, Waiter
from dojo_proto.connection import Connection
from dojo_proto.contract import Method, shape, strict
from dojo_proto.deflate import Deflate
from dojo_proto.delivery import Delivery
from dojo_proto.events import Cause, Closed
from dojo_proto.framing import Framing
from dojo_proto.handshake import Handshake
from dojo_proto.journal import FRESH
from dojo_proto.outbound import Outbound
from dojo_proto.own_calls import OwnCalls
from dojo_proto.rest import Answer, Failure, RestCall
from dojo_proto.shortcut import Shortcut
from dojo_proto.slow_lane import SlowLane
from dojo_proto.stage import Asked

Plant = Callable[[pytest.MonkeyPatch], None]


def replaced(owner: Any, name: str, by: Any) -> Plant:
    """A defect that replaces something."""
    return lambda patch: patch.setattr(owner, name, by)


def around(owner: Any, name: str, wrapper: Callable[..., Any]) -> Plant:
    """A defect around something: `wrapper` gets the original, then its arguments."""
    original = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        return wrapper(original, *arguments, **named)

    return replaced(owner, name, wrapped)


def twice(original: Callable[..., Any], *arguments: Any) -> None:
    original(*arguments)
    original(*arguments)


def closed_twice(original: Callable[..., Any], self: client.Client, *arguments: Any) -> None:
    closed = Closed(link=self._supervisor.dials, cause=Cause.LOST, reason="again")
    self._events.put(closed)
    original(self, *arguments)


def all_but_the_last(original: Callable[..., Any], *arguments: Any) -> Any:
    return original(*arguments)[:-1]


def unlimited(original: Callable[..., Any], self: Framing, **named: Any) -> None:
    original(self, **{**named, "max_message_size": 1 << 30})


def early_end(original: Callable[..., Any], self: SlowLane, piece: bytes, *, final: bool) -> None:
    """As if no character went from one piece into the next."""
    original(self, piece, final=final or not piece.isascii())


def without_a_limit(original: Callable[..., Any], self: Deflate, *arguments: Any) -> Any:
    result = original(self, *arguments)
    self._left = 1 << 30
    return result


def without_context(original: Callable[..., Any], self: Deflate, *arguments: Any) -> Any:
    ended = original(self, *arguments)
    self._inflater = Deflate(max_size=1)._inflater
    return ended


def on_any_link(patch: pytest.MonkeyPatch) -> None:
    def send(self: Delivery, _waiter: Any, message: bytes, ticket: str) -> None:
        self.outgoing.append((message, ticket))

    patch.setattr(Delivery, "abandon", lambda *_: None)
    patch.setattr(Delivery, "_send", send)


def at_once(original: Callable[..., Any], self: exchange.Exchange, data: bytes) -> Any:
    return original(self, data) or self._broken()


def endless_queue(
    original: Callable[..., Any], self: Admission, *arguments: Any, **named: Any
) -> None:
    original(self, *arguments, **named)
    self._max_queued = 1000


def taken_as_it_is(_original: Callable[..., Any], self: RestCall, answered: Any, **_: Any) -> None:
    self.outcome = Answer(url=self._url, body=answered.excerpt)


def ends_anew(_original: Callable[..., Any], self: RestCall, *_: Any) -> None:
    self.outcome = Failure(reason="the stream ended")


def without_the_rest(original: Callable[..., bytes], self: Outbound, *arguments: Any) -> bytes:
    taken = original(self, *arguments)
    self.begun = b""
    return taken


def without_a_fault(original: Callable[..., Any], *arguments: Any) -> tuple[bytes, str]:
    return original(*arguments)[0], ""


def keeps_its_place(original: Callable[..., bool], self: Shortcut, *arguments: Any) -> bool:
    answered = original(self, *arguments)
    self._dispatch.admission.running += answered
    self._dispatch.admission.reads += answered
    return answered


def overtaken(
    original: Callable[..., int], self: Shortcut, connection: Connection, data: bytes, now: float
) -> int:
    """The last text first."""
    if not self._enabled:
        return original(self, connection, data, now)
    texts, end = connection.receive_texts(data, now)
    for text in reversed(texts):
        self._intake.receive(self._delivery.link, text, now)
    return end


def though_draining(original: Callable[..., Any], self: Shortcut, *arguments: Any) -> Any:
    draining, self._dispatch.draining = self._dispatch.draining, False
    try:
        return original(self, *arguments)
    finally:
        self._dispatch.draining = draining


def though_answered(
    original: Callable[..., bool],
    self: Shortcut,
    connection: Connection,
    call: Call,
    *arguments: Any,
) -> bool:
    if call.answered and self._enabled:
        call.answered = False
        call.waiters.append(Waiter(self._delivery.link, b"1", call.since, None))
    return original(self, connection, call, *arguments)


def amidst_a_message(original: Callable[..., Any], self: Connection, *arguments: Any) -> Any:
    if self._framing is not None:
        self._framing.between = True
    return original(self, *arguments)


DEFECTS: list[tuple[str, str, Plant]] = [
    ("handshake", "nothing is checked", replaced(Handshake, "_fault", lambda *_: "")),
    ("handshake", "the key is shown", replaced(exchange, "redact", lambda text, _: text)),
    (
        "handshake",
        "a wait that is none",
        replaced(exchange.Head, "retry_after", property(lambda _: -5.0)),
    ),
    (
        "handshake",
        "an answer is judged by its first piece",
        around(exchange.Exchange, "receive_data", at_once),
    ),
    ("frames", "UTF-8 is not checked", replaced(SlowLane, "_check_utf8", lambda *_, **__: None)),
    ("frames", "a character is not to be cut", around(SlowLane, "_check_utf8", early_end)),
    ("frames", "messages have no limit", around(Framing, "__init__", unlimited)),
    ("frames", "the last fragment is lost", around(Framing, "fragments", all_but_the_last)),
    (
        "frames",
        "any close code will do",
        replaced(slow_lane, "is_sendable_close_code", lambda _: True),
    ),
    (
        "frames",
        "the fast lane takes what is not UTF-8",
        replaced(fast_lane, "_is_utf8", lambda _: True),
    ),
    ("deflate", "a bomb goes off", around(Deflate, "frame_inbound_header", without_a_limit)),
    ("deflate", "the context is lost", around(Deflate, "frame_inbound_complete", without_context)),
    ("deflate", "UTF-8 is not checked", replaced(SlowLane, "_check_utf8", lambda *_, **__: None)),
    ("jsonrpc", "depth has no limit", replaced(jsonrpc, "nests_deeper_than", lambda *_: False)),
    ("jsonrpc", "anything is an id", replaced(jsonrpc, "_NO_ID", b"")),
    ("jsonrpc", "part of a batch is lost", around(jsonrpc, "_decode_batch", all_but_the_last)),
    (
        "jsonrpc",
        "what nests deep in a text counts",
        replaced(jsonrpc, "nests_deeper_than", lambda data, limit: data.count(b"[") > limit),
    ),
    (
        "contract",
        "unknown members are lost",
        replaced(
            shape,
            "_lift",
            lambda value: {name: each for name, each in value.items() if name != shape.MARKER},
        ),
    ),
    ("contract", "an unknown name is shown", replaced(strict, "_UNKNOWN", re.compile("(?!)"))),
    (
        "contract",
        "all may be sent",
        replaced(strict, "_decoder", lambda _, **__: msgspec.json.decode),
    ),
    (
        "contract",
        "what Dojo adds makes another request",
        replaced(Method, "members", property(lambda _: ())),
    ),
    ("registration", "half an answer is one", around(RestCall, "_judge_success", taken_as_it_is)),
    ("registration", "the key is shown", replaced(exchange, "redact", lambda text, _: text)),
    ("registration", "an outcome changes", around(RestCall, "receive_eof", ends_anew)),
    (
        "registration",
        "older names are strange",
        replaced(registration, "newer_name", lambda name: name),
    ),
    ("registration", "nothing passes", replaced(rest, "_PASSING", frozenset({401}))),
    ("upgrade", "nothing is checked", replaced(upgrade, "_fault", lambda *_: "")),
    ("upgrade", "the key is shown", replaced(Asked, "__repr__", lambda self: str(self.headers))),
    ("upgrade", "a call is forgotten", replaced(OwnCalls, "abandoned", lambda _: [])),
    (
        "upgrade",
        "what comes early is lost",
        replaced(upgrade.Upgrade, "_early", property(lambda _: b"")),
    ),
    ("service", "a timer stays", replaced(Connection, "handle_timer", lambda *_: None)),
    ("service", "a dial ends twice", around(client.Client, "_dial_over", closed_twice)),
    ("service", "an answer leaves twice", around(Delivery, "_send", twice)),
    ("service", "an answer leaves on any link", on_any_link),
    ("service", "repeats are new", replaced(ledger, "judge", lambda *_: FRESH)),
    ("service", "the queue has no end", around(Admission, "__init__", endless_queue)),
    (
        "service",
        "the rest of a frame is lost",
        around(Outbound, "take", without_the_rest),
    ),
    # The machines have what they need of `results` by its own name.
    ("shortcut", "any result is sent", around(results, "encode_result", without_a_fault)),
    (
        "shortcut",
        "what is to be awaited is sent",
        replaced(shortcut, "is_awaited", lambda _: False),
    ),
    ("shortcut", "a read keeps its place", around(Shortcut, "answer", keeps_its_place)),
    ("shortcut", "a text overtakes another", around(Shortcut, "receive", overtaken)),
    ("shortcut", "a read starts while draining", around(Shortcut, "receive", though_draining)),
    ("shortcut", "an answer does not end the drain", around(Shortcut, "answer", though_draining)),
    (
        "shortcut",
        "a read that nobody waits for is answered",
        around(Shortcut, "answer", though_answered),
    ),
    (
        "shortcut",
        "a message is taken amidst another",
        around(Connection, "receive_texts", amidst_a_message),
    ),
    (
        "shortcut",
        "what is left begins elsewhere",
        replaced(shortcut, "start_of", lambda _, end: end),
    ),
]


@pytest.fixture(autouse=True)
def _fresh_twins() -> Iterator[None]:
    """What is remembered of a defect goes with it."""
    yield
    strict._decoder.cache_clear()


@pytest.mark.parametrize(
    ("name", "defect", "plant"), DEFECTS, ids=[f"{t}: {d}" for t, d, _ in DEFECTS]
)
def test_a_defect_is_found(
    name: str, defect: str, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    found = [path.name for path in kept(name) if _fails(name, path.read_bytes())]
    assert found, f"{name} does not find: {defect}"


def _fails(name: str, data: bytes) -> bool:
    try:
        TARGETS[name](data)
    except AssertionError:  # another exception may be a fault in the defect itself
        return True
    return False


def test_every_target_has_defects() -> None:
    assert {name for name, _, _ in DEFECTS} == TARGETS.keys()
