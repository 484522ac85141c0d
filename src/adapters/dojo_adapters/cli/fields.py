"""`--set FIELD=VALUE`: fields of Settings from the command line, but no secret."""

import re
from argparse import ArgumentTypeError
from difflib import get_close_matches

import msgspec

from dojo_proto import Settings

_FIELDS = {field.name: field.type for field in msgspec.structs.fields(Settings)}
_FLAGS = {"true": True, "false": False}
_KEY = re.compile("sk_(sandbox|prod)_")
_CREDENTIALS = re.compile("://[^/]*@")
_WHY = (
    "what stands on a command line is seen by everybody on this machine, and stays in the "
    "history of the shell"
)


def parse_field(text: str) -> tuple[str, object]:
    """`FIELD=VALUE` → the field, and the value in the field's type.

    Raises ArgumentTypeError, which quotes nothing that may be a secret.
    """
    name, equals, value = text.partition("=")
    if re.sub("[-_]", "", name.lower()) == "apikey":
        raise ArgumentTypeError(f"api_key: set DOJO_API_KEY or DOJO_API_KEY_FILE instead: {_WHY}")
    if name not in _FIELDS:
        raise ArgumentTypeError(_unknown(name))
    if not equals:
        raise ArgumentTypeError(f"{name}: expected {name}=VALUE")
    if name == "proxy" and _CREDENTIALS.search(value):
        raise ArgumentTypeError(f"proxy: set HTTPS_PROXY instead, since it has a password: {_WHY}")
    return name, _convert(name, refuse_secret(value))


def refuse_secret(value: str) -> str:
    """`value`, unless it looks like a key or has a password in it. Raises ArgumentTypeError."""
    if _KEY.search(value):
        raise ArgumentTypeError(
            f"that is an API key: set DOJO_API_KEY or DOJO_API_KEY_FILE instead: {_WHY}"
        )
    if _CREDENTIALS.search(value):
        raise ArgumentTypeError(f"a URL here has no user:password@: {_WHY}")
    return value


def _convert(name: str, value: str) -> object:
    kind = _FIELDS[name]
    if kind is bool:
        if value.lower() not in _FLAGS:
            raise ArgumentTypeError(f"{name}: expected true or false, got {value!r}")
        return _FLAGS[value.lower()]
    if kind is int or kind is float:
        try:
            return kind(value)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise ArgumentTypeError(f"{name}: expected {wanted}, got {value!r}") from None
    return value


def _unknown(name: str) -> str:
    settable = [field for field in _FIELDS if field != "api_key"]
    if _KEY.search(name) or not re.fullmatch("[A-Za-z_-]{1,40}", name):
        return "expected FIELD=VALUE, such as ping_interval=15"  # who knows what that was
    near = get_close_matches(name.lower().replace("-", "_"), settable, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(settable)}"
    return f"there is no field {name!r}; {hint}"
