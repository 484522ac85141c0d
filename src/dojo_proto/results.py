"""What a handler or lookup returned: as JSON, and what is wrong with it."""

from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec

from dojo_proto.contract import Method, encode, strict
from dojo_proto.params import located

_REMEMBERED = 256
"""Results that were judged, the newest: they are kept in memory for that."""
_LONGEST = 4096
"""Bytes of a result that is kept."""


def encode_result(method: Method, value: Any) -> tuple[bytes, str]:
    """The JSON of a result, and what is wrong with it: a path and an expected type, never a value.

    The JSON is empty if there is none for such a value, and `{}` for None.
    """
    if value is None:
        # The vendor: these methods answer `{}`, never null.
        missing = "Expected a result, got `None` - at `$` (is a return missing?)"
        return b"{}", "" if method.empty_result else missing
    try:
        result = encode(value)
        judge = _judge_once if len(result) <= _LONGEST else _judge
        fault, has_null = judge(method.result, result)
        if fault:
            msgspec.json.decode(result)  # of a msgspec.Raw nobody has looked at the syntax yet
    except Exception as error:  # noqa: BLE001 - whatever a user's object raises, it was booked
        return b"", f"Expected what JSON can carry, got `{_uncarried(value, error)}` - at `$`"
    # NaN and the infinities are written as null: where the type takes that, only they can tell.
    if has_null and not fault and _has_no_number(value):
        fault = "Expected numbers that JSON can carry, got NaN or infinity"
    return result, located(fault) if fault else ""


def _judge(kind: Any, result: bytes) -> tuple[str, bool]:
    """What is wrong with a result's JSON, and whether there may be a null in it."""
    return strict.fault(kind, result), b"null" in result


# A till is asked for the same orders again and again, and the same bytes have the same faults.
_judge_once = lru_cache(_REMEMBERED)(_judge)


def _uncarried(value: Any, error: Exception) -> str:
    """The type of the first thing in `value` that no JSON can carry; else that of the `error`."""
    kinds = [type(error).__name__]

    def note(thing: object) -> None:
        kinds.append(type(thing).__name__)
        raise TypeError

    try:
        msgspec.json.encode(value, enc_hook=note)
    except Exception:  # noqa: BLE001 - as above
        return kinds[-1]
    return kinds[0]


def _has_no_number(value: Any) -> bool:
    """Whether a float in `value` is none that JSON can carry."""
    try:
        left = [msgspec.to_builtins(value)]
    except Exception:  # noqa: BLE001 - of what only the encoder of JSON knows, a Raw, nothing is null
        return False
    while left:
        item = left.pop()
        if isinstance(item, float) and not isfinite(item):
            return True
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
    return False
