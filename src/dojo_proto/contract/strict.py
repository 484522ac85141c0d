"""Whether what is sent is what the vendor's schema asks for.

Reading is lenient, so the types themselves cannot tell. From each one a strict twin is derived,
when it is first needed: enums are closed, texts have their lengths, null is no value, and types
that take no further members refuse them. What the schema allows is no fault, however odd.

There are two of each: one that is quick to say that nothing is wrong, and one that tells what is
without quoting it.
"""

import re
from collections.abc import Callable
from functools import cache
from types import GenericAlias, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, DecodeError, Meta, Raw, Struct, UnsetType, defstruct, field

from dojo_proto.contract.shape import OpenEnum, Sent, is_shape, members

_ONE_OF = re.compile(r"matching regex '\^\(\?:([\w.|\\]+)\)\\\\Z'")
_UNKNOWN = re.compile(
    r"Object contains unknown field `.*?(?P<path> - at `\$[\w.\[\]]*`)?", re.DOTALL
)


def fault(kind: Any, data: bytes | Raw) -> str:
    """What is wrong with JSON that is to be sent as `kind`, and where; empty if nothing is.

    `kind` is a type of the contract or a list of them; None means any object, and Any takes
    everything. The text names paths, types and members of the contract, never what came.
    """
    text = ""
    for explains in (False, True):
        try:
            _decoder(kind, explains=explains)(data)
        except DecodeError as error:
            text = str(error)
        else:
            return ""
    text = _ONE_OF.sub(_listed, text)
    if unknown := _UNKNOWN.fullmatch(text):
        return f"Object contains a field that its type does not know{unknown['path'] or ''}"
    return text


def _listed(matched: re.Match[str]) -> str:
    return "out of " + matched[1].replace("\\", "").replace("|", ", ")


@cache
def _decoder(kind: Any, *, explains: bool) -> Callable[[bytes | Raw], Any]:
    twin = dict[str, Any] if kind is None else _strict(kind, explains=explains)
    return msgspec.json.Decoder(twin).decode


def _strict(kind: Any, *, explains: bool) -> Any:
    """The twin of a type, or of what an annotation says."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        metas = (each.meta if isinstance(each, Sent) else each for each in arguments[1:])
        return Annotated[(_strict(arguments[0], explains=explains), *metas)]
    if origin is list:
        return GenericAlias(list, (_strict(arguments[0], explains=explains),))
    if origin in {Union, UnionType}:
        made: Any = UnsetType  # an optional member is there or not, and null is neither
        for each in arguments:
            made = made if each is NoneType else _strict(each, explains=explains) | made
        return made
    if isinstance(kind, type) and issubclass(kind, OpenEnum):
        if not explains:
            literal: Any = Literal
            return literal[tuple(member.value for member in kind)]
        # A pattern, since what msgspec says of a text outside an enum quotes it.
        texts = "|".join(re.escape(member) for member in kind)
        return Annotated[str, Meta(pattern=rf"^(?:{texts})\Z")]
    return _twin(kind, explains=explains) if is_shape(kind) else kind


@cache
def _twin(kind: Any, *, explains: bool) -> type[Struct]:
    fields: list[tuple[str, Any, Any]] = []
    for wire, member in members(kind).items():
        strict = _strict(member.type, explains=explains)
        if member.required or is_shape(member.default_factory):  # the latter is always sent
            fields.append((member.name, strict, field(name=wire)))
        else:
            fields.append((member.name, strict | UnsetType, field(default=UNSET, name=wire)))
    return defstruct(
        kind.__name__,
        fields,
        namespace={"__post_init__": _some(kind)} if kind.any_of else None,
        kw_only=True,
        forbid_unknown_fields=kind.closed,
    )


def _some(kind: Any) -> Callable[[Struct], None]:
    """Refuses an object that has none of the members that the type has to have one of."""
    names = [members(kind)[wire].name for wire in kind.any_of]
    listed = ", ".join(f"`{wire}`" for wire in kind.any_of)

    def check(twin: Struct) -> None:
        if all(getattr(twin, name) is UNSET for name in names):
            raise ValueError(f"Object without any of {listed}")

    return check
