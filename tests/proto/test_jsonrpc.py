"""JSON-RPC 2.0 envelopes: what a message is read as, and what is written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

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
    encode_request,
    encode_result,
    nests_deeper_than,
    parse,
)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600


def read(data: bytes, *, binary: bool = False, max_depth: int = 64) -> Incoming:
    return parse(data, binary=binary, max_depth=max_depth)


def request_with_id(identity: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"method":"GetOrderByIdV1","params":{}}' % identity


def content(raw: Raw | None) -> bytes | None:
    return None if raw is None else bytes(raw)


class TestRequests:
    def test_a_request_keeps_id_and_params_as_they_came(self) -> None:
        data = b'{"jsonrpc":"2.0","id":"a-1","method":"GetOrderByIdV1","params":{"orderId": "o"}}'
        match read(data):
            case Request(id=identity, method=method, params=params):
                assert identity == b'"a-1"'
                assert method == "GetOrderByIdV1"
                assert content(params) == b'{"orderId": "o"}'
            case other:
                pytest.fail(f"read as {other}")

    def test_params_may_be_missing(self) -> None:
        data = b'{"jsonrpc":"2.0","id":"1","method":"ListAreasV1"}'
        assert read(data) == Request(b'"1"', "ListAreasV1", None)

    @pytest.mark.parametrize("params", [b"null", b"5", b"[1,2]"])
    def test_params_of_any_kind_are_handed_on_to_be_judged_by_their_method(
        self, params: bytes
    ) -> None:
        incoming = read(b'{"jsonrpc":"2.0","id":1,"method":"M","params":%b}' % params)
        assert isinstance(incoming, Request)
        assert content(incoming.params) == params

    def test_without_an_id_it_is_a_notification(self) -> None:
        assert read(b'{"jsonrpc":"2.0","method":"M"}') == Request(None, "M", None)

    def test_an_id_of_null_is_an_id(self) -> None:
        assert read(b'{"jsonrpc":"2.0","method":"M","id":null}') == Request(NULL_ID, "M", None)

    @pytest.mark.parametrize(
        "identity",
        [
            b'"1"',
            b"1",
            b"1.0",
            b"-0",
            b"1e999",
            b"9" * 5000,
            b'""',
            b'"\\u0041"',
            b'"\\ud83d\\ude00"',
            '"\N{GRINNING FACE}"'.encode(),
            b"null",
        ],
    )
    def test_ids_keep_every_byte(self, identity: bytes) -> None:
        incoming = read(request_with_id(identity))
        assert isinstance(incoming, Request)
        assert incoming.id == identity

    @given(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))
    def test_any_id_goes_there_and_back_unchanged(self, value: str | float) -> None:
        try:
            identity = json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # a lone surrogate has no UTF-8
            return
        incoming = read(request_with_id(identity))
        assert isinstance(incoming, Request)
        assert incoming.id == identity
        assert encode_result(identity, b"{}") == b'{"jsonrpc":"2.0","id":%b,"result":{}}' % identity

    def test_white_space_around_an_id_is_not_part_of_it(self) -> None:
        incoming = read(b' {"jsonrpc" : "2.0" , "id" :\t7\r\n, "method" : "M" } ')
        assert incoming == Request(b"7", "M", None)

    def test_unknown_members_are_ignored(self) -> None:
        data = b'{"jsonrpc":"2.0","id":1,"method":"M","trace":{"a":[1]}}'
        assert read(data) == Request(b"1", "M", None)

    def test_of_duplicate_members_the_last_counts(self) -> None:
        data = b'{"jsonrpc":"2.0","id":1,"id":2,"method":"A","method":"B"}'
        assert read(data) == Request(b"2", "B", None)

    def test_the_version_may_be_written_with_escapes(self) -> None:
        data = b'{"jsonrpc":"\\u0032.0","id":1,"method":"M"}'
        assert read(data) == Request(b"1", "M", None)

    def test_a_request_may_spell_out_that_it_has_no_result_and_no_error(self) -> None:
        data = b'{"jsonrpc":"2.0","id":1,"method":"M","result":null,"error":null}'
        assert read(data) == Request(b"1", "M", None)

    def test_a_binary_message_is_read_as_utf8_text(self) -> None:
        data = '{"jsonrpc":"2.0","id":"ü","method":"M"}'.encode()
        assert read(data, binary=True) == Request('"ü"'.encode(), "M", None)


class TestResponses:
    @pytest.mark.parametrize(
        ("data", "result", "error"),
        [
            (b'{"jsonrpc":"2.0","id":"1","result":{"a":1}}', b'{"a":1}', None),
            (b'{"jsonrpc":"2.0","id":"1","result":null}', b"null", None),
            (b'{"jsonrpc":"2.0","id":"1","result":1,"error":null}', b"1", None),
            (b'{"jsonrpc":"2.0","id":"1","error":{"code":1}}', None, b'{"code":1}'),
            (b'{"jsonrpc":"2.0","id":"1","result":null,"error":{}}', None, b"{}"),
            (b'{"jsonrpc":"2.0","id":"1","method":"M","result":{}}', b"{}", None),
            (b'{"jsonrpc":"2.0","id":"1","method":"M","error":{}}', None, b"{}"),
            (b'{"jsonrpc":"2.0","id":"1","method":"M","params":{},"result":{}}', b"{}", None),
        ],
        ids=[
            "a result",
            "a result of null",
            "a result beside an error of null",
            "an error",
            "an error beside a result of null",
            "a result that names its method, as the vendor's schema asks",
            "an error that names its method",
            "a result beside all that was asked",
        ],
    )
    def test_an_answer_has_a_result_or_an_error(
        self, data: bytes, result: bytes | None, error: bytes | None
    ) -> None:
        incoming = read(data)
        assert isinstance(incoming, Response)
        assert incoming.id == b'"1"'
        assert (content(incoming.result), content(incoming.error)) == (result, error)

    @pytest.mark.parametrize("member", [b"result", b"error"])
    def test_an_answer_without_an_id_answers_nothing(self, member: bytes) -> None:
        incoming = read(b'{"jsonrpc":"2.0","%b":{}}' % member)
        assert isinstance(incoming, Response)
        assert incoming.id == NULL_ID


@pytest.mark.parametrize(
    "data",
    [
        b'{"jsonrpc":"2.0","id":7,"error":null}',
        b'{"id":7,"result":{}}',
        b'{"jsonrpc":"1.0","id":7,"error":{"code":1}}',
        b'{"jsonrpc":"2.0","id":{},"result":1}',
        b'{"jsonrpc":"2.0","id":[],"error":null}',
    ],
)
def test_what_can_only_be_an_answer_is_not_complained_about(data: bytes) -> None:
    assert parse(data, binary=False, max_depth=64) == Stray()
    assert parse(b"[" + data + b"]", binary=False, max_depth=64) == Batch((Stray(),))


class TestInvalidRequests:
    @pytest.mark.parametrize(
        ("data", "identity", "reason"),
        [
            (b'{"id":7,"method":"M"}', b"7", '`jsonrpc` is not "2.0"'),
            (b'{"jsonrpc":"1.0","id":7,"method":"M"}', b"7", '`jsonrpc` is not "2.0"'),
            (b'{"jsonrpc":2.0,"id":"x","method":"M"}', b'"x"', '`jsonrpc` is not "2.0"'),
            (b'{"id":7}', b"7", '`jsonrpc` is not "2.0"'),
            (b'{"id":7,"method":"M","result":{}}', b"7", '`jsonrpc` is not "2.0"'),
            (b'{"jsonrpc":"1.0","method":"M","error":1}', NULL_ID, '`jsonrpc` is not "2.0"'),
            (b'{"jsonrpc":"2.0"}', NULL_ID, "`method` is missing"),
            (b'{"jsonrpc":"2.0","id":7}', b"7", "`method` is missing"),
            (b'{"jsonrpc":"2.0","id":7,"method":5}', b"7", "`method` is not a string"),
            (b'{"jsonrpc":"2.0","method":null}', NULL_ID, "`method` is not a string"),
            (b'{"id":[7],"method":{}}', NULL_ID, "`method` is not a string"),
            (b"5", NULL_ID, "the message is not an object"),
            (b"null", NULL_ID, "the message is not an object"),
            (b' "text" ', NULL_ID, "the message is not an object"),
            (b"[]", NULL_ID, "the batch is empty"),
            (b"\n[ ]", NULL_ID, "the batch is empty"),
        ],
    )
    def test_what_is_no_envelope_is_answered_with_its_id_if_that_can_be_read(
        self, data: bytes, identity: bytes, reason: str
    ) -> None:
        assert read(data) == Invalid(identity, INVALID_REQUEST, reason)

    @pytest.mark.parametrize("identity", [b"true", b"false", b"[1]", b'{"a":1}'])
    def test_an_id_is_a_string_a_number_or_null(self, identity: bytes) -> None:
        assert read(request_with_id(identity)) == Invalid(
            NULL_ID, INVALID_REQUEST, "`id` is not a string, a number or null"
        )

    def test_a_reason_never_quotes_a_value(self) -> None:
        for data in (
            b'{"jsonrpc":"canary","id":1,"method":"M"}',
            b'{"jsonrpc":"2.0","id":{"canary":1},"method":"M"}',
            b'{"jsonrpc":"2.0","id":1,"method":["canary"]}',
            b'"canary"',
            b'{"canary" canary',
        ):
            incoming = read(data)
            assert isinstance(incoming, Invalid)
            assert "canary" not in incoming.reason


class TestParseErrors:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b" ",
            b"nonsense",
            b"12abc",
            b"01",
            b"NaN",
            b'"never ended',
            b"{",
            b"{]",
            b"[1,",
            b"[]x",
            b"[1,]",
            b"\xef\xbb\xbf{}",
            b'{"jsonrpc":"2.0","id":1,"method":"M"',
            b'{"jsonrpc":"2.0","id":1,"method":"M"}}',
            b'{"jsonrpc":"2.0","id":1,"method":5,',
            b'{"id":1,"method":"M"}x',
            b'{"jsonrpc":"2.0","id":1,"method":"a\0b"}',
            b'{"jsonrpc":"2.0","id":"a\nb","method":"M"}',
            b'{"jsonrpc":"2.0","id":"\\x","method":"M"}',
            b'{"jsonrpc":"2.0","id":"\\ud800","method":"M"}',
            b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}',
            b'[{"jsonrpc":"2.0","id":1,"method":"\\udc00 alone"}]',
            b'{"jsonrpc":"2.0","id":1,"method":"M","params":{"a":tru}}',
            b'{"jsonrpc":"2.0","id":1,"method":"M","params":{"a":"\\q"}}',
            b'[{"jsonrpc":"2.0","id":1,"method":"M"},{"jsonrpc"]',
        ],
    )
    def test_what_is_not_json_is_a_parse_error_without_an_id(self, data: bytes) -> None:
        incoming = read(data)
        assert isinstance(incoming, Invalid)
        assert (incoming.id, incoming.code) == (NULL_ID, PARSE_ERROR)
        assert incoming.reason.startswith("not JSON: ")

    @pytest.mark.parametrize(
        "place", [b"%b", b'{"jsonrpc":"2.0","id":1,"method":"M","params":"%b"}']
    )
    def test_a_binary_message_that_is_not_utf8_is_a_parse_error(self, place: bytes) -> None:
        incoming = read(place % b"\xff", binary=True)
        assert isinstance(incoming, Invalid)
        assert (incoming.id, incoming.code) == (NULL_ID, PARSE_ERROR)
        assert incoming.reason == f"not UTF-8: invalid start byte (byte {place.index(b'%')})"


class TestBatches:
    def test_each_message_is_read_by_itself(self) -> None:
        data = (
            b'[{"jsonrpc":"2.0","id":1,"method":"A"}, {"jsonrpc":"2.0","method":"B"},'
            b'{"id":2,"method":"C"}, 3, [], [{"jsonrpc":"2.0","id":4,"method":"D"}]]'
        )
        not_an_object = Invalid(NULL_ID, INVALID_REQUEST, "the message is not an object")
        assert read(data) == Batch(
            (
                Request(b"1", "A", None),
                Request(None, "B", None),
                Invalid(b"2", INVALID_REQUEST, '`jsonrpc` is not "2.0"'),
                not_an_object,
                not_an_object,
                not_an_object,
            )
        )

    def test_answers_may_come_in_a_batch(self) -> None:
        incoming = read(b'[{"jsonrpc":"2.0","id":"1","result":{}}]')
        assert isinstance(incoming, Batch)
        (message,) = incoming.messages
        assert isinstance(message, Response)

    def test_a_batch_is_bounded(self) -> None:
        most = read(b"[%b]" % b",".join([b"1"] * MAX_BATCH))
        assert isinstance(most, Batch)
        assert len(most.messages) == MAX_BATCH
        assert read(b"[%b]" % b",".join([b"1"] * (MAX_BATCH + 1))) == Invalid(
            NULL_ID, INVALID_REQUEST, "the batch holds 1001 messages; at most 1000 are taken"
        )


class TestNesting:
    def test_side_by_side_is_not_deep(self) -> None:
        assert not nests_deeper_than(b"[%b]" % b",".join([b"{}"] * 1000), 2)

    def test_the_limit_itself_is_allowed(self) -> None:
        def nested(depth: int) -> bytes:
            params = b"[" * (depth - 1) + b"]" * (depth - 1)
            return b'{"jsonrpc":"2.0","id":1,"method":"M","params":%b}' % params

        assert isinstance(read(nested(64)), Request)
        assert read(nested(65)) == Invalid(NULL_ID, PARSE_ERROR, "the message nests deeper than 64")

    def test_more_than_the_interpreter_can_recurse_is_a_parse_error_too(self) -> None:
        deep = 100_000
        data = b'{"jsonrpc":"2.0","id":1,"method":"M","params":%b}' % (b"[" * deep + b"]" * deep)
        incoming = read(data, max_depth=deep + 1)
        assert isinstance(incoming, Invalid)
        assert (incoming.id, incoming.code) == (NULL_ID, PARSE_ERROR)


ERROR = ErrorObject(code=-32009, message="closed", error_type="Conflict")


class TestEncoding:
    def test_a_result_answers_with_the_id_as_it_came(self) -> None:
        assert encode_result(b"1.0", b'{"a":1}') == b'{"jsonrpc":"2.0","id":1.0,"result":{"a":1}}'

    def test_an_error_is_json_rpcs_and_the_vendors_at_once(self) -> None:
        error = ErrorObject(
            code=-32009,
            message="closed",
            error_type="Conflict",
            debug_message="order is closed",
            trace_id="t1",
        )
        assert json.loads(encode_error(b'"1"', error)) == {
            "jsonrpc": "2.0",
            "id": "1",
            "error": {
                "code": -32009,
                "message": "closed",
                "errorType": "Conflict",
                "debugMessage": "order is closed",
                "traceId": "t1",
            },
        }

    def test_an_errors_optional_members_are_left_out(self) -> None:
        assert encode_error(NULL_ID, ERROR) == (
            b'{"jsonrpc":"2.0","id":null,'
            b'"error":{"code":-32009,"message":"closed","errorType":"Conflict"}}'
        )

    def test_the_method_is_named_where_it_is_wanted(self) -> None:
        assert json.loads(encode_result(b"1", b"{}", 'M"V1')) == {
            "jsonrpc": "2.0",
            "id": 1,
            "method": 'M"V1',
            "result": {},
        }
        assert json.loads(encode_error(b"1", ERROR, "MV1")) == {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "MV1",
            "error": {"code": -32009, "message": "closed", "errorType": "Conflict"},
        }

    @pytest.mark.parametrize("method", ["", "MV1"])
    def test_an_answer_is_read_back_as_one(self, method: str) -> None:
        for data in (encode_result(b'"1"', b"{}", method), encode_error(b'"1"', ERROR, method)):
            incoming = read(data)
            assert isinstance(incoming, Response)
            assert incoming.id == b'"1"'

    def test_a_call_is_read_back_as_a_request(self) -> None:
        incoming = read(encode_request("a-1", "M", {"a": [1]}))
        assert isinstance(incoming, Request)
        assert (incoming.id, incoming.method) == (b'"a-1"', "M")
        assert content(incoming.params) == b'{"a":[1]}'

    def test_a_call_without_params_does_not_mention_them(self) -> None:
        assert encode_request("1", "M", None) == b'{"jsonrpc":"2.0","id":"1","method":"M"}'

    def test_answers_to_a_batch_are_an_array(self) -> None:
        answers = [encode_result(b"1", b"{}"), encode_error(b"2", ERROR)]
        assert [answer["id"] for answer in json.loads(encode_batch(answers))] == [1, 2]
