"""How a result and an error are put for the wire."""

import pytest

from dojo_proto.contract import BY_NAME
from dojo_proto.decisions import encode_result, error_object
from dojo_proto.errors import Conflict, DomainError, InvalidRequest, NotFound, UnexpectedError
from dojo_proto.jsonrpc import ErrorObject

READ = "GetOrderById"
EMPTY = "ExtendOrderLock"
MONEY = "RecordOrderPaymentById"

ORDER = {"id": "o"}
ORDER_JSON = b'{"id":"o"}'


class Unencodable:
    """No JSON can carry it."""


class TestErrors:
    @pytest.mark.parametrize(
        ("raised", "code", "error_type"),
        [
            (NotFound("x"), -32004, "NotFound"),
            (Conflict("x"), -32009, "Conflict"),
            (InvalidRequest("x"), -32602, "InvalidRequest"),
            (UnexpectedError("x"), -32603, "UnexpectedError"),
            (DomainError("x"), -32603, "UnexpectedError"),
        ],
    )
    def test_each_has_its_code_and_type(
        self, raised: DomainError, code: int, error_type: str
    ) -> None:
        assert error_object(raised) == ErrorObject(
            code=code, message="x", error_type=error_type, debug_message="x"
        )

    def test_one_without_text_is_named_by_its_type(self) -> None:
        assert error_object(Conflict()).message == "Conflict"

    def test_long_text_is_cut(self) -> None:
        assert error_object(Conflict("x" * 5000)).message == "x" * 1000

    def test_text_that_is_no_unicode_is_mended(self) -> None:
        assert error_object(Conflict("table \udc80")).message == "table ?"

    def test_text_that_cannot_be_had_is_replaced_by_the_type(self) -> None:
        class Broken(Conflict):
            def __str__(self) -> str:
                raise RuntimeError

        assert error_object(Broken()).message == "Conflict"


class TestResults:
    def test_json(self) -> None:
        assert encode_result(BY_NAME[READ], ORDER) == (ORDER_JSON, "")

    def test_none_is_an_empty_object_where_the_vendor_has_one(self) -> None:
        assert encode_result(BY_NAME[EMPTY], None) == (b"{}", "")

    def test_none_elsewhere_is_no_result(self) -> None:
        result, fault = encode_result(BY_NAME[MONEY], None)
        assert (result, fault) == (b"{}", "Expected a result, got `None` - at `$`")

    def test_what_json_cannot_carry_is_named_by_its_type_alone(self) -> None:
        result, fault = encode_result(BY_NAME[MONEY], {"secret": Unencodable()})
        assert result == b"{}"
        assert fault == "Expected what JSON can carry, got TypeError - at `$`"
