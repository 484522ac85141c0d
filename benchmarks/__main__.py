"""`python -m benchmarks`: the library beside its peers. See docs/performance.md.

All rows take about a quarter of an hour, and want a machine that does nothing else.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from fnmatch import fnmatchcase
from functools import partial

from benchmarks.registry import ROWS
from benchmarks.report import record, table
from benchmarks.rows import ROUNDS, Row, lacking, measure


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 2 if there is no such row; a goal that is missed is no error."""
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help="such as asyncio, or 'latency*'; default: all"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default: {ROUNDS}")
    parser.add_argument("--smoke", action="store_true", help="only whether it works, in seconds")
    parser.add_argument(
        "--write",
        action="store_true",
        help="keep what was measured; else only a run of all rows is kept",
    )
    options = parser.parse_args(arguments)
    chosen = [row for row in ROWS if _is_chosen(row, options.rows)]
    if not chosen or options.rounds < 1:
        parser.error(f"there are: {', '.join(row.name for row in ROWS)}")
    tell = partial(print, file=sys.stderr, flush=True)
    measured = []
    for row in chosen:
        if missing := lacking(row):
            tell(f"{row.name}: not measured, since there is no {' and no '.join(missing)}")
        else:
            rounds = 1 if options.smoke else options.rounds
            measured.append(measure(row, rounds, smoke=options.smoke, tell=tell))
    sys.stdout.write(table(measured))
    if not options.smoke and options.rounds >= ROUNDS and (options.write or not options.rows):
        record(measured, [row.name for row in ROWS])
    return 0


def _is_chosen(row: Row, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(row.name, pattern) for pattern in patterns)


if __name__ == "__main__":
    sys.exit(main())
