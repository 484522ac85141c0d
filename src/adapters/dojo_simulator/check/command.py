"""What `dojo-epos check` does."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TextIO, cast

from dojo_adapters.cli.lines import untold
from dojo_adapters.cli.target import chosen_epos
from dojo_proto import ConfigurationError, __version__
from dojo_simulator.check.bench import Bench, Given
from dojo_simulator.check.framework import Check
from dojo_simulator.check.report import FORMS, Report, as_json, check_path, counted, line
from dojo_simulator.check.runner import chosen, hosted_bench, make, visited_bench
from dojo_simulator.errors import SimulatorError, WaitTimedOut
from dojo_simulator.simulate import rest_port, taken_ports_explained
from dojo_simulator.till_actions import TillActions

ARRIVAL = 60.0
"""Seconds that an EPOS has to connect which runs by itself: twice its longest pause."""


def run(arguments: Namespace) -> int:
    """Make the checks that the arguments ask for; return 0 if nothing failed, else 1.

    Raises ConfigurationError for arguments that do not fit, SimulatorError if no EPOS connects or
    a port is taken, OSError if a report cannot be written.
    """
    out = sys.stdout
    checks = chosen(arguments.only)
    if arguments.list:
        for check in checks:
            print(f"{check.id:7}{check.title}\n       → {check.expected}", file=out)
        return 0
    named = arguments.target is not None
    if (named and arguments.connect) or not (named or arguments.connect or arguments.epos):
        raise ConfigurationError("expected either MODULE:NAME or --connect")
    paths = [check_path(each) for each in arguments.report]
    # What the EPOS prints is no part of the report.
    with redirect_stdout(sys.stderr), untold():
        report = _check(arguments, checks, out)
    for path in paths:
        path.write_text(FORMS[path.suffix.lower()](report), encoding="utf-8")
    if arguments.format == "json":
        out.write(as_json(report))
    else:
        places = f"; the report is in {_listed(paths)}" if paths else ""
        print(f"\n{counted(report.findings)}{places}", file=out)
    return 1 if report.failed else 0


def _listed(paths: Sequence[Path]) -> str:
    *most, last = map(str, paths)
    return f"{', '.join(most)} and {last}" if most else last


def _check(arguments: Namespace, checks: tuple[Check, ...], out: TextIO) -> Report:
    def show(text: str) -> None:
        if arguments.format == "text":
            print(text, file=out, flush=True)

    served = "which runs by itself" if arguments.connect else f"served on {arguments.runtime}"
    with _bench(arguments, show) as bench:
        try:
            link = bench.await_that(lambda: bench.tap.newest, ARRIVAL)
        except WaitTimedOut:
            raise SimulatorError(f"no EPOS has connected within {ARRIVAL:g} s") from None
        name = dict(link.headers).get("software-house-id", "an EPOS without a name")
        show(f"checking {name}, {served}\n")
        findings = make(bench, checks, lambda finding: show(line(finding)))
    return Report(
        epos=name,
        served=served,
        version=__version__,
        made_at=datetime.now().astimezone(),
        findings=tuple(findings),
    )


@contextmanager
def _bench(arguments: Namespace, show: Callable[[str], object]) -> Iterator[Bench]:
    given = Given(
        orders=tuple(arguments.order),
        tables=tuple(arguments.table),
        waiter=arguments.waiter,
        item=arguments.item,
    )
    if arguments.connect:
        port, rest = arguments.port, rest_port(arguments.port)
        till = _load_till(arguments.till)
        visited = visited_bench(port, rest_port=rest, till=till, given=given)
        with taken_ports_explained(), visited as bench:
            show(f"waiting for an EPOS at ws://127.0.0.1:{port}/epos")
            yield bench
        return
    epos = chosen_epos(arguments)
    # A program that brings its own EPOS is its own module.
    beside = sys.modules[(arguments.target or "__main__").partition(":")[0]]
    till = _load_till(arguments.till) or getattr(beside, "till_actions", None)
    with hosted_bench(epos, runtime=arguments.runtime, till=till, given=given) as bench:
        yield bench


def _load_till(target: str | None) -> TillActions | None:
    if target is None:
        return None
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module, _, name = target.partition(":")
    try:
        return cast("TillActions", getattr(import_module(module), name))
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"--till: expected MODULE:NAME, got {target!r}: {error}") from None
