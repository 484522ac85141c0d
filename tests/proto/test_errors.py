"""The exceptions, and what each says on the wire."""

import pytest

from dojo_proto import errors
from dojo_proto.errors import (
    AuthenticationError,
    ConfigurationError,
    Conflict,
    DojoError,
    DomainError,
    InvalidRequest,
    LocalProtocolError,
    NotFound,
    UnexpectedError,
)


@pytest.mark.parametrize(
    ("error", "code", "error_type"),
    [
        (NotFound, -32004, "NotFound"),
        (Conflict, -32009, "Conflict"),
        (InvalidRequest, -32602, "InvalidRequest"),
        (UnexpectedError, -32603, "UnexpectedError"),
        (DomainError, -32603, "UnexpectedError"),
    ],
)
def test_a_domain_error_has_a_code_and_the_vendors_type(
    error: type[DomainError], code: int, error_type: str
) -> None:
    assert (error.code, error.error_type) == (code, error_type)
    assert error("order o1 is closed").message == "order o1 is closed"


def test_a_domain_error_without_a_text_says_its_type() -> None:
    assert Conflict().message == "Conflict"
    assert NotFound("").message == "NotFound"


def test_json_rpcs_own_codes() -> None:
    assert (
        errors.PARSE_ERROR,
        errors.INVALID_REQUEST,
        errors.METHOD_NOT_FOUND,
        errors.INVALID_PARAMS,
        errors.INTERNAL_ERROR,
    ) == (-32700, -32600, -32601, -32602, -32603)


@pytest.mark.parametrize(
    "error", [ConfigurationError, AuthenticationError, LocalProtocolError, DomainError]
)
def test_all_errors_have_one_root(error: type[Exception]) -> None:
    assert issubclass(error, DojoError)


def test_a_wrong_setting_is_a_value_error_too() -> None:
    assert issubclass(ConfigurationError, ValueError)


def test_an_authentication_error_carries_the_status() -> None:
    error = AuthenticationError("the gateway refused the key", status=401)
    assert error.status == 401
    assert str(error) == "the gateway refused the key"


def test_the_tree_in_the_module_names_every_exception() -> None:
    text = errors.__doc__ or ""
    classes = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    exceptions = [thing for thing in classes if issubclass(thing, DojoError)]
    assert len(exceptions) == 11
    assert [thing.__name__ for thing in exceptions if thing.__name__ not in text] == []
