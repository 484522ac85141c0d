"""Instances at random, of types and of JSON Schemas. The same seed gives the same ones."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from dojo_proto.contract import OpenEnum
from dojo_proto.contract.shape import Sent, is_shape, members

TEXTS = ("", "x", "table 7", "Zoë & Søn", "東京", "🍕", '"', "\\", "\\u007f", "\x7f", "\x00", "\n")
NAMES = ("newMember", "status ", "", "Id", "order_id", "\x7f", "\\u007f", "ключ", "a.b")
FIRST, LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)


class Maker:
    """Makes instances from `random`, whose draws Hypothesis may steer."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def chance(self, percent: int) -> bool:
        return self.random.random() * 100 < percent

    def text(self, shortest: int = 0, longest: int | None = None) -> str:
        text = self.random.choice(TEXTS)
        if longest is not None and self.chance(20):
            text = "é" * longest
        return text if len(text) >= shortest else "y" * shortest

    def integer(self, lowest: int, highest: int) -> int:
        edge = self.random.choice((lowest, -1, 0, 1, 1050, highest, None))
        if edge is None or not lowest <= edge <= highest:
            return self.random.randint(lowest, highest)
        return edge

    def moment(self) -> datetime:
        seconds = int((LAST - FIRST).total_seconds())
        moment = FIRST + timedelta(
            seconds=self.integer(0, seconds), microseconds=self.integer(0, 999_999)
        )
        return moment.astimezone(timezone(timedelta(minutes=self.integer(-1439, 1439))))

    def json(self, depth: int = 2) -> Any:
        """Any JSON value."""
        what = self.random.randrange(8 if depth else 6)
        if what == 6:
            return [self.json(depth - 1) for _ in range(self.random.randrange(3))]
        if what == 7:
            return self.unknown(depth - 1)
        return (None, True, -7, 1.5, 10**20, self.text())[what]

    def unknown(self, depth: int = 2) -> dict[str, Any]:
        names = self.random.sample(NAMES, self.random.randrange(3))
        return {name: self.json(depth) for name in names}

    def typed(self, kind: Any, *, strict: bool) -> Any:
        """An instance of a type; with `strict` one that may be sent."""
        metas: list[Any] = []
        while get_origin(kind) is Annotated:
            kind, *extras = get_args(kind)
            sent = [each.meta for each in extras if isinstance(each, Sent) and strict]
            metas += [*sent, *(each for each in extras if isinstance(each, msgspec.Meta))]
        if get_origin(kind) in {Union, UnionType}:
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
            return self.typed(kind, strict=strict)
        limits = {
            name: value
            for meta in metas
            for name in ("ge", "le", "min_length", "max_length")
            if (value := getattr(meta, name)) is not None
        }
        if get_origin(kind) is list:
            (item,) = get_args(kind)
            count = max(limits.get("min_length", 0), self.random.choice((0, 1, 1, 2)))
            return [self.typed(item, strict=strict) for _ in range(count)]
        if is_shape(kind):
            return self.shape(kind, strict=strict)
        if issubclass(kind, OpenEnum):
            known = self.random.choice(list(kind))
            return known if strict or self.chance(80) else kind(self.text())
        if kind is str:
            return self.text(limits.get("min_length", 0), limits.get("max_length"))
        if kind is bool:
            return self.chance(50)
        if kind is int:
            return self.integer(limits.get("ge", -(2**70)), limits.get("le", 2**70))
        if kind is datetime:
            return self.moment()
        raise AssertionError(f"there is a new type: {kind}")

    def shape(self, kind: Any, *, strict: bool) -> Any:
        known = members(kind)
        forced = self.random.choice(kind.any_of) if kind.any_of else ""
        fields = {
            member.name: self.typed(member.type, strict=strict)
            for wire, member in known.items()
            if member.required or wire == forced or self.chance(40)
        }
        if {"before", "after", "limit"} <= known.keys():  # a Cursor
            fields.pop(self.random.choice(("before", "after")), None)
        if self.chance(10) and not (strict and kind.closed):
            fields["unknown"] = {
                name: each for name, each in self.unknown().items() if name not in known
            }
        return kind(**fields)

    def valid(self, schema: Mapping[str, Any]) -> Any:
        """A JSON value that a schema without references allows, and that makes sense."""
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        match schema.get("type", "object"):
            case "array":
                count = max(schema.get("minItems", 0), self.random.choice((0, 1, 1, 2)))
                return [self.valid(schema["items"]) for _ in range(count)]
            case "string" if schema.get("format") == "date-time":
                return self.rfc3339()
            case "string":
                return self.text(schema.get("minLength", 0), schema.get("maxLength"))
            case "boolean":
                return self.chance(50)
            case "integer":
                bits = {"int32": 31, "int64": 63}.get(schema.get("format", ""), 70)
                top = schema.get("maximum", 2**bits - 1)
                return self.integer(1 if "maximum" in schema else -(2**bits), top)
            case _:
                return self.object(schema)

    def object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        properties = schema.get("properties", {})
        needed = set(schema.get("required", ()))
        if "anyOf" in schema:
            needed.update(self.random.choice(schema["anyOf"])["required"])
        made = {
            name: self.valid(each)
            for name, each in properties.items()
            if name in needed or self.chance(40)
        }
        if {"before", "after", "limit"} <= properties.keys():  # a cursor
            made.pop(self.random.choice(("before", "after")), None)
        if self.chance(10) and schema.get("additionalProperties", True):
            made = self.unknown() | made
        return made

    def rfc3339(self) -> str:
        """A time in one of the ways in which it may be written."""
        moment = self.moment().replace(microsecond=0, tzinfo=None).isoformat()
        digits = self.random.choice(("", ".5", ".123", ".123456", ".1234567", ".000000001"))
        return moment + digits + self.random.choice(("Z", "+00:00", "-00:00", "+05:30", "-23:59"))


def seeded(seed: str) -> Maker:
    """A Maker that always makes the same."""
    return Maker(Random(seed))  # noqa: S311 - nothing is kept secret with it
