"""What went wrong inside an EPOS, for the report: an answer does not tell, and no log is shown."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from traceback import format_exception_only, walk_tb
from types import FrameType

from dojo_proto.events import Event, HandlerFailed, OutcomeUnknown, ResultUnfit
from dojo_simulator.events import masked_key

_MOST = 4
"""Things that are told of one check."""
_LONGEST = 300
"""Characters of an exception's text."""

_KEY = re.compile(r"(?<![a-zA-Z])sk_\S+")
_NOT_OWN = sys.stdlib_module_names | {"dojo_proto", "dojo_adapters"}
_INSTALLED = frozenset({"site-packages", "dist-packages"})


def troubles(events: Sequence[Event]) -> tuple[str, ...]:
    """Each thing that went wrong, told once: the last few, if there are many.

    What the EPOS's own exceptions say is told, an API key in it is not.
    """
    told = [*dict.fromkeys(text for text in map(_told, events) if text)]
    left_out = len(told) - _MOST
    more = [f"({left_out} more before these)"] if left_out > 0 else []
    return (*more, *told[-_MOST:])


def _told(event: Event) -> str:
    match event:
        case HandlerFailed(method=method, function=function, error=error):
            return f"the {function} of {method} raised {_described(error)}{_place(error)}"
        case ResultUnfit(method=method, function=function, reason=reason):
            return f"what the {function} of {method} returned is no result: {reason}"
        case OutcomeUnknown(method=method, reason=reason):
            return f"whether {method} was done is not known: {reason}"
        case _:
            return ""


def _described(error: BaseException) -> str:
    """Its type and text, which may be any: also one that no terminal or file takes."""
    text = "".join(format_exception_only(error)).strip()
    text = _KEY.sub(lambda found: masked_key(found[0]), text)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def _place(error: BaseException) -> str:
    """Where: the innermost line that is the EPOS's own, else the innermost of all."""
    steps = list(walk_tb(error.__traceback__))
    if not steps:
        return ""
    frame, line = next((step for step in reversed(steps) if _is_own(step[0])), steps[-1])
    path, here = Path(frame.f_code.co_filename), Path.cwd()
    return f" ({path.relative_to(here) if path.is_relative_to(here) else path}:{line})"


def _is_own(frame: FrameType) -> bool:
    """Whether it is neither Python's nor this library's nor installed from elsewhere."""
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    installed = _INSTALLED.intersection(Path(frame.f_code.co_filename).parts)
    return package not in _NOT_OWN and not installed
