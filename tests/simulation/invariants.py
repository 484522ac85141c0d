"""What may never happen. Every check of the simulation is here; the facts are in `ledger`."""

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING

from tests.simulation.deeds import Deed

from dojo_proto.journal import KEY_WINDOW, REPEAT_WINDOW

if TYPE_CHECKING:
    from tests.simulation.ledger import DeedFacts, LinkFacts, Run

GRACE = 1.0
"""Seconds that a ping or a pong may be late."""
_ROUNDING = 1e-6
MOST_EVENTS = 500_000
"""In one world: a hundred times what they need."""


class Invariant(Enum):
    """The project's promises, by name."""

    BOOKED_IS_ANSWERED_SO = (
        "Once a payment is booked, no later answer to it is an error, nor is one given while a run "
        "is under way that then books it; no answer claims a booking that is not durable."
    )
    ONCE = (
        "However often a request is delivered, its effect happens exactly once if the till books "
        "the idempotency key with it, or has a lookup. Otherwise a possible second run is flagged "
        "`redelivered`, and for money it happens only after a crash."
    )
    ANSWERED = (
        "Every delivery on a living link is answered at most once, and none is forgotten; every "
        "request that the gateway keeps retrying is answered in the end, if handlers return and "
        "the disk works."
    )
    TO_WHOM_IT_CONCERNS = (
        "An answer never goes out on another link than its request came in on, nor with another "
        "request's content."
    )
    ALIVE = (
        "While a link is up, the peer never waits more than `ping_interval` + 1 s for some frame, "
        "nor longer than 1 s for a pong, whatever the handlers do."
    )
    HEARD = (
        "An answer counts as confirmed only when the pong to a ping that left behind it has come "
        "in on the same link; a payment that is booked and not confirmed is reported."
    )
    POLITE = (
        "After a connection that did not last, the next dial waits as long as the backoff says, "
        "and the till never spins."
    )


class Violation(Exception):
    """A promise is broken."""

    def __init__(self, invariant: Invariant, what: str) -> None:
        super().__init__(f"{invariant.name}: {what}\n  ({invariant.value})")
        self.invariant = invariant


def _require(truth: bool, invariant: Invariant, what: str) -> None:
    if not truth:
        raise Violation(invariant, what)


# The effect.


def window(deed: Deed) -> float:
    """Seconds after its commit within which another request for the deed is a repeat."""
    return KEY_WINDOW if deed.keyed else REPEAT_WINDOW


def may_run(deed: "DeedFacts", run: "Run", *, may_be_second: bool) -> None:
    """`run` of the handler starts. `may_be_second`: it has run before, or another process has."""
    what = f"run {run.number} of {deed.name}"
    _require(not deed.remembered, Invariant.ONCE, f"{what} starts, and it is booked and committed")
    for earlier in deed.runs:
        if earlier.harmless:
            continue
        follows = f"{what} follows run {earlier.number}, which may have done it,"
        _require(run.redelivered, Invariant.ONCE, f"{follows} and is not flagged redelivered")
        _require(
            earlier.life < run.life or not (deed.deed.is_money or earlier.ended is None),
            Invariant.ONCE,
            f"{follows} in the same process",
        )
    _require(
        may_be_second or not run.redelivered,
        Invariant.ONCE,
        f"{what} is flagged redelivered, and it is the first",
    )


def may_book(deed: "DeedFacts", run: "Run", *, careful: bool) -> None:
    """`run` has booked. `careful`: the till can find out what is booked."""
    _require(
        not careful or deed.effects < deed.allowed,
        Invariant.ONCE,
        f"run {run.number} has done {deed.name} once more, after {deed.effects} times",
    )
    early = [at for at in deed.errors if run.started < at]
    _require(
        not (deed.deed.is_money and early),
        Invariant.BOOKED_IS_ANSWERED_SO,
        f"run {run.number} books {deed.name}; an error was answered while it ran, at {early}",
    )


# The answers.


def may_answer(link: "LinkFacts", request_id: str, links: "Iterable[LinkFacts]") -> None:
    """An answer to `request_id` leaves on `link`."""
    if request_id in link.open:
        return
    elsewhere = [other.name for other in links if request_id in other.deliveries]
    asked = link.deliveries.get(request_id, 0)
    _require(
        asked > 0,
        Invariant.TO_WHOM_IT_CONCERNS,
        f"{request_id} is answered on {link.name}, and came in on {elsewhere}",
    )
    raise Violation(
        Invariant.ANSWERED,
        f"{request_id} came in {asked} times on {link.name}, and is answered once more",
    )


def may_succeed(deed: "DeedFacts", told: str, *, journaled: bool) -> None:
    """A success is answered, which tells about `told`. `journaled`: the journal has it."""
    _require(
        told == deed.deed.token,
        Invariant.TO_WHOM_IT_CONCERNS,
        f"the answer to {deed.name} is about {told}",
    )
    if not deed.deed.reads:
        success = f"{deed.name} is answered with success, and "
        _require(deed.effects > 0, Invariant.BOOKED_IS_ANSWERED_SO, f"{success}the books lack it")
        _require(journaled, Invariant.BOOKED_IS_ANSWERED_SO, f"{success}the journal lacks it")


def may_fail(deed: "DeedFacts", since: float, error_type: str) -> None:
    """An error is answered, made at `since` at the earliest."""
    booked = deed.booked_at
    known = booked is not None and booked <= since < booked + KEY_WINDOW
    _require(
        not (deed.deed.is_money and known),
        Invariant.BOOKED_IS_ANSWERED_SO,
        f"{deed.name} was booked at {booked}, and is answered with {error_type}",
    )


def may_refuse(deed: "DeedFacts", run: "Run", request_id: str, came: float) -> None:
    """The handler's refusal in `run` is answered to `request_id`, which came in at `came`."""
    _require(
        run.deed is deed,
        Invariant.TO_WHOM_IT_CONCERNS,
        f"{deed.name} is answered with the refusal of {run.deed.name}",
    )
    _require(
        run.settled is None or came <= max(run.settled, deed.repeated),
        Invariant.TO_WHOM_IT_CONCERNS,
        f"{request_id} for {deed.name} came after run {run.number}, and is answered with its "
        "refusal: by natural key only a success is remembered",
    )


def at_rest(link: "LinkFacts") -> None:
    """Nothing is under way in the till, and nothing waits to leave on `link`, which is open."""
    _require(
        not link.open,
        Invariant.ANSWERED,
        f"nothing runs any more, and on {link.name} nobody answers {[*link.open]}",
    )


def at_the_end(unanswered: list[str]) -> None:
    """The world has been well for long."""
    _require(
        not unanswered,
        Invariant.ANSWERED,
        f"the gateway has kept asking, and got no answer to {unanswered}",
    )


# Whether it has arrived.


def may_confirm(deed: "DeedFacts") -> None:
    """The library says that the gateway has an answer about it."""
    _require(
        deed.heard,
        Invariant.HEARD,
        f"{deed.name} counts as confirmed, and no pong has proven that an answer arrived",
    )


def may_end(deed: "DeedFacts", *, kept: bool) -> None:
    """It is long after everything. `kept`: the journal has its success."""
    _require(
        not (deed.deed.is_money and kept) or deed.heard or deed.reported,
        Invariant.HEARD,
        f"{deed.name} is booked, and nobody is told that the gateway may not have the answer",
    )


# The link.


def kept_alive(link: "LinkFacts", now: float, ping_interval: float) -> None:
    """A frame leaves, or the link ends."""
    silent = now - link.silent_since
    _require(
        silent <= ping_interval + GRACE,
        Invariant.ALIVE,
        f"the gateway has heard nothing on {link.name} for {silent:.3f} s",
    )


def ponged(link: "LinkFacts", now: float) -> None:
    """A pong leaves, or the link ends."""
    if link.pinged_at is not None:
        waited = now - max(link.pinged_at, link.free_since)
        _require(
            waited <= GRACE,
            Invariant.ALIVE,
            f"the gateway has waited for a pong on {link.name} for {waited:.3f} s",
        )


def pong_first(link: "LinkFacts", *, begun: bool) -> None:
    """A message leaves; `begun` says that its first bytes left before."""
    _require(
        link.pinged_at is None or begun,
        Invariant.ALIVE,
        f"a message leaves on {link.name} before the pong that is due",
    )


def may_dial(waited: float, failures: int, *, initial: float, most: float, jitter: float) -> None:
    """A dial begins `waited` seconds after the last of `failures` without a link that lasted."""
    least = min(most, initial * 2.0 ** (failures - 1)) * (1.0 - jitter)
    _require(
        waited >= least - _ROUNDING,
        Invariant.POLITE,
        f"after {failures} failures it dials after {waited:.3f} s, and not {least:g} s",
    )


def may_go_on(events: int) -> None:
    """So much has happened by now."""
    if events > MOST_EVENTS:
        raise Violation(Invariant.POLITE, f"{events} events, and no end of it")
