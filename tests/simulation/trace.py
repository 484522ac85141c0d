"""What happened, for people."""

from enum import Enum

import msgspec


def readable(thing: msgspec.Struct) -> str:
    """The name of a Struct and what it says, without what is empty."""
    said = []
    for name in thing.__struct_fields__:
        value = getattr(thing, name)
        if isinstance(value, Enum):
            value = value.value
        elif isinstance(value, float):
            value = round(value, 3)
        if value not in {"", None, ()} if not isinstance(value, dict) else value:
            said.append(f"{name}={value}")
    return f"{type(thing).__name__}({', '.join(said)})"
