#!/usr/bin/env python3
"""Fills docs/contract/*.md with what the code says of methods and types.

Each page has places like `<!-- method GetOrderById -->` … `<!-- end -->`: what stands between is
made from the method table and the types. Run `python docs/members.py` after one of them has
changed; a test tells when that was forgotten.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Meta

from dojo_proto import contract
from dojo_proto.contract import BY_NAME, METHODS, Kind, Method, OpenEnum
from dojo_proto.contract.shape import Sent, is_shape, members

PAGES = Path(__file__).with_name("contract")
PLACE = re.compile(
    r"<!-- (?P<what>methods|method|type)(?: (?P<name>\w+))? -->.*?<!-- end -->", re.DOTALL
)

KINDS = {
    Kind.READ: "read",
    Kind.CHANGE: "changes the till",
    Kind.MONEY: "books money",
}
PLAIN: Mapping[Any, str] = {str: "text", int: "whole number", bool: "yes or no", datetime: "time"}


def render(page: Path) -> str:
    """A page with all its places filled."""

    def fill(place: re.Match[str]) -> str:
        name = place["name"] or ""
        match place["what"]:
            case "method":
                lines = [*method_facts(BY_NAME[name]), "", *table(BY_NAME[name].params)]
            case "type":
                lines = list(type_facts(getattr(contract, name)))
            case _:
                lines = list(methods())
        begin = place[0].partition("-->")[0]
        return "\n".join([f"{begin}-->", "", *lines, "", "<!-- end -->"])

    return PLACE.sub(fill, page.read_text(encoding="utf-8"))


def methods() -> Iterator[str]:
    """All methods, as a table."""
    yield "| Method | | Params | Result |"
    yield "|---|---|---|---|"
    for method in METHODS:
        page = home(method.params)
        yield (
            f"| [`{method.name}`]({page}#{method.name.lower()}) | {KINDS[method.kind]} "
            f"| `{method.params.__name__}` | {result(method)} |"
        )


def method_facts(method: Method) -> Iterator[str]:
    """What the method table says of one method."""
    keys = " + ".join(f"`{name}`" for name in method.natural_key) or "none"
    yield f"- On the wire: `{method.wire}`"
    yield f"- Capabilities: {', '.join(f'`{name}`' for name in method.capabilities)}"
    if method.aliases:
        yield f"- Older capability name: {', '.join(f'`{name}`' for name in method.aliases)}"
    yield f"- Kind: {KINDS[method.kind]}"
    if method.kind is not Kind.READ:
        yield f"- Natural key: {keys}"
    yield f"- Params: `{method.params.__name__}`"
    yield f"- Result: {result(method)}"


def result(method: Method) -> str:
    """The type of a method's result, in words."""
    return "`{}`" if method.result is None else words(method.result)


def type_facts(kind: Any) -> Iterator[str]:
    """A type under a headline: what it is, and its members or texts."""
    yield f"### `{kind.__name__}`"
    yield ""
    yield from textwrap.wrap(inspect.cleandoc(kind.__doc__).replace("\n\n", " "), 99)
    yield ""
    if issubclass(kind, OpenEnum):
        yield ", ".join(f"`{member.name}` (`{member.value}`)" for member in kind)
    else:
        yield from table(kind)


def table(kind: Any) -> Iterator[str]:
    """The members of a type, but for `headers`, which all params have."""
    rows = {wire: member for wire, member in members(kind).items() if wire != "headers"}
    if not rows:
        yield "No members but `headers`."
        return
    yield "| Field | On the wire | Type | |"
    yield "|---|---|---|---|"
    for wire, member in rows.items():
        needed = "**required** " if member.required else ""
        meaning = (needed + meanings(kind).get(member.name, "")).strip()
        yield f"| `{member.name}` | `{wire}` | {words(member.type)} | {meaning} |"


def words(kind: Any) -> str:
    """What a member's annotation says, for people."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        metas = (each.meta if isinstance(each, Sent) else each for each in arguments[1:])
        return ", ".join([words(arguments[0]), *(text for meta in metas for text in bounds(meta))])
    if origin in {Union, UnionType}:
        return " or ".join(words(each) for each in arguments if each is not NoneType)
    if origin is list:
        return f"list of {words(arguments[0])}"
    if kind in PLAIN:
        return PLAIN[kind]
    return f"[`{kind.__name__}`]({home(kind)}#{kind.__name__.lower()})"


def bounds(meta: Meta) -> Iterator[str]:
    """The limits of a value that are worth reading; what int64 holds is enough for anybody."""
    if meta.ge is not None and meta.le is not None and meta.le <= 100:
        yield f"{meta.ge} to {meta.le}"
    if meta.min_length:
        yield f"at least {meta.min_length}"
    if meta.max_length:
        yield f"at most {meta.max_length}"


@cache
def home(kind: Any) -> str:
    """The page of a type: the one that has a place for it, or for the method that takes it."""
    name = kind.__name__
    marks = f"<!-- type {name} -->", f"<!-- method {name.removesuffix('Params')} -->"
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        if any(mark in text for mark in marks):
            return page.name
    raise LookupError(f"no page in {PAGES.name} has {' or '.join(marks)}")


@cache
def meanings(kind: Any) -> Mapping[str, str]:
    """Field → the text below it in the source, for a type and those that it inherits from."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if is_shape(base):
            [node] = ast.parse(inspect.getsource(base)).body
            found |= _texts(node)
    return found


def _texts(node: ast.stmt) -> Iterator[tuple[str, str]]:
    body = getattr(node, "body", [])
    for field, below in pairwise(body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())


if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(render(path), encoding="utf-8")
