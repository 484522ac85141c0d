#!/usr/bin/env python3
"""Fills docs/reference.md with what the code says of the observers' events and of the settings.

Run `python docs/reference.py` after a docstring of dojo_proto.events or dojo_proto.settings has
changed; a test tells when that was forgotten.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import msgspec

from dojo_proto import Settings, events

PAGE = Path(__file__).with_name("reference.md")
PLACE = re.compile(r"<!-- (?P<what>\w+) -->\n.*?<!-- end -->", re.DOTALL)

EVENTS: tuple[type[events.Event], ...] = get_args(events.ObserverEvent)
VALUES: tuple[type[Enum], ...] = (events.Cause, events.RequestOutcome)

VARIABLES = {
    "api_key": ("DOJO_API_KEY", "DOJO_API_KEY_FILE"),
    "reseller_id": ("DOJO_RESELLER_ID",),
    "url": ("DOJO_EPOS_URL",),
    "api_url": ("DOJO_API_URL",),
    "proxy": ("HTTPS_PROXY", "NO_PROXY"),
}
"""Setting → the variables of the environment that it is taken from."""


def render() -> str:
    """The page with all its places filled."""
    makers: Mapping[str, Callable[[], Iterator[str]]] = {
        "events": all_events,
        "values": all_values,
        "settings": all_settings,
    }

    def fill(place: re.Match[str]) -> str:
        what = place["what"]
        return "\n".join([f"<!-- {what} -->", "", *makers[what](), "", "<!-- end -->"])

    return PLACE.sub(fill, PAGE.read_text(encoding="utf-8"))


def all_events() -> Iterator[str]:
    """All events as a table, and each of them with its members."""
    yield "| Event | Alarm | |"
    yield "|---|---|---|"
    for event in EVENTS:
        name, first = event.__name__, meaning(event)[0]
        yield f"| [`{name}`](#{name.lower()}) | {'**alarm**' if event.alarm else ''} | {first} |"
    for event in EVENTS:
        first, *more = meaning(event)
        yield f"\n### `{event.__name__}`\n"
        yield "\n\n".join([f"**Alarm.** {first}" if event.alarm else first, *more])
        yield "\n| Member | Type | |"
        yield "|---|---|---|"
        for name, kind in annotations(event).items():
            yield f"| `{name}` | {kind} | {told(event).get(name, '')} |"


def all_values() -> Iterator[str]:
    """What the members can be that are one of a few."""
    for kind in VALUES:
        begin = "" if kind is VALUES[0] else "\n"
        yield f"{begin}### `{kind.__name__}`\n"
        yield f"{' '.join(meaning(kind))}\n"
        yield "| Value | As text | |"
        yield "|---|---|---|"
        for each in kind:
            yield f"| `{each.name}` | `{each.value}` | {told(kind).get(each.name, '')} |"


def all_settings() -> Iterator[str]:
    """All settings as a table."""
    yield "| Setting | Environment | Type | Default | |"
    yield "|---|---|---|---|---|"
    kinds = annotations(Settings)
    for field in msgspec.structs.fields(Settings):
        name = field.name
        variables = ", ".join(f"`{variable}`" for variable in VARIABLES.get(name, ()))
        default = "**required**" if field.required else f"`{shown(field.default)}`"
        yield f"| `{name}` | {variables} | {kinds[name]} | {default} | {told(Settings)[name]} |"


def meaning(kind: type) -> list[str]:
    """The paragraphs of a docstring, each in one line."""
    text = inspect.cleandoc(kind.__doc__ or "")
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]


@cache
def body(kind: type) -> list[ast.stmt]:
    """What stands in a class, as it is written."""
    [node] = ast.parse(inspect.getsource(kind)).body
    found: list[ast.stmt] = getattr(node, "body", [])
    return found


def annotations(kind: type) -> dict[str, str]:
    """Member → its type as it is written, ready for a table."""
    return {
        ast.unparse(each.target): "`{}`".format(ast.unparse(each.annotation).replace("|", "\\|"))
        for each in body(kind)
        if isinstance(each, ast.AnnAssign)
    }


@cache
def told(kind: type) -> Mapping[str, str]:
    """Member → the text below it in the source."""
    found = {}
    for each, below in pairwise(body(kind)):
        match each, below:
            case (
                ast.AnnAssign(target=member) | ast.Assign(targets=[member]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[ast.unparse(member)] = " ".join(text.split())
    return found


def shown(default: Any) -> str:
    """A default as somebody would write it."""
    return f"{default:g}" if isinstance(default, float) else repr(default).replace("'", '"')


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
