"""The vendor's own examples, as far as they fit the vendor's own schemas.

They stand in the vendor's AsyncAPI description, which is looked for beside the schemas.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from tests.contract.schemas import FOLDER, definitions, kept, load, validator, where_they_are

from dojo_proto import contract
from dojo_proto.contract import METHODS, decode, encode
from dojo_proto.contract.shape import bare, is_shape, members
from dojo_proto.contract.strict import fault

pytestmark = where_they_are


def description() -> Path:
    found = [*FOLDER.glob("*asyncapi*.yml"), *FOLDER.parent.glob("*asyncapi*.yml")]
    if not found:
        pytest.skip(f"there is no *asyncapi*.yml in or beside {FOLDER.name}")
    return found[0]


def examples(schema: dict[str, Any]) -> Iterator[Any]:
    """What a schema gives as its examples, in any of the three ways."""
    if "example" in schema:
        yield schema["example"]
    for name in ("examples", "x-examples"):
        several = schema.get(name, [])
        yield from several.values() if isinstance(several, dict) else several


def kinds() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Name of a schema in the description → its type, and what judges it."""
    types = {name: (getattr(contract, name), each) for name, each in definitions().items()}
    params = {
        f"{method.name}Request": (method.params, load(f"{method.wire}.params"))
        for method in METHODS
    }
    return types | params


def fitting(kind: Any, value: Any, schemas: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """The outermost parts of an example that fit the vendor's schema, with their types."""
    kind = bare(kind)
    if get_origin(kind) is list and isinstance(value, list):
        for each in value:
            yield from fitting(get_args(kind)[0], each, schemas)
    if not is_shape(kind) or not isinstance(value, dict):
        return
    if validator(schemas[kind.__name__]).is_valid(value):
        yield kind, value
        return
    for name in value.keys() & members(kind).keys():
        yield from fitting(members(kind)[name].type, value[name], schemas)


def test_those_that_fit_decode_are_no_fault_and_go_out_as_they_came() -> None:
    yaml = pytest.importorskip("yaml", reason="reading the vendor's description needs PyYAML")
    document = yaml.safe_load(description().read_text(encoding="utf-8"))
    known = kinds()
    schemas = {kind.__name__: schema for kind, schema in known.values()}
    seen: Counter[str] = Counter()
    for name, component in document["components"]["schemas"].items():
        for example in examples(component) if name in known else ():
            whole = json.loads(json.dumps(example, default=lambda time: time.isoformat()))
            if name.endswith("Request"):
                whole |= {"headers": {}}  # another schema adds them
            for kind, came in fitting(known[name][0], whole, schemas):
                data = json.dumps(came).encode()
                assert fault(kind, data) == ""
                assert kept(came, json.loads(encode(decode(kind, data))))
                seen[kind.__name__] += 1
    # Most of the vendor's larger examples do not fit as a whole.
    assert seen.keys() >= {"BillSection", "CreateReservationParams", "OrderItem", "Table"}
    assert seen.total() >= 20
