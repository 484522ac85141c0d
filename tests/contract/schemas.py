"""The vendor's schemas, where there are any: a folder that the variable CONTRACT_SCHEMAS names."""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import (  # type: ignore[import-untyped] # it ships no types
    Draft202012Validator,
)

from dojo_proto.contract import METHODS

FOLDER = Path(os.environ.get("CONTRACT_SCHEMAS", "."))

where_they_are = pytest.mark.skipif(
    "CONTRACT_SCHEMAS" not in os.environ,
    reason="CONTRACT_SCHEMAS names no folder with the vendor's schemas",
)

KINDS: Mapping[str, Any] = {
    **{f"{method.wire}.params": method.params for method in METHODS},
    **{f"{method.wire}.result": method.result for method in METHODS},
}
"""Name of a schema → the type that it describes; None for an empty object."""


def load(name: str) -> dict[str, Any]:
    """A schema, its references replaced by what they mean: that is checked twice as fast."""
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    inlined: dict[str, Any] = _inline(schema, schema.get("$defs", {}))
    inlined.pop("$defs", None)
    return inlined


def definitions() -> dict[str, Any]:
    """The schema of each of the vendor's types by its name."""
    found: dict[str, Any] = {}
    for name in KINDS:
        schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
        defs = schema.get("$defs", {})
        found |= {each: _inline(defs[each], defs) for each in defs}
    return found


def validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    """What judges by a schema, formats included."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _inline(schema: Any, defs: Mapping[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inline(each, defs) for each in schema]
    if not isinstance(schema, dict):
        return schema
    own = {name: _inline(each, defs) for name, each in schema.items() if name != "$ref"}
    if "$ref" in schema:
        own = _inline(defs[schema["$ref"].rpartition("/")[2]], defs) | own
    return _as_meant(own)


def _as_meant(schema: dict[str, Any]) -> dict[str, Any]:
    """What the vendor has forgotten to say, and its prose says."""
    properties = schema.get("properties", {})
    if "required" in schema and isinstance(properties, dict):
        schema.setdefault("type", "object")
    if isinstance(properties.get("tableIds"), dict):
        properties["tableIds"]["minItems"] = 1
    return schema


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, outermost first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from objects(each)


def kept(came: Any, went: Any) -> bool:
    """Whether `went` says what `came` does: times may be written otherwise, [] may be left out."""
    match came, went:
        case dict(), dict():
            return went.keys() <= came.keys() | {"headers"} and all(
                kept(each, went[name]) if name in went else each == []
                for name, each in came.items()
            )
        case list(), list():
            return len(came) == len(went) and all(map(kept, came, went))
        case str(), str() if came != went:
            return abs(datetime.fromisoformat(came) - datetime.fromisoformat(went)).seconds == 0
        case _:
            return type(came) is type(went) and bool(came == went)
