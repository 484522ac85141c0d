"""JSON-RPC envelopes.

Input: a byte that chooses how deep a message may nest, and the message. What is understood of it is
held against Python's own parser.
"""

import json
from typing import Any

from tests.fuzz.reader import Reader

from dojo_proto.errors import INVALID_REQUEST, PARSE_ERROR
from dojo_proto.jsonrpc import (
    MAX_BATCH,
    NULL_ID,
    Batch,
    ErrorObject,
    Incoming,
    Invalid,
    Request,
    Response,
    Stray,
    encode_batch,
    encode_error,
    encode_result,
    nests_deeper_than,
    parse,
)

DEPTHS = (4, 64, 512)


class _Pairs(list[Any]):
    """The members of an object, doubled ones included."""


def target(data: bytes) -> None:
    """A message is understood as JSON says, and every answer echoes its id."""
    script = Reader(data)
    max_depth, message = DEPTHS[script.below(len(DEPTHS))], script.rest()
    incoming = parse(message, binary=True, max_depth=max_depth)
    try:
        text = message.decode()
    except UnicodeDecodeError:
        assert isinstance(incoming, Invalid), "what is not UTF-8 was taken"
        assert (incoming.id, incoming.code) == (NULL_ID, PARSE_ERROR)
        return
    assert parse(message, binary=False, max_depth=max_depth) == incoming
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs, parse_constant=_refuse)
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        # No JSON at all, or with more digits or levels than Python takes: an answer has to be JSON.
        _check_answers(incoming)
        return
    deeper = _depth(pairs) > max_depth
    assert nests_deeper_than(message, max_depth) == deeper, "the depth was counted wrong"
    if deeper:
        assert isinstance(incoming, Invalid), "what nests too deep was taken"
        return
    _check_answers(incoming)
    if isinstance(incoming, Batch):
        assert 0 < len(incoming.messages) == len(value) <= MAX_BATCH
        for item, member in zip(incoming.messages, value, strict=True):
            _check_meaning(item, member)
    elif not isinstance(value, list):
        _check_meaning(incoming, value)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _depth(value: Any) -> int:
    """How deep arrays and objects nest."""
    deepest, left = 0, [(value, 1)]
    while left:
        each, depth = left.pop()
        if isinstance(each, _Pairs):
            left += [(member, depth + 1) for _, member in each]
        elif isinstance(each, list):
            left += [(member, depth + 1) for member in each]
        else:
            continue
        deepest = max(deepest, depth)
    return deepest


def _check_meaning(item: Incoming, value: Any) -> None:
    match item:
        case Request(id=identity, method=method, params=params):
            assert value["jsonrpc"] == "2.0"
            assert value["method"] == method, "another method was read"
            assert (identity is None) == ("id" not in value)
            assert identity is None or json.loads(identity) == value["id"], "another id was read"
            # Section 4: a String, Number, or Null.
            assert not isinstance(value.get("id"), bool | list | dict), "that is no id"
            assert (params is None) == ("params" not in value)
            assert params is None or json.loads(bytes(params)) == value["params"]
        case Response(result=result, error=error):
            assert (result is None) != (error is None), "not exactly one of result and error"
            assert result is None or json.loads(bytes(result)) == value["result"]
            assert error is None or json.loads(bytes(error)) == value["error"]
        case Stray():
            assert "method" not in value
        case Invalid(id=identity, code=code):
            assert code in {INVALID_REQUEST, PARSE_ERROR}
            if identity != NULL_ID:
                assert json.loads(identity) == value["id"], "another id is complained about"


def _check_answers(incoming: Incoming) -> None:
    """Whatever is answered is JSON and echoes the id; an answer is none to answer."""
    items = incoming.messages if isinstance(incoming, Batch) else (incoming,)
    answers = []
    for item in items:
        if isinstance(item, Request) and item.id is not None:
            answers.append(encode_result(item.id, b"{}", item.method))
            read = parse(answers[-1], binary=True, max_depth=4)
            assert isinstance(read, Response), f"{answers[-1]!r} is no answer"
            assert read.id == item.id, "another id is echoed"
        elif isinstance(item, Invalid):
            error = ErrorObject(code=item.code, message=item.reason, error_type="InvalidRequest")
            answers.append(encode_error(item.id, error))
            assert item.reason.isprintable()
    for answer in (*answers, encode_batch(answers)):
        json.loads(answer.decode(), parse_int=str)
