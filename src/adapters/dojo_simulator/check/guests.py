"""Tables, reservations and parties for the checks that need some."""

from collections.abc import Iterator
from contextlib import contextmanager

from dojo_simulator.check import stock
from dojo_simulator.check.bench import Bench, later
from dojo_simulator.check.framework import Json, Skipped

_DAY = 86400.0


def tables(bench: Bench) -> list[Json]:
    """All tables."""
    return stock.search(bench, "SearchTables")


def free_table(bench: Bench) -> str:
    """The id of a table that nobody sits at. Raises Skipped if there is none."""
    known = bench.given.tables or tuple(str(each.get("id")) for each in tables(bench))
    sitting = stock.search(bench, "SearchParties") if bench.is_served("SearchParties") else []
    taken = {table for party in sitting for table in party.get("tableIds") or []}
    free = [each for each in known if each not in taken]
    if not free:
        raise Skipped("there is no free table: name one with --table")
    return free[-1]


def party(table: str, **more: object) -> Json:
    """The params of CreateParty."""
    return {
        "dojoPartyId": stock.fresh("party"),
        "name": "Check",
        "covers": 2,
        "tableIds": [table],
        "status": "Seated",
        "startTime": later(0),
        **more,
    }


def seat(bench: Bench, table: str | None = None, **more: object) -> Json:
    """Seat guests at a table, any free one if none is named, and return the party."""
    return bench.result("CreateParty", party(table or free_table(bench), **more))


@contextmanager
def seated(bench: Bench, table: str | None = None, **more: object) -> Iterator[Json]:
    """Guests who are gone when the block ends, so that their table is free again."""
    made = seat(bench, table, **more)
    try:
        yield made
    finally:
        if bench.is_served("DeletePartyById"):
            bench.call("DeletePartyById", {"partyId": made["id"]})
        elif bench.is_served("UpdateParty"):
            leave(bench, made)


def leave(bench: Bench, made: Json) -> Json:
    """Guests leave: their party gets its `endTime`."""
    kept = ("id", "tableIds", "startTime", "name", "covers")
    update = {name: made[name] for name in kept if name in made}
    update |= {"dojoPartyId": stock.fresh("party"), "status": "Left", "endTime": later(0)}
    return bench.result("UpdateParty", update)


def reservation(bench: Bench, **more: object) -> Json:
    """The params of CreateReservation: a table, tomorrow."""
    return {
        "dojoReservationId": stock.fresh("reservation"),
        "name": "Check",
        "covers": 2,
        "startTime": later(_DAY),
        "endTime": later(_DAY + 7200),
        "tableIds": [free_table(bench)],
        **more,
    }


def reserve(bench: Bench, **more: object) -> Json:
    """Reserve a table, and return the reservation."""
    return bench.result("CreateReservation", reservation(bench, **more))
