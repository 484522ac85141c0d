"""`python -m tests.evidence`: run the suites of tests that show a claim, and record each.

What has a command of its own (`make simulate`, `make torture`, `make conformance`, `make fuzz`,
`make soak`) records itself. See docs/evidence.md.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from tests.evidence.proofs import SUITES, Proof
from tests.evidence.record import record, render
from tests.evidence.suites import CannotRun, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if a test failed, 2 if a suite could not run, or not all of it."""
    parser = ArgumentParser(prog="python -m tests.evidence", description=__doc__)
    parser.add_argument(
        "suites", nargs="*", choices=[[], *SUITES], metavar="SUITE", help="default: all"
    )
    parser.add_argument("--render", action="store_true", help="run nothing; write the page anew")
    options = parser.parse_args(arguments)
    if options.render:
        render()
        return 0
    return max([_show(SUITES[name]) for name in options.suites or SUITES])


def _show(suite: Proof) -> int:
    print(f"{suite.name}: ", end="", flush=True)
    try:
        ran = run(suite)
    except CannotRun as reason:
        print(f"not recorded: {reason}")
        return 2
    print(ran.in_a_line())
    for each in ran.bad:
        print(f"    failed: {each}")
    for each in ran.missing:
        print(f"    skipped, so nothing is recorded: {each}")
    if not ran.missing:
        record(suite.name, command=suite.command, result=ran.in_a_line(), passed=ran.good)
    return 2 if ran.missing else int(not ran.good)


if __name__ == "__main__":
    sys.exit(main())
