"""JSON-RPC 2.0 on hostile input: nothing raises, nothing costs much, nothing hides its depth."""

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dojo_proto.jsonrpc import (
    Batch,
    Invalid,
    Request,
    Response,
    encode_batch,
    nests_deeper_than,
    parse,
)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600


def depth_by_hand(data: bytes) -> int:
    """How deep it nests: a reader that goes byte by byte.

    A backslash hides the quote or backslash after it; other escapes hide nothing that counts.
    """
    deepest = depth = 0
    in_string = escaped = False
    for byte in data:
        if escaped and byte in b'"\\':
            escaped = False
            continue
        escaped = False
        if byte == ord("\\"):
            escaped = True
        elif byte == ord('"'):
            in_string = not in_string
        elif not in_string and byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif not in_string and byte in b"]}":
            depth -= 1
    return deepest


NESTING_PIECES = [b"[", b"]", b"{", b"}", b'"', b"\\", b'\\"', b'""', b"a", b",", b"\xff", b"[[{{"]
NESTED_JSON = st.recursive(
    st.none() | st.text(alphabet='[]{}"\\a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='[{"\\'), inner),
)


class TestNesting:
    @given(st.lists(st.sampled_from(NESTING_PIECES)).map(b"".join), st.integers(0, 12))
    def test_any_bytes_nest_as_deep_as_counted_by_hand(self, data: bytes, limit: int) -> None:
        assert nests_deeper_than(data, limit) == (depth_by_hand(data) > limit)

    @given(NESTED_JSON, st.integers(0, 6))
    def test_brackets_in_strings_do_not_nest(self, value: object, limit: int) -> None:
        data = json.dumps(value).encode()
        assert nests_deeper_than(data, limit) == (depth_by_hand(data) > limit)

    @given(NESTED_JSON, st.lists(st.sampled_from(NESTING_PIECES)).map(b"".join), st.integers(0, 6))
    def test_nothing_behind_a_deep_beginning_hides_it(
        self, value: object, rest: bytes, limit: int
    ) -> None:
        data = json.dumps(value).encode()
        if depth_by_hand(data) > limit:
            assert nests_deeper_than(data + rest, limit)

    @pytest.mark.parametrize(
        "hostile",
        [
            lambda size: b"[" * size,
            lambda size: b"[]" * (size // 2),
            lambda size: b"[" * 65 + b'"' + b'\\"' * (size // 2),
            lambda size: b"[" * 65 + b'"' + b"\\" * size,
            lambda size: b"[" * 65 + b'"' * size,
            lambda size: b"[" * 65 + b'"["' * (size // 3),
            lambda size: b"[" + b'"\\",' * (size // 4),
            lambda size: b"[" + b"1," * (size // 2) + b"1]",
            lambda size: b"[" + b"[]," * (size // 3) + b"1]",
        ],
        ids=[
            "opened",
            "pairs",
            "an unterminated string of escaped quotes",
            "an unterminated string of backslashes",
            "quotes",
            "strings of brackets",
            "strings that swallow one another",
            "a batch of numbers",
            "a batch of batches",
        ],
    )
    def test_hostile_input_costs_little(self, hostile: Callable[[int], bytes]) -> None:
        data = hostile(1 << 20)
        start = time.process_time()
        parse(data, binary=True, max_depth=64)
        # A quadratic reader would take minutes; this one takes less than a tenth of a second.
        assert time.process_time() - start < 0.8


MEMBERS = st.sampled_from([b"jsonrpc", b"id", b"method", b"params", b"result", b"error", b"x"])
VALUES = st.sampled_from(
    [
        *(b'"2.0"', b'"M"', b"1", b"null", b"true", b"[]", b"{}", b"-", b"1e9999", b"9" * 5000),
        *(b'"\\ud800"', b'"\\udc00\\ud800"', b'"\0"', b'"\xff"', b'"', b"[[[[", b'{"a":', b""),
    ]
)
ENVELOPES = st.lists(st.tuples(MEMBERS, VALUES)).map(
    lambda members: b"{%b}" % b",".join(b'"%b":%b' % member for member in members)
)
PIECES = st.lists(
    st.sampled_from([b"{", b"}", b"[", b"]", b",", b":", b" ", b"\\", *NESTING_PIECES])
    | MEMBERS
    | VALUES
).map(b"".join)


@given(st.binary() | ENVELOPES | PIECES | st.lists(ENVELOPES).map(encode_batch), st.booleans())
def test_no_bytes_raise_and_each_outcome_is_whole(data: bytes, binary: bool) -> None:
    incoming = parse(data, binary=binary, max_depth=3)
    for message in incoming.messages if isinstance(incoming, Batch) else (incoming,):
        match message:
            case Response(result=result, error=error):
                assert (result is None) != (error is None)
            case Invalid(id=identity, code=code, reason=reason):
                assert identity[:1] not in {b"", b"{", b"[", b"t", b"f"}
                assert code in {PARSE_ERROR, INVALID_REQUEST}
                assert reason
            case Request(id=identity):
                assert identity is None or identity[:1] not in {b"", b"{", b"[", b"t", b"f"}
            case Batch():
                pytest.fail("a batch inside a batch")


@given(st.integers(0, 400), st.binary(min_size=1, max_size=1))
def test_a_message_that_was_damaged_on_its_way_does_not_raise(at: int, byte: bytes) -> None:
    data = b'[{"jsonrpc":"2.0","id":"a","method":"M","params":{"a":["\\u00e9",1.5,null]}}]'
    at %= len(data)
    for damaged in (data[:at], data[:at] + byte + data[at:], data[:at] + byte + data[at + 1 :]):
        assert isinstance(
            parse(damaged, binary=True, max_depth=64), Batch | Request | Response | Invalid
        )
