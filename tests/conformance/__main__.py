"""`python -m tests.conformance`: RFC 6455 by the Autobahn test suite, the library in both roles.

See docs/conformance.md.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from subprocess import CalledProcessError

from tests.conformance.record import keep
from tests.conformance.roles import ROLES, play
from tests.conformance.suite import HOME, NoPython, install
from tests.conformance.table import Results, rows, table

_COMPRESSION = ("12.*", "13.*")
_ALL, _UNCOMPRESSED = 517, 301
"""How many cases there are; with fewer the suite itself is not what it was."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if a case went wrong, 2 if the suite cannot be had."""
    parser = ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE", help="such as 7.9.1, 7.9.* or 7.*; default: all"
    )
    parser.add_argument("--role", choices=(*ROLES, "both"), default="both", help="of the library")
    parser.add_argument("--no-compression", action="store_true", help="leave out 12.* and 13.*")
    parser.add_argument("--python", metavar="PATH", help="a Python 2.7 to install the suite with")
    parser.add_argument(
        "--if-possible", action="store_true", help="without Python 2.7 say so, and end well"
    )
    options = parser.parse_args(arguments)
    try:
        install(options.python)
    except NoPython as missing:
        print(f"skipped: {missing}" if options.if_possible else missing)
        return 0 if options.if_possible else 2
    except CalledProcessError as failed:
        print(failed)
        return 2
    print(f"running; the suite tells how far it is in {HOME.name}/*/log", flush=True)
    roles = ROLES if options.role == "both" else (options.role,)
    # The suite and the driver wait for one another, so that a role keeps one core busy.
    with ProcessPoolExecutor(len(roles)) as pool:
        without = _COMPRESSION if options.no_compression else ()
        results = list(pool.map(partial(_play, options.cases or ["*"], without), roles))
    lines = list(rows(results))
    print(table(lines), end="")
    bad = [f"{result.role} {case}" for result in results for case in result.bad()]
    if not options.cases:
        expected = _UNCOMPRESSED if options.no_compression else _ALL
        bad += [
            f"{result.role}: expected {expected} cases, ran {len(result.cases)}"
            for result in results
            if len(result.cases) != expected
        ]
    if not options.cases and not options.no_compression and roles == ROLES:
        keep(lines, bad)
    for each in bad:
        print("bad:", each)
    return int(bool(bad))


def _play(cases: Sequence[str], without: Sequence[str], role: str) -> Results:
    return play(role, cases, without=without, folder=HOME / role)


if __name__ == "__main__":
    sys.exit(main())
