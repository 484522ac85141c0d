"""One till of one runtime, tortured; and what came of it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from time import monotonic

import msgspec
from tests.torture.payers import DROPS, Payers
from tests.torture.plan import plan
from tests.torture.till import Till
from tests.torture.told import Told, compare

from dojo_simulator import LocalGateway
from dojo_simulator.errors import WaitTimedOut

PAYMENTS = 10_000
FOREVER = 1e9

_STARTING = 10.0
"""Seconds in which a till should be connected."""
_AT_ONCE = 0.2
"""The share of kills that do not wait for that."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to which till."""

    runtime: str
    payments: int = PAYMENTS
    seed: int = 0
    seconds: float = FOREVER
    """No payment is begun after that."""
    kill_every: float = 3.0
    """Seconds, on average."""
    callers: int = 8
    target: str = "dojo_simulator.restaurant:epos"
    journal: str = "sqlite:{database}"


class Outcome(msgspec.Struct, kw_only=True):
    """What came of it."""

    runtime: str
    payments: int
    kills: int
    drops: int
    """Connections that were made to end."""
    retries: int
    """Requests beyond the first one of each payment."""
    seconds: float
    pence: int
    """In the till's book."""
    wrongs: Sequence[str]
    """What is not as it should be; nothing, if all is well."""


def torture(job: Job, folder: Path) -> Outcome:
    """Do it, with the till's books and its log in `folder`, which is empty."""
    payments = plan(folder / "restaurant.db", job.payments, job.seed)
    told = Told(payments)
    with LocalGateway(on_event=told) as gateway:
        till = Till(
            folder, target=job.target, runtime=job.runtime, journal=job.journal, url=gateway.url
        )
        try:
            till.start()
            with suppress(WaitTimedOut):
                gateway.wait_for_epos(_STARTING)
            began = monotonic()
            payers = Payers(
                gateway, payments, seed=job.seed, callers=job.callers, seconds=job.seconds
            )
            kills, wrong = _kill_often(till, payers, gateway, job)
            seconds = monotonic() - began
        finally:
            till.kill()
    booked = till.bookings()
    return Outcome(
        runtime=job.runtime,
        payments=len(payers.sent),
        kills=kills,
        drops=sum(told.faults[kind] for kind in DROPS),
        retries=told.requests - len(payers.sent),
        seconds=seconds,
        pence=sum(each.paid + each.tips for each in booked),
        wrongs=[
            *filter(None, [wrong]),
            *compare(payers.sent, told, booked, open_rows=till.open_rows()),
        ],
    )


def _kill_often(till: Till, payers: Payers, gateway: LocalGateway, job: Job) -> tuple[int, str]:
    """Kill the till and start it again until all is paid; how often, and what else ended it."""
    chance = Random(f"{job.seed}/kills")  # noqa: S311 - no secret
    kills = 0
    while not payers.finished.wait(chance.uniform(0.1, 2 * job.kill_every - 0.1)):
        wrong = till.kill()
        if wrong:
            payers.stop()
            return kills, wrong
        kills += 1
        newest = gateway.connections[-1] if gateway.connections else None
        till.start()
        if chance.random() > _AT_ONCE:
            with suppress(WaitTimedOut):  # the next life may be better
                gateway.wait_for_epos(_STARTING, after=newest)
    return kills, till.kill()
