"""Rows: how long a single request takes at a steady 2,000 a second, which keeps nobody busy."""

from collections import Counter
from functools import partial

from benchmarks.load import check_answers, connected, latencies
from benchmarks.rows import Goal, Row

RATE = 2000.0


class Runs:
    """The runs of one contestant, each in a fresh process.

    The rows of the percentiles share them: the first that comes to its n-th round has it run.
    """

    def __init__(self, contestant: str, loop: str) -> None:
        self._contestant = contestant
        self._loop = loop
        self._runs: dict[bool, list[list[float]]] = {False: [], True: []}
        self._seen: Counter[tuple[float, bool]] = Counter()

    def within(self, share: float, *, smoke: bool) -> float:
        """Microseconds within which a `share` of the requests is answered, in the next run."""
        runs, number = self._runs[smoke], self._seen[share, smoke]
        self._seen[share, smoke] += 1
        if number == len(runs):
            runs.append(self._run(smoke=smoke))
        return 1e6 * runs[number][int(share * (len(runs[number]) - 1))]

    def _run(self, *, smoke: bool) -> list[float]:
        with connected(self._contestant, self._loop) as sock:
            check_answers(sock)
            if smoke:
                return latencies(sock, rate=RATE, seconds=0.02, warm_up=0.01)
            return latencies(sock, rate=RATE, seconds=2.0, warm_up=0.5)


def _rows(loop: str, *peers: str) -> tuple[Row, ...]:
    ours, theirs = Runs("ours", loop), {peer: Runs(peer, loop) for peer in peers}
    return tuple(
        Row(
            name=f"latency-p{percent}-{loop}",
            what=f"time within which {percent} of 100 requests are answered, when {RATE:,.0f} come "
            f"in a second, on {loop}",
            unit="µs",
            better="less",
            goal=Goal(factor=1.0),
            ours=partial(ours.within, percent / 100),
            peers={peer: partial(runs.within, percent / 100) for peer, runs in theirs.items()},
            needs=("uvloop",) if loop == "uvloop" else (),
        )
        for percent in (50, 99)
    )


ROWS = tuple(
    row for loop in ("asyncio", "uvloop") for row in _rows(loop, "picows", "aiohttp", "websockets")
)
