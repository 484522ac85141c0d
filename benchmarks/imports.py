"""Rows: what it costs to begin, in a fresh interpreter with everything compiled."""

import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from functools import partial

from benchmarks.rows import Goal, Measure, Row

_RUNS = 5
_LAZY = "import websockets"
_HELP = "from dojo_adapters.cli import main; main(argv=['--help'])"


def milliseconds(code: str, *, smoke: bool) -> float:
    """Milliseconds of CPU time from the interpreter's start to its end, the kernel's included."""
    _run(code)  # compiles what is not compiled
    runs = 1 if smoke else _RUNS
    before = _spent()
    for _ in range(runs):
        _run(code)
    return 1000 * (_spent() - before) / runs


def _run(code: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    subprocess.run(  # noqa: S603 - this interpreter, and code of this module
        [sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL, check=True
    )


def _spent() -> float:
    """Seconds of CPU time of all children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _row(
    name: str, what: str, code: str, against: str, *peers: str, references: Sequence[str] = ()
) -> Row:
    contestants = (against, *peers, *references)
    measures: dict[str, Measure] = {each: partial(milliseconds, each) for each in contestants}
    return Row(
        name=name,
        what=what,
        unit="ms",
        better="less",
        goal=Goal(factor=1.0, against=against),
        ours=partial(milliseconds, code),
        peers=measures,
        peer_needs={each: each.split()[1].partition(".")[0] for each in contestants},
        references=references,
    )


_USED = "from websockets.asyncio.client import connect"

ROWS = (
    _row(
        "import",
        "`import dojo_adapters.asyncio`, interpreter included; websockets, too, imports nothing "
        "until it is used",
        "import dojo_adapters.asyncio",
        _LAZY,
        "import aiohttp",
        "import picows",
    ),
    _row(
        "import-used",
        "`from dojo_adapters.asyncio import run`, which has to import everything",
        "from dojo_adapters.asyncio import run",
        _USED,
        references=["import asyncio"],
    ),
    _row("help", "`dojo-epos --help`", _HELP, _LAZY),
)
