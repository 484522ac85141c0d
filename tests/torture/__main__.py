"""`python -m tests.torture`: payments in each runtime, while connections drop and tills are killed.

Then the books of both sides are compared to the penny. See docs/torture.md. Of 10,000 payments or
more in all runtimes the outcome is recorded in docs/evidence.md.
"""

import logging
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from tests.torture.record import TITLES, keep, line
from tests.torture.runner import FOREVER, PAYMENTS, Job, torture

from dojo_adapters.runtimes import RUNTIMES

_MOST = 20
"""Wrongs that are printed of one runtime."""


def main() -> int:
    """Exit code 1 if the books differ."""
    parser = ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--payments", type=int, default=PAYMENTS, metavar="N", help="in each")
    parser.add_argument("--runtime", choices=(*RUNTIMES, "all"), default="all")
    parser.add_argument("--seed", type=int, default=0, help="of all that is left to chance")
    parser.add_argument(
        "--seconds", type=float, default=FOREVER, help="in each; begin no payment after that"
    )
    options = parser.parse_args()
    runtimes = RUNTIMES if options.runtime == "all" else (options.runtime,)
    # asyncio warns of writes to a connection that is lost: here that is no news.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    sys.stdout.write(TITLES)
    outcomes = []
    for runtime in runtimes:
        sys.stdout.flush()
        job = Job(
            runtime=runtime,
            payments=options.payments,
            seed=options.seed,
            seconds=options.seconds,
        )
        folder = Path(mkdtemp(prefix=f"dojo-torture-{runtime}-"))
        outcome = torture(job, folder)
        outcomes.append(outcome)
        sys.stdout.write(line(outcome))
        if outcome.wrongs:
            _tell(outcome.wrongs)
            sys.stdout.write(f"    seed {job.seed}; the till's books and log are in {folder}\n")
        else:
            shutil.rmtree(folder)
    if runtimes == RUNTIMES and options.payments >= PAYMENTS and options.seconds >= FOREVER:
        keep(outcomes, command=_command(options.payments, options.seed))
    return int(any(outcome.wrongs for outcome in outcomes))


def _command(payments: int, seed: int) -> str:
    """How a run of all runtimes is asked for."""
    chosen = [f"--payments {payments}"] if payments != PAYMENTS else []
    chosen += [f"--seed {seed}"] if seed else []
    return f'make torture ARGS="{" ".join(chosen)}"' if chosen else "make torture"


def _tell(wrongs: Sequence[str]) -> None:
    for wrong in wrongs[:_MOST]:
        sys.stdout.write(f"    {wrong}\n")
    if len(wrongs) > _MOST:
        sys.stdout.write(f"    and {len(wrongs) - _MOST} more\n")


if __name__ == "__main__":
    sys.exit(main())
