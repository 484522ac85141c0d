"""Params: decoded into what a handler takes, or explained without their values."""

import re
from collections.abc import Callable
from inspect import Parameter
from typing import Any

import msgspec
from msgspec import ValidationError

from dojo_proto import contract
from dojo_proto.context import Context
from dojo_proto.contract import Method
from dojo_proto.contract.money import MINOR_UNITS
from dojo_proto.contract.requests import EXCLUSIVE
from dojo_proto.contract.shape import bare, has_shape, is_shape
from dojo_proto.errors import ConfigurationError

_AMOUNT = re.compile(r"Expected `int`, got `\w+` - at `\$.*\.value`")

# What msgspec says of types, lengths and formats names no value. Its other texts may: of an enum
# member or a field that it does not know, or what a validator in the user's own type raised.
_SAFE = re.compile(
    r"Expected `[\w |.]+`"
    r"(?:, got `\w+`| (?:of length )?(?:[<>]=? )?[\d.e+-]+| matching regex '.*'"
    r"| that's a multiple of [\d.]+| with(?:out)? a timezone component)?"
    r"|Object missing required field `[^`]*`"
    r"|Invalid (?:RFC3339 encoded \w+|ISO8601 duration|UUID|decimal string|base64 encoded string)"
    r"|Number out of range"
    rf"|{re.escape(EXCLUSIVE)}"
)
_OBJECTS = (
    msgspec.inspect.AnyType,
    msgspec.inspect.CustomType,
    msgspec.inspect.DataclassType,
    msgspec.inspect.DictType,
    msgspec.inspect.RawType,
    msgspec.inspect.TypedDictType,
)
_PATH = re.compile(r" - at `(\$[^`]*)`$")


def decoder(annotation: Any, method: Method, place: str) -> Callable[..., Any]:
    """From the JSON of params to what a handler of `method` annotates, or the method's own type.

    `annotation` is `Parameter.empty` if there is none; `place` names the handler in errors. The
    decoder raises msgspec.ValidationError. Raises ConfigurationError if nothing decodes into it.
    """
    taken = method.params if annotation is Parameter.empty else annotation
    kind = bare(taken)
    if is_shape(kind):
        of_contract = kind.__module__.startswith(f"{contract.__name__}.")
        if of_contract and kind is not method.params:
            raise ConfigurationError(
                f"{place}: the params of {method.name} are no {kind.__name__}; expected "
                f"{getattr(method.params, '__name__', 'dict')}"
            )
        return contract.decoder(kind)
    if kind is Context:
        raise ConfigurationError(
            f"{place}: params cannot be decoded into Context; expected the context first, and then "
            "the params"
        )
    if taken is dict:
        taken = dict[str, Any]
    try:
        shape = msgspec.inspect.type_info(taken)
        # One that has types of the contract inside is read as leniently as they are.
        decoded = (
            contract.decoder(taken) if has_shape(taken) else msgspec.json.Decoder(taken).decode
        )
    except Exception as error:  # noqa: BLE001 - reads the annotations of the user's own types
        raise ConfigurationError(f"{place}: params cannot be decoded into it: {error}") from None
    if isinstance(shape, msgspec.inspect.CustomType) and shape.cls is not object:
        raise ConfigurationError(
            f"{place}: params cannot be decoded into {shape.cls.__name__}; expected dict, or a "
            "type that msgspec decodes, such as a msgspec.Struct or a dataclass"
        )
    if not _takes_object(shape):
        raise ConfigurationError(
            f"{place}: params cannot be decoded into {taken!r}: they are an object; expected dict, "
            "or a type such as a msgspec.Struct or a dataclass"
        )
    return decoded


def _takes_object(shape: msgspec.inspect.Type) -> bool:
    match shape:
        case msgspec.inspect.UnionType(types=types):
            return any(map(_takes_object, types))
        case msgspec.inspect.StructType(array_like=array_like):
            return not array_like
        case _:
            return isinstance(shape, _OBJECTS)


def explain(error: Exception) -> str:
    """The path and the expected type, from the text of msgspec's error; never the value."""
    # Of anything else that a user's own type raises the text is not even asked for.
    text = str(error) if isinstance(error, ValidationError) else ""
    path = _PATH.search(text)
    what = text[: path.start()] if path else text
    if not _SAFE.fullmatch(what):
        what = "The value does not fit"
    return located(what + path[0] if path else what)


def located(misfit: str) -> str:
    """Such a text with its path, which msgspec leaves out at the top; with a hint for amounts."""
    if not _PATH.search(misfit):
        misfit += " - at `$`"
    return f"{misfit} ({MINOR_UNITS})" if _AMOUNT.fullmatch(misfit) else misfit
