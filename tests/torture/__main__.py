"""`python -m tests.torture`: payments in each runtime, while connections drop and tills are killed.

Then the books of both sides are compared to the penny. See docs/torture.md.
"""

import logging
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import mkdtemp

from tests.torture.runner import FOREVER, PAYMENTS, Job, Outcome, torture

from dojo_adapters.runtimes import RUNTIMES

_ROW = "{:8}  {:>8}  {:>5}  {:>5}  {:>7}  {:>7}  {}\n"
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
    titles = ("runtime", "payments", "kills", "drops", "retries", "seconds", "verdict")
    sys.stdout.write(_ROW.format(*titles))
    right = True
    for runtime in runtimes:
        sys.stdout.flush()
        job = Job(
            runtime=runtime,
            payments=options.payments,
            seed=options.seed,
            seconds=options.seconds,
        )
        folder = Path(mkdtemp(prefix=f"dojo-torture-{runtime}-"))
        wrongs = _told(torture(job, folder))
        right &= not wrongs
        if wrongs:
            sys.stdout.write(f"    seed {job.seed}; the till's books and log are in {folder}\n")
        else:
            shutil.rmtree(folder)
    return int(not right)


def _told(outcome: Outcome) -> int:
    """Print what came of it, and say how much is wrong."""
    wrongs = outcome.wrongs
    pounds = f"{outcome.pence // 100:,}.{outcome.pence % 100:02}"
    verdict = f"{len(wrongs)} WRONG" if wrongs else f"£{pounds} on both sides"
    sys.stdout.write(
        _ROW.format(
            outcome.runtime,
            outcome.payments,
            outcome.kills,
            outcome.drops,
            outcome.retries,
            f"{outcome.seconds:.1f}",
            verdict,
        )
    )
    for wrong in wrongs[:_MOST]:
        sys.stdout.write(f"    {wrong}\n")
    if len(wrongs) > _MOST:
        sys.stdout.write(f"    and {len(wrongs) - _MOST} more\n")
    return len(wrongs)


if __name__ == "__main__":
    sys.exit(main())
