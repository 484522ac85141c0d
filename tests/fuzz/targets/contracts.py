"""The types of the contract.

Input: a byte that chooses the type, and JSON.
"""

from datetime import datetime
from typing import Any, get_args, get_origin

import msgspec
from tests.fuzz.reader import Reader, is_utf8

from dojo_proto import contract
from dojo_proto.contract import METHODS, Kind, Shape, decode, encode
from dojo_proto.contract.shape import bare, is_shape, members
from dojo_proto.contract.strict import fault
from dojo_proto.journal import Identity, identify, natural_parts, natural_text
from dojo_proto.jsonrpc import nests_deeper_than
from dojo_proto.params import explain

TYPES: list[Any] = [each for each in vars(contract).values() if is_shape(each) and each != Shape]
PARAMS = {method.params: method for method in METHODS}
SECRET = "c4nary"
"""What no text about a value may show."""
MAX_DEPTH = 64


def target(data: bytes) -> None:
    """What is read is written again and nothing of it is lost; what is refused is not shown."""
    script = Reader(data)
    kind, message = TYPES[script.below(len(TYPES))], script.rest()
    # Framing and envelope have seen to both.
    if not is_utf8(message) or nests_deeper_than(message, MAX_DEPTH):
        return
    misfit = fault(kind, message)
    assert SECRET not in misfit, f"a value is shown: {misfit}"
    try:
        value = decode(kind, message)
    except msgspec.DecodeError as error:
        _check_refusal(kind, error, misfit)
        return
    assert type(value) is kind
    encoded = encode(value)
    again = decode(kind, encoded)
    assert encode(again) == encoded
    assert SECRET not in fault(kind, encoded)
    assert again == value, "it does not come back equal"
    lost = _lost(kind, msgspec.json.decode(message), msgspec.json.decode(encoded))
    assert not lost, f"lost or changed: {lost}"
    if kind in PARAMS:
        _check_identity(kind, message)


def _check_refusal(kind: Any, error: msgspec.DecodeError, misfit: str) -> None:
    """No value is shown, and what may be sent is not refused."""
    assert SECRET not in explain(error), f"a value is shown: {explain(error)}"
    # A number in a member that is not known is kept, so a double has to be able to be it; and two
    # cursors exclude each other only in params.
    too_large = "Number out of range" in str(error)
    assert misfit or too_large or kind in PARAMS, "what may be sent cannot be read"


def _lost(kind: Any, before: Any, after: Any, path: str = "$") -> str:
    """The path of the first thing that did not come through; empty if all did."""
    kind = bare(kind)
    if get_origin(kind) is list:
        (item,) = get_args(kind)
        if len(before) != len(after):
            return path
        pairs = enumerate(zip(before, after, strict=True))
        paths = (_lost(item, was, is_now, f"{path}[{at}]") for at, (was, is_now) in pairs)
        return next(filter(None, paths), "")
    if not is_shape(kind):
        same = kind is datetime or before == after  # a time may be written in several ways
        return "" if same else path
    known = members(kind)
    for name, was in before.items():
        inside = f"{path}.{name}"
        if name not in known:
            if name not in after or after[name] != was:
                return inside
        elif name not in after:
            if was is not None and was != []:
                return inside
        elif found := _lost(known[name].type, was, after[name], inside):
            return found
    return ""


def _check_identity(kind: Any, message: bytes) -> None:
    """What can be read has an identity or lacks its natural key; a new member changes neither."""
    method = PARAMS[kind]
    if method.kind is Kind.READ:
        return  # what is only read may run as often as it is asked for
    found = identify(method, message, b"1", "scope")
    more = {**msgspec.json.decode(message), "aMemberOfTomorrow": 1}
    assert identify(method, msgspec.json.encode(more), b"1", "scope") == found
    if isinstance(found, Identity):
        text = natural_text(method, message)
        given = msgspec.json.decode(message)
        assert natural_parts(method.name, text) == tuple(given[key] for key in method.natural_key)
    else:
        assert SECRET not in found.reason
