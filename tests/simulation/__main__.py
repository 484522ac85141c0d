"""`python -m tests.simulation`: many seeds at once, or one with all that happens in it.

What came of 10,000 or more is recorded in docs/evidence.md.
"""

import sys
import time
from argparse import ArgumentParser
from os import cpu_count

from tests.evidence.record import record
from tests.simulation.faults import FAULTS
from tests.simulation.runner import explain, live, result, run_all, summarise
from tests.simulation.world import World

COMMAND = "python -m tests.simulation"
FULL = 10_000
"""Seeds of a run that is recorded, or more."""


def main() -> int:
    """Exit code 1 if a promise was broken."""
    parser = ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one, and say what happens")
    parser.add_argument("--seeds", type=int, default=FULL, metavar="N", help="run so many")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="from this one on")
    parser.add_argument("--jobs", type=int, default=cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--plant", choices=sorted(FAULTS), default="", help="with this fault")
    options = parser.parse_args()
    planted = f" --plant {options.plant}" if options.plant else ""
    if options.seed is not None:
        world = World(options.seed, tracing=True)
        error = live(world, options.plant)
        sys.stdout.write("\n".join(world.trace) + "\n")
        if error is not None:
            sys.stdout.write(f"\n{explain(error)}\n")
        return int(error is not None)
    began = time.monotonic()
    report = run_all(
        range(options.first, options.first + options.seeds),
        jobs=options.jobs,
        plant=options.plant,
        progress=sys.stderr if sys.stderr.isatty() else None,
    )
    summarise(report, time.monotonic() - began, f"{COMMAND}{planted} --seed")
    if options.seeds >= FULL and not options.plant:
        first = f' ARGS="--first {options.first}"' if options.first else ""
        record(
            "simulation",
            command=f"make simulate SEEDS={options.seeds}{first}",
            result=result(report),
            passed=not report.failures,
        )
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())
