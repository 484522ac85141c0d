"""What a seed makes of the world: how the till is built, and what goes wrong, how often.

Each seed leaves most faults out, and has the others more often for it: faults that always come
together hide one another.
"""

from random import Random
from typing import Any, Literal

import msgspec

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """Drawn from the seed before anything happens. Times are seconds, shares 0 to 1."""

    # The till.
    till: Literal["plain", "keyed", "recorded"]
    """What it books together with the effect: nothing; the idempotency key, which it finds there
    the next time; or the journal's row."""
    lookup: bool
    settles: bool
    """When it starts, it says of what is open whether it is booked."""
    threaded: bool
    """Its handlers are `def`, and need a worker."""
    settings: dict[str, Any]

    # How long, and how much.
    chaos: float
    """Things go wrong for so long."""
    afternoon: float
    """Then there is little to do for so long."""
    night: float
    """Then the till is off for so long; and then the world heals."""
    deeds: int
    retry_every: float
    timeout: float
    """After which the gateway gives up one request."""
    ids: Literal["same", "new", "by-link"]
    """Of a retry: as before, never seen before, or counted from 1 on each link."""

    # Faults: how many in an hour of chaos.
    crashes: float = 0.0
    stops: float = 0.0
    drops: float = 0.0
    half_open: float = 0.0
    stalls: float = 0.0
    refusals: float = 0.0
    sleeps: float = 0.0
    clock_jumps: float = 0.0
    disk_faults: float = 0.0

    # Faults: the share of occasions.
    crash_at_step: float = 0.0
    handler_fault: float = 0.0
    slow_handler: float = 0.0
    lookup_fault: float = 0.0
    duplicate: float = 0.0
    other_amount: float = 0.0
    again_later: float = 0.0
    """Of deeds that are answered and asked for once more, up to days later."""

    # The network.
    latency: float
    split: float
    """The share of writes that arrive in pieces."""
    bandwidth: float
    """Bytes a second from the till to the gateway."""

    # The disk.
    sync: float
    """Seconds that a sync takes at the most, while the disk is well."""

    @property
    def careful(self) -> bool:
        """Whether the till can find out whether something is booked."""
        return self.till != "plain" or self.lookup


def draw(dice: Random) -> Scenario:
    """The scenario of a seed, by the first throws of its dice."""

    def sometimes(share: float, most: float) -> float:
        return dice.uniform(0.1, 1.0) * most if dice.random() < share else 0.0

    pings = dice.choice([(20.0, 10.0), (20.0, 10.0), (20.0, 10.0), (5.0, 4.0)])
    settings: dict[str, Any] = {
        "api_key": "sk_sandbox_c4nary",
        "url": "ws://127.0.0.1:8080/epos",
        "auth_retry": dice.choice(["always", "after-success"]),
        "jitter": dice.choice([0.0, 0.5]),
        "ping_interval": pings[0],
        "pong_timeout": pings[1],
        "max_in_flight": dice.choice([1, 2, 64, 64]),
        "max_queued": dice.choice([0, 1, 256, 256]),
        "queue_timeout": dice.choice([0.5, 5.0]),
        "workers": dice.choice([2, 8]),
        "drain_timeout": dice.choice([0.0, 2.0, 8.0]),
    }
    return Scenario(
        till=dice.choice(["plain", "keyed", "recorded"]),
        lookup=dice.random() < 0.5,
        settles=dice.random() < 0.3,
        threaded=dice.random() < 0.5,
        settings=settings,
        chaos=dice.uniform(1.5, 6) * MINUTE,
        afternoon=dice.uniform(0.5, 2) * HOUR if dice.random() < 0.2 else 0.0,
        night=_night(dice),
        deeds=dice.randint(2, 9),
        retry_every=dice.choice([3.0, 10.0, 30.0]),
        timeout=dice.choice([3.0, 15.0, 60.0]),
        ids=dice.choice(["same", "new", "by-link"]),
        crashes=sometimes(0.4, 40),
        stops=sometimes(0.4, 60),
        drops=sometimes(0.5, 80),
        half_open=sometimes(0.3, 30),
        stalls=sometimes(0.3, 60),
        refusals=sometimes(0.3, 30),
        sleeps=sometimes(0.2, 10),
        clock_jumps=sometimes(0.2, 20),
        disk_faults=sometimes(0.4, 50),
        crash_at_step=sometimes(0.3, 0.06),
        handler_fault=sometimes(0.5, 0.7),
        slow_handler=sometimes(0.5, 0.8),
        lookup_fault=sometimes(0.3, 0.5),
        duplicate=sometimes(0.5, 0.5),
        other_amount=sometimes(0.3, 0.3),
        again_later=sometimes(0.6, 0.8),
        latency=dice.choice([0.001, 0.05, 1.0]),
        split=dice.choice([0.0, 0.1]),
        bandwidth=dice.choice([1e7, 1e7, 2e3]),
        sync=dice.choice([0.01, 0.1, 2.0]),
    )


def _night(dice: Random) -> float:
    roll = dice.random()
    return dice.uniform(1, 12) * HOUR if roll < 0.2 else 8 * DAY if roll < 0.25 else 0.0
