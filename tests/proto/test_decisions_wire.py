"""How an error is put for the wire."""

import pytest

from dojo_proto.decisions import error_object
from dojo_proto.errors import Conflict, DomainError, InvalidRequest, NotFound, UnexpectedError
from dojo_proto.jsonrpc import ErrorObject


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

    @pytest.mark.parametrize(
        ("text", "sent"),
        [
            ("table 7\r\nis closed\n", "table 7 is closed"),
            ("\x1b[31mred\x00\x7f\x9bx", "[31mred x"),
            ("two\u2028lines", "two lines"),
            ("Zo\xeb's \U0001f355", "Zo\xeb's \U0001f355"),
            ("\n\x00", "Conflict"),
        ],
    )
    def test_control_characters_do_not_go_out(self, text: str, sent: str) -> None:
        assert error_object(Conflict(text)).message == sent

    def test_text_that_is_no_unicode_is_mended(self) -> None:
        assert error_object(Conflict("table \udc80")).message == "table ?"

    def test_text_that_cannot_be_had_is_replaced_by_the_type(self) -> None:
        class Broken(Conflict):
            def __str__(self) -> str:
                raise RuntimeError

        assert error_object(Broken()).message == "Conflict"
