"""Params that do not fit, explained without their values."""

import re

from msgspec import ValidationError

# What msgspec says of types, lengths and formats names no value. Its other texts may: of an enum
# member or a field that it does not know, or what a validator in the user's own type raised.
_SAFE = re.compile(
    r"Expected `[\w |.]+`"
    r"(?:, got `\w+`| (?:of length )?(?:[<>]=? )?[\d.e+-]+| matching regex '.*'"
    r"| that's a multiple of [\d.]+| with(?:out)? a timezone component)?"
    r"|Object missing required field `[^`]*`"
    r"|Invalid (?:RFC3339 encoded \w+|ISO8601 duration|UUID|decimal string|base64 encoded string)"
    r"|Number out of range"
)
_PATH = re.compile(r" - at `(\$[^`]*)`$")


def explain(error: Exception) -> str:
    """The path and the expected type, from the text of msgspec's error; never the value."""
    # Of anything else that a user's own type raises the text is not even asked for.
    text = str(error) if isinstance(error, ValidationError) else ""
    path = _PATH.search(text)
    what = text[: path.start()] if path else text
    if not _SAFE.fullmatch(what):
        what = "The value does not fit"
    return f"{what} - at `{path[1] if path else '$'}`"
