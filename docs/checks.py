#!/usr/bin/env python3
"""Fills docs/checks.md with the checks there are.

Run `python docs/checks.py` after one has changed; a test tells when that was forgotten.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from dojo_simulator.check import CHECKS

PAGE = Path(__file__).with_name("checks.md")
PLACE = re.compile(r"(?<=<!-- checks -->\n).*?(?=<!-- end -->)", re.DOTALL)


def rows() -> Iterator[str]:
    """A table for each flow, as lines."""
    for flow, checks in groupby(CHECKS, lambda check: check.flow):
        yield from ("", f"### {flow}", "", "| | What is done | What is expected | Source |")
        yield "|---|---|---|---|"
        for check in checks:
            cells = (f"`{check.id}`", check.title, check.expected, "; ".join(check.source))
            yield f"| {' | '.join(cells)} |"
    yield from ("", "")


def render() -> str:
    """The page, with the checks between its markers."""
    return PLACE.sub(lambda _: "\n".join(rows()), PAGE.read_text("utf-8"))


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
