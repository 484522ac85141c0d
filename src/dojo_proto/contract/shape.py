"""What the contract's types have in common: how they are read and written.

Reading is lenient, since Dojo may add to its messages at any time: members that a type does not
know are kept and go out again, null stands for an optional member that is absent, and a text that
an enum does not know is kept. Only what is dangerous or senseless is refused: another JSON type, a
required member that is missing, what a type's own docstring refuses.

Nearly every message is read and written by msgspec alone. Only one that has unknown members takes
the slow way, in Python: `unknown` is an ordinary field whose name on the wire is a marker, below
which the unknown members are put before decoding, and from where they are lifted after encoding.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, partial
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, ClassVar, Self, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct, ValidationError, field, inspect

MARKER = "\x7f"
"""The wire name of `unknown` inside this module. It never gets out, and coming in it is a member
as unknown as any other. DEL is the one control character that msgspec takes in a name."""

# Looking for one byte, given as a number, is several times faster than for a text; and most
# messages have neither of the two.
_RAW = ord(MARKER)
_BACKSLASH = ord("\\")
_ESCAPED = b"\\u007"  # f or F follows; what else begins so only takes longer

T = TypeVar("T")

Time = Annotated[datetime, Meta(tz=True)]
"""An aware datetime: one that names its offset from UTC. On the wire RFC 3339."""

TableIds = Annotated[list[str], Meta(min_length=1)]
"""At least one: people sit at a table."""


class Shape(
    Struct,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
    repr_omit_defaults=True,
):
    """An object of the contract. Its fields are the wire's members in snake_case."""

    closed: ClassVar[bool] = False
    """The vendor's type takes no further members: sending some is a fault."""
    any_of: ClassVar[tuple[str, ...]] = ()
    """Wire names of members of which at least one has to be sent."""

    unknown: dict[str, Any] = field(default_factory=dict, name=MARKER)
    """Members that the type does not know, by their wire names, as plain JSON values."""


class FrozenShape(
    Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
    repr_omit_defaults=True,
):
    """A Shape that cannot be changed; no subclass, as a frozen class has no other kind of base."""

    closed: ClassVar[bool] = False
    any_of: ClassVar[tuple[str, ...]] = ()

    unknown: dict[str, Any] = field(default_factory=dict, name=MARKER)


class OpenEnum(StrEnum):
    """An enum that keeps a text which it does not know, as a member that is not remembered.

    Such a member is equal to every other one of its text, and to the text itself. `known` tells
    the two sorts apart.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value
        member._value_ = value
        return member

    @property
    def known(self) -> bool:
        """Whether the vendor's list has it."""
        return self._value_ in type(self)._value2member_map_


class Sent(Struct, frozen=True):
    """In an annotation: what holds only for values that are sent. Nobody is refused for it."""

    meta: Meta


def is_shape(kind: object) -> bool:
    """Whether `kind` is a Shape's class."""
    return isinstance(kind, type) and issubclass(kind, Shape | FrozenShape)


def bare(kind: Any) -> Any:
    """`kind` without its annotations, and without the None of an optional member."""
    while True:
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in {Union, UnionType}:
            arguments = tuple(each for each in arguments if each is not NoneType)
        if origin is Annotated or (origin in {Union, UnionType} and len(arguments) == 1):
            kind = arguments[0]
        else:
            return kind


def decode(kind: type[T], data: bytes | msgspec.Raw) -> T:
    """Decode JSON into a type of the contract, or into one of your own that has some inside.

    Raises msgspec.ValidationError, with the path on the wire, if it does not fit, and
    msgspec.DecodeError if it is no JSON.
    """
    return decoder(kind)(data)


def decoder(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """`decode` for one type; the same function for each call."""
    key: Any = kind  # for mypy, what makes a T is not hashable
    made: Callable[[bytes | msgspec.Raw], T] = _decoder(key)
    return made


@cache
def _decoder(kind: Any) -> Callable[[bytes | msgspec.Raw], Any]:
    native = msgspec.json.Decoder(kind).decode
    sink = _sinker(kind)

    def decode(data: bytes | msgspec.Raw) -> Any:
        if type(data) is not bytes:  # a msgspec.Raw, which typing takes for one
            data = bytes(data)
        if _RAW not in data and (_BACKSLASH not in data or _ESCAPED not in data):
            try:
                return native(data)
            except ValidationError:
                pass  # perhaps only for members that the type does not know
        return native(msgspec.json.encode(sink(msgspec.json.decode(data))))

    return decode


def encode(value: Any) -> bytes:
    """Encode types of the contract, or anything that has some inside, as JSON.

    Raises what msgspec.json.encode raises for something that JSON cannot carry.
    """
    data = msgspec.json.encode(value)
    if _RAW in data:
        data = msgspec.json.encode(_lift(msgspec.json.decode(data)))
    return data


@cache
def members(kind: Any) -> Mapping[str, msgspec.structs.FieldInfo]:
    """The members of a Shape's class by their wire names, `unknown` left out."""
    every = {each.encode_name: each for each in msgspec.structs.fields(kind)}
    del every[MARKER]
    return MappingProxyType(every)


@cache
def _sinker(kind: Any) -> Callable[[Any], Any]:
    """What puts the members that `kind` does not know below the marker."""
    kind = bare(kind)
    if not is_shape(kind):
        return partial(_sink_inside, inspect.type_info(kind))
    known = {wire: (each.required, _sinker(each.type)) for wire, each in members(kind).items()}

    def sink_members(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        sunk: dict[str, Any] = {}
        unknown: dict[str, Any] = {}
        for name, each in value.items():
            if name not in known:
                unknown[name] = each
                continue
            required, sink = known[name]
            if each is not None or required:
                sunk[name] = sink(each)
        if unknown:
            sunk[MARKER] = unknown
        return sunk

    return sink_members


def _sink_inside(kind: inspect.Type, value: Any) -> Any:
    """`value` with that done wherever a type that is no Shape has one inside."""
    match kind:
        case inspect.StructType(cls=shape) if is_shape(shape):
            return _sinker(shape)(value)
        case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType():
            if isinstance(value, dict):
                types = {each.encode_name: each.type for each in kind.fields}
                return {
                    name: _sink_inside(types[name], each) if name in types else each
                    for name, each in value.items()
                }
        case inspect.DictType(value_type=inner):
            if isinstance(value, dict):
                return {name: _sink_inside(inner, each) for name, each in value.items()}
        case inspect.CollectionType(item_type=inner):
            if isinstance(value, list):
                return [_sink_inside(inner, each) for each in value]
        case inspect.UnionType(types=types_of_it):
            # msgspec takes only one that is an object, and one that is an array.
            for each in types_of_it:
                value = _sink_inside(each, value)
    return value


def has_shape(kind: Any) -> bool:
    """Whether something that msgspec decodes is a Shape, or has one inside."""
    seen: set[int] = set()
    left = [inspect.type_info(kind)]
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        match node:
            case inspect.StructType(cls=cls) if is_shape(cls):
                return True
            case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType():
                left += [each.type for each in node.fields]
            case inspect.DictType(value_type=inner) | inspect.CollectionType(item_type=inner):
                left.append(inner)
            case inspect.UnionType(types=types):
                left += types
    return False


def _lift(value: Any) -> Any:
    """`value` with what is below a marker beside it; a member that its type knows goes first."""
    if isinstance(value, list):
        return [_lift(each) for each in value]
    if not isinstance(value, dict):
        return value
    unknown = value.pop(MARKER) if isinstance(value.get(MARKER), dict) else {}
    lifted = {name: _lift(each) for name, each in value.items()}
    return lifted | {name: each for name, each in unknown.items() if name not in lifted}
