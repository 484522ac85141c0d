"""Scripts to begin from: what happens in the life of a client."""

from collections.abc import Callable, Sequence

from tests.fuzz.reader import chunk
from tests.fuzz.targets import service, shortcut

Seeds = dict[str, bytes]
"""Inputs by their names."""

_UP = ("dial", 0, "upgrade")
_PAYMENT, _PAYMENT_AGAIN, _LOCK, _BATCH, _NOTIFICATION = 3, 5, 6, 7, 8


def _script(
    *steps: str | int | bytes, options: int = 0, of: Sequence[Callable[..., None]] = service.STEPS
) -> bytes:
    names = [step.__name__ for step in of]
    made = [bytes([options])]
    for step in steps:
        if isinstance(step, bytes):
            made.append(step)
        else:
            made.append(bytes([names.index(step) if isinstance(step, str) else step]))
    return b"".join(made)


def of_service() -> Seeds:
    """Lives of a service."""
    pay = ("request", _PAYMENT)
    slow = [step for number in range(3, 8) for step in ("request", number % 5, "take")]
    hello = b'{"jsonrpc":"2.0","id":"x","method":"SearchOrdersV1"}'
    return {
        "reads": _script(*_UP, "request", 0, "request", 1, "request", 2, "settle", 0),
        "payment": _script(*_UP, *pay, "settle", 0, "due", "write", 0, "pong", *pay, "settle", 0),
        "payment-differs": _script(*_UP, *pay, "settle", 0, "request", _PAYMENT_AGAIN, "settle", 0),
        "no-lookup": _script(*_UP, *pay, "settle", 0, *pay, "settle", 0, options=0x31),
        "batch": _script(*_UP, "request", _BATCH, "request", _NOTIFICATION, "settle", 0),
        "echo": _script(*_UP, "request", _LOCK, "request", 0, "settle", 0, options=2),
        "own-message": _script(*_UP, "message", chunk(hello), "settle", 0),
        "parts": _script(
            *_UP, "raw", chunk(b"\x01\x01{\x80\x01}\x89\x01?"), "write", 3, "write", 9
        ),
        "handler-raises": _script(
            *_UP, *pay, "take", "finish", 0, "take", "finish", 3, "settle", 0, *pay, "settle", 0
        ),
        "journal-fails": _script(
            *_UP,
            *pay,
            "take",
            "finish",
            2,
            "settle",
            0,
            *pay,
            "take",
            "finish",
            0,
            "take",
            "finish",
            0,
            "take",
            "finish",
            1,
            "settle",
            0,
        ),
        "answer-too-late": _script(
            *_UP, *pay, "take", "finish", 0, "take", "eof", "due", *_UP, "finish", 0, "settle", 0
        ),
        "read-too-late": _script(
            *_UP, "request", 0, "take", "close", 0, "eof", "due", *_UP, "finish", 0, "settle", 0
        ),
        "full": _script(*_UP, *slow, *slow, *slow, "due", "due", "settle", 0),
        "unread": _script(*_UP, *(("request", 0) * 3 + ("settle", 1)) * 6),
        "slow-peer": _script(*_UP, *(("request", 0, "settle", 5, "write", 100) * 6)),
        "silence": _script(*_UP, "due", "write", 0, "due", "due", *_UP),
        "no-upgrade": _script("dial", 0, "raw", chunk(b"HTTP/1.1 503 No\r\n\r\n"), "eof", "due"),
        "no-dial": _script("dial_fails", "due", "dial_fails", "due", "due", "dial", 0, "due"),
        "lost": _script(*_UP, *pay, "fail", 1, "due", *_UP, *pay, "settle", 0),
        "drain": _script(
            *_UP, *pay, "take", "stop", 9, "finish", 0, "settle", 0, "due", "write", 0
        ),
        "drain-too-long": _script(*_UP, *pay, "take", "stop", 9, "due", "write", 0, "due", "due"),
        "abort": _script(
            *_UP, *pay, "take", "finish", 0, "take", "abort", "finish", 0, "settle", 0
        ),
        "crash-before": _script(*_UP, *pay, "take", "finish", 0, "crash", *_UP, *pay, "settle", 0),
        "crash-behind": _script(
            *_UP,
            *pay,
            "take",
            "finish",
            0,
            "take",
            "finish",
            0,
            "crash",
            "settle",
            0,
            *_UP,
            *pay,
            "settle",
            0,
            "due",
            "write",
            0,
            "due",
        ),
        "crash-committed": _script(
            *_UP, *pay, "settle", 0, "crash", "due", "due", *_UP, "clock", 9, *pay, "settle", 0
        ),
        "refused": _script("dial", 0, "raw", chunk(b"HTTP/1.1 401 No\r\n\r\n"), "eof", "due"),
        "protocol-error": _script(*_UP, "raw", chunk(b"\x81\x01\xff"), "write", 0, "due", "due"),
    }


_READ, _THREADED, _PAY = "an ordinary read", "one in a thread", "a payment"
_ONE_AT_A_TIME, _TWO_AT_A_TIME, _ONE_MAY_WAIT, _NONE_MAY_WAIT = 4, 8, 32, 16
_ECHO, _LITTLE_ROOM, _COMPRESSED = 1, 2, 64


def _asked(*messages: str) -> tuple[str | int, ...]:
    """They come in one read."""
    sent = [step for each in messages for step in ("message", shortcut.ASKED.index(each))]
    return (*sent, "arrive", 0)


def _ended(outcome: str, index: int = 0) -> tuple[str | int, ...]:
    return "finish", index * len(shortcut.ENDS) + shortcut.ENDS.index(outcome)


def of_shortcut() -> Seeds:
    """What may befall ordinary reads."""

    def script(*steps: str | int | bytes, options: int = 0) -> bytes:
        return _script(*steps, options=options, of=shortcut.STEPS)

    read, good = _asked(_READ), _ended("a result")
    half, packed = ("message", 0, "arrive", 30), ("packed", 0, "arrive", 0)
    return {
        "reads": script(*read, *good, "write", 0, *_asked(_READ, "another one"), *good, *good),
        "any-order": script(*_asked(*[_READ] * 3), *_ended("a result", 2), *good, *good),
        "echo": script(*read, *good, options=_ECHO),
        "cut": script(*half, "message", 0, "arrive", 9, "arrive", 0, *good, *good),
        "among-others": script(*_asked(*shortcut.ASKED), *good * 9),
        "behind-a-payment": script(*_asked(_READ, _PAY, _READ), *good * 3),
        "deep": script(*_asked("one that nests deeply", _READ), *good * 2),
        "binary": script("message", len(shortcut.ASKED), *read, *good * 2),
        "parts": script("parts", 0, 9, *read, "ping", "arrive", 0, *good * 2),
        "packed": script(*read, *packed, *read, *packed, *good * 4, options=_COMPRESSED),
        "packed-unasked": script(*packed, *read, *good),
        "interrupted": script("raw", chunk(b"\x01\x01{"), "arrive", 0, *read, *good),
        "not-utf8": script("text", chunk(b'{"id":"\xff"}'), *read, *good),
        "too-long": script("text", chunk(b"[%b]" % (b" " * 1100)), *read, *good),
        "outcomes": script(
            *read * len(shortcut.ENDS),
            *(each for name in shortcut.ENDS for each in _ended(name)),
            "write",
            0,
        ),
        "misfit": script(*read, *_ended("a misfit"), "write", 0),
        "awaitable": script(*read, *_ended("something to await"), "write", 0),
        "one-place": script(*_asked(*[_READ] * 3), *good, *read, *good * 3, options=_ONE_AT_A_TIME),
        "one-waits": script(
            *_asked(*[_READ] * 4), *good, *read, *good * 3, options=_ONE_AT_A_TIME | _ONE_MAY_WAIT
        ),
        "none-waits": script(
            *_asked(_READ, _READ, _PAY), *good, *read, options=_TWO_AT_A_TIME | _NONE_MAY_WAIT
        ),
        "payment-waits": script(*_asked(_READ, _PAY), *good * 2, options=_ONE_AT_A_TIME),
        "threads": script(
            *_asked(*[_THREADED] * 3, _READ), *good * 4, options=_TWO_AT_A_TIME | _ONE_MAY_WAIT
        ),
        "waits-too-long": script(
            *_asked(_READ, _READ), "due", "write", 0, "due", *good * 2, options=_ONE_AT_A_TIME
        ),
        "too-late": script(*read, "wait", 44, *good, "write", 0, *read, *good),
        "silence": script(*read, "due", "write", 0, "wait", 20, *read, "due", "due", "due"),
        "slow-peer": script(*(*read, *good, "write", 100) * 4, "write", 9, "write", 0),
        "unread": script(
            *(*read, *_ended("a long result")) * 3, "due", "dial", *read, options=_LITTLE_ROOM
        ),
        "closed": script(*_asked(_READ, _READ), "close", 0, *read, *good, "write", 0, *good),
        "another-link": script(*read, "eof", "due", "dial", *read, *good * 2, "write", 0),
        "lost": script(*half, "fail", *good, "due", "dial", *read, *good),
        "drain": script(*_asked(_READ, _READ), "stop", 9, *read, *good * 2, "write", 0, "due"),
        "drain-too-long": script(*read, "stop", 9, "due", *good, "write", 0),
        "abort": script(*_asked(_READ, _PAY), "abort", *good * 2),
    }
