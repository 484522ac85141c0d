"""What the last run of each proof came to: kept as JSON, and shown in docs/evidence.md."""

import platform
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from tests.evidence.claims import CLAIMS
from tests.evidence.proofs import PROOFS, SUITES, Proof

from dojo_proto.version import __version__

DOCS = Path(__file__).parents[2] / "docs"
"""Has the page, and in `evidence` one file for each proof."""

BEGIN, END = "<!-- recorded -->\n", "<!-- end -->\n"

_HEAD = """\
# Evidence

What this project claims, the command that shows it, and what the last run of that came to.

**The commands write this page**; what is changed by hand does not last. A run is recorded if it
does at least what the plain command does, be it passed or failed: `make torture` is, and
`make torture ARGS="--payments 2000"` is not. The same is in [evidence](evidence) as JSON, with the
version, the Python and the system.

`make evidence` runs the suites that are listed at the end, one after the other, and
`make evidence ARGS="tls rest"` only these. Nothing is recorded of a suite in which a test was
skipped for want of something: it says what is missing.
"""


class Recorded(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run, as it is kept."""

    name: str
    command: str
    """As it was given."""
    result: str
    """In one line."""
    passed: bool
    date: str
    """UTC, as in RFC 3339."""
    version: str
    """Of this project."""
    python: str
    platform: str
    details: Any = None
    """What else the command wants to keep, as JSON."""


def record(
    name: str, *, command: str, result: str, passed: bool, details: object = None
) -> Recorded:
    """Keep a run of the proof `name` in the place of its last one, and render the page anew.

    `command` is what was run and begins with the proof's own; `result` is one line of plain text.
    Raises ValueError for a name that `proofs` does not have, and for another command.
    """
    if name not in PROOFS:
        raise ValueError(f"expected one of {', '.join(PROOFS)}, not {name!r}: see proofs.py")
    if not command.startswith(PROOFS[name].command):
        raise ValueError(f"{name} is shown by {PROOFS[name].command!r}, not by {command!r}")
    run = Recorded(
        name=name,
        command=command,
        result=" ".join(result.split()),
        passed=passed,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        version=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        platform=f"{platform.system()} {platform.machine()}",
        details=msgspec.to_builtins(details),
    )
    _write(_path(name), msgspec.json.format(msgspec.json.encode(run), indent=2) + b"\n")
    render()
    return run


def recorded(name: str) -> Recorded | None:
    """The last run of the proof `name` that was kept."""
    path = _path(name)
    return msgspec.json.decode(path.read_bytes(), type=Recorded) if path.exists() else None


def render() -> None:
    """Write the page."""
    runs = {name: run for name in PROOFS if (run := recorded(name)) is not None}
    _write(DOCS / "evidence.md", page(runs).encode())


def page(runs: Mapping[str, Recorded]) -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *_tables(runs)])


def _tables(runs: Mapping[str, Recorded]) -> Iterator[str]:
    for section, claims in CLAIMS.items():
        yield f"## {section}\n"
        yield "| What is claimed | Command | Last result | Date |\n|---|---|---|---|"
        for claim in claims:
            yield _row(claim.text, *_shown(PROOFS[claim.proof], runs.get(claim.proof)))
        yield ""
    yield "## What `make evidence` runs\n"
    yield "| Suite | Tests |\n|---|---|"
    for suite in SUITES.values():
        lowest = " with the lowest versions" if suite.lowest else ""
        yield _row(f"`{suite.name}`", f"`pytest {shlex.join(suite.tests)}`{lowest}")
    yield ""


def _shown(proof: Proof, run: Recorded | None) -> tuple[str, str, str]:
    """The command, what came of it, and when."""
    how = f"([how]({proof.page}))"
    if run is None:
        return f"`{proof.command}` {how}", "not run yet", ""
    return (
        f"`{run.command}` {how}",
        run.result if run.passed else f"**FAILED:** {run.result}",
        run.date,
    )


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def fill(name: str, text: str) -> None:
    """Put `text` into the place that docs/NAME has for what its command has recorded."""
    path = DOCS / name
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _write(path, f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}".encode())


def as_printed(run: Recorded, text: str) -> str:
    """What a page says of a run: how it was run, and `text`, which it printed."""
    return f"`{run.command}` on {run.date}, {run.python}:\n\n```\n{text}```\n"


def _path(name: str) -> Path:
    return DOCS / "evidence" / f"{name}.json"


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing: two commands may record at once."""
    path.parent.mkdir(exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)
