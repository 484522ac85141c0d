"""The types against the vendor's schemas: each is generated from, and judged by the other."""

import json
from random import Random
from typing import Any

import pytest
from tests.contract.instances import seeded
from tests.contract.schemas import KINDS, kept, load, objects, validator, where_they_are

from dojo_proto.contract import decode, encode
from dojo_proto.contract.strict import fault

COUNT = 2000

pytestmark = where_they_are


@pytest.mark.parametrize("name", KINDS)
def test_what_a_schema_allows_decodes_and_nothing_of_it_is_lost(name: str) -> None:
    schema, maker = load(name), seeded(name)
    kind = KINDS[name]
    for _ in range(COUNT):
        came = maker.valid(schema)
        data = json.dumps(came).encode()
        assert fault(kind, data) == ""
        if kind is None:
            continue  # nobody reads it
        went = json.loads(encode(decode(kind, data)))
        assert kept(came, went), (came, went)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name] is not None])
def test_what_may_be_sent_is_what_the_schema_allows(name: str) -> None:
    judge, maker = validator(load(name)), seeded(name)
    for _ in range(COUNT):
        sent = json.loads(encode(maker.typed(KINDS[name], strict=True)))
        judge.validate(sent)


@pytest.mark.parametrize("name", [name for name in KINDS if KINDS[name] is not None])
def test_both_find_the_same_mistakes(name: str) -> None:
    """A mistake, or what only looks like one, anywhere in an instance that the schema allows."""
    schema, maker = load(name), seeded(name)
    judge = validator(schema)
    found = 0
    for _ in range(COUNT // 4):
        value = {"top": maker.valid(schema)}
        spoil(maker.random, value)
        text = fault(KINDS[name], json.dumps(value["top"]).encode())
        allowed = judge.is_valid(value["top"])
        assert allowed is (text == ""), (value["top"], text)
        found += not allowed
    assert found > COUNT // 100


def spoil(random: Random, value: dict[str, Any]) -> None:
    """Change a member of one of the objects in `value`, or add one."""
    places = [each for each in objects(value["top"]) if each]
    place = random.choice(places or [value])
    name = random.choice([*place, "surprise"])
    if name in place and place is not value and random.randrange(4) == 0:
        del place[name]
    else:
        place[name] = random.choice(SPOILT)


SPOILT: tuple[Any, ...] = (
    *(None, True, 7, 101, 1.5, "", "x", "New", "é" * 60, "é" * 61, "é" * 300),
    *("2024-02-30T10:00:00Z", "2024-02-01T10:00:00", "2024-02-01T10:00:00+01:00"),
    *([], [1], ["x"], {}, {"value": 1, "currencyCode": "GBP"}),
)
