"""`python -m tests.soak`: a till in each runtime that serves and reconnects for a long time.

What that costs is measured all the while. See docs/soak.md. The outcome of a complete run in all
runtimes is recorded in docs/evidence.md.
"""

import asyncio
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import mkdtemp

from tests.soak.record import TITLES, Summary, keep, line, summary
from tests.soak.runner import JOURNALS, Job, soak
from tests.soak.runner import RUNTIMES as ALL
from tests.soak.verdict import measure, wrongs

from dojo_adapters.runtimes import RUNTIMES

REQUESTS = 1_000_000
RECONNECTS = 2_000


def main() -> int:
    """Exit code 1 if a bound is broken."""
    parser = ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, metavar="N", help="in each")
    parser.add_argument("--reconnects", type=int, default=RECONNECTS, metavar="N", help="in each")
    parser.add_argument("--rests", type=int, default=24, metavar="N", help="measure so often")
    parser.add_argument("--runtime", choices=(*ALL, "all"), default="all")
    parser.add_argument("--journal", choices=JOURNALS, help="instead of each runtime's own")
    parser.add_argument("--seed", type=int, default=0, help="of all that is left to chance")
    options = parser.parse_args()
    if sys.platform != "linux":
        parser.error("what is measured is in Linux's /proc, which this system does not have")
    if options.rests < 4 or options.requests < 100 * options.rests or options.reconnects < 0:
        parser.error("expected 4 rests or more, and 100 requests or more for each")
    sys.stdout.write(TITLES)
    summaries = []
    for runtime in RUNTIMES if options.runtime == "all" else (options.runtime,):
        sys.stdout.flush()
        job = Job(
            runtime=runtime,
            journal=options.journal or ALL[runtime],
            requests=options.requests,
            reconnects=options.reconnects,
            rests=options.rests,
            seed=options.seed,
        )
        summaries.append(_run(job))
    complete = options.requests >= REQUESTS and options.reconnects >= RECONNECTS
    if complete and options.runtime == "all" and options.journal is None:
        arguments = f"--requests {options.requests} --reconnects {options.reconnects}"
        keep(summaries, command=f'make soak ARGS="{arguments} --seed {options.seed}"')
    return int(any(each.wrongs for each in summaries))


def _run(job: Job) -> Summary:
    """Do it, and print what came of it."""
    folder = Path(mkdtemp(prefix=f"dojo-soak-{job.runtime}-"))
    try:
        outcome = asyncio.run(soak(job, folder))
    finally:
        shutil.rmtree(folder)
    measured = measure(outcome)
    it = summary(outcome, measured, wrongs(outcome, measured))
    sys.stdout.write(line(it))
    for wrong in it.wrongs:
        sys.stdout.write(f"    {wrong}\n")
    return it


if __name__ == "__main__":
    sys.exit(main())
