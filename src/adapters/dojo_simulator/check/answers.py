"""What an EPOS answers, and how a check says what it expects of that."""

import json
from collections.abc import Collection
from typing import Any

import msgspec

from dojo_simulator.check.framework import Failed, Json

ERROR_TYPES = ("NotFound", "UnexpectedError", "InvalidRequest", "Conflict")
METHOD_NOT_FOUND = -32601


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came for one request."""

    what: str
    """The request, for people: `GetOrderById`."""
    envelope: Json
    """The whole message."""
    seconds: float

    @property
    def error(self) -> Json | None:
        """The error; None if it is a success."""
        error = self.envelope.get("error")
        return error if isinstance(error, dict) else None

    @property
    def error_type(self) -> str:
        """What the vendor tells errors apart by; empty for a success."""
        return "" if self.error is None else str(self.error.get("errorType", ""))

    def result(self) -> Any:
        """The result. Raises Failed if it is an error."""
        if "error" in self.envelope:
            raise Failed(self.what, expected="a result", came=self)
        return _read(f"the result of {self.what}", "", self.envelope.get("result"))

    def object(self) -> Json:
        """The result, which is an object. Raises Failed otherwise."""
        return expect_object(f"the result of {self.what}", self.result())

    def refusal(self, *error_types: str) -> Json:
        """The error, which is of one of these types. Raises Failed otherwise."""
        error = self.error
        if error is None or error.get("errorType") not in error_types:
            raise Failed(self.what, expected=f"an error, {' or '.join(error_types)}", came=self)
        return error

    def __str__(self) -> str:
        error = self.error
        if error is None:
            return f"the result {brief(self.envelope.get('result'))}"
        text = error.get("debugMessage") or error.get("message") or "no text"
        return f"the error {error.get('errorType')} ({error.get('code')}): {text}"


class _Members(Json):
    """An object in a result. To read a member that is not there raises Failed, which says so."""

    def __init__(self, what: str, path: str, members: Json) -> None:
        super().__init__({name: _read(what, f"{path}.{name}", members[name]) for name in members})
        self._what = what
        self._path = path

    def __missing__(self, name: str) -> Any:
        place = f"{self._path}.{name}".lstrip(".")
        came = f"only {', '.join(self)}" if self else "{}; is a return missing?"
        raise Failed(self._what, expected=f"the member {place}", came=came)


def _read(what: str, path: str, value: Any) -> Any:
    """What came at `path` of `what`, its objects as _Members."""
    if isinstance(value, dict):
        return _Members(what, path, value)
    if isinstance(value, list):
        return [_read(what, f"{path}[{index}]", each) for index, each in enumerate(value)]
    return value


class NoAnswer(Failed):
    """Nothing came for a request."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what, expected="an answer", came=why)


def expect(what: str, came: object, expected: object) -> None:
    """Raise Failed unless `came` equals `expected`."""
    if came != expected:
        raise Failed(what, expected=brief(expected), came=brief(came))


def expect_true(what: str, fits: object, *, expected: str, came: object) -> None:
    """Raise Failed unless `fits`."""
    if not fits:
        raise Failed(what, expected=expected, came=brief(came))


def expect_one_of(what: str, came: object, expected: Collection[object]) -> None:
    """Raise Failed unless `came` is among `expected`."""
    if came not in expected:
        raise Failed(what, expected=" or ".join(map(brief, expected)), came=brief(came))


def expect_object(what: str, came: Any) -> Json:
    """Return `came` if it is a JSON object, else raise Failed."""
    if not isinstance(came, dict):
        raise Failed(what, expected="an object", came=brief(came))
    return came


def member(what: str, value: Json, *path: str) -> Any:
    """What is at `path` in `value`. Raises Failed if there is nothing."""
    found: Any = value
    for index, name in enumerate(path):
        if not isinstance(found, dict) or found.get(name) is None:
            raise Failed(what, expected=f"the member {'.'.join(path[: index + 1])}", came="none")
        found = found[name]
    return found


def brief(value: object, limit: int = 160) -> str:
    """A value as JSON, cut to a length that is good to read."""
    if isinstance(value, str) and not value.isidentifier():
        text = value if " " in value else repr(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[:limit]}…"
