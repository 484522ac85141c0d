"""Tables and areas."""

from collections import Counter

from dojo_simulator.check import guests, stock
from dojo_simulator.check.answers import expect, expect_true
from dojo_simulator.check.bench import Bench
from dojo_simulator.check.framework import Failed, Flow, Json, Skipped, Source

flow = Flow("Tables")


@flow.check(
    "TBL-1",
    "SearchTables, by area and by waiter as well, and ListAreas",
    expected="each table's area is among the areas, filters give what they name, and no two tables "
    "of an area have one name",
    source=Source.API,
    needs=("SearchTables",),
)
def _tables_and_areas(bench: Bench) -> str | None:
    tables = guests.tables(bench)
    if not tables:
        raise Skipped("SearchTables finds no table")
    names = Counter((each.get("areaId"), each.get("name")) for each in tables)
    twice = [name for (_, name), count in names.items() if count > 1]
    expect("names of tables that an area has twice", twice, [])
    expect("ids of tables that come twice", _twice(tables), [])
    waiters = sorted({who for table in tables for who in table.get("waiterIds") or []})
    for waiter in waiters[:1]:
        _expect_filtered(
            bench, "waiterId", waiter, [t for t in tables if waiter in (t.get("waiterIds") or [])]
        )
    used = sorted({str(each["areaId"]) for each in tables if each.get("areaId") is not None})
    if not used:
        return "no table has an area"
    for area in used:
        _expect_filtered(bench, "areaId", area, [t for t in tables if t.get("areaId") == area])
    areas = bench.call("ListAreas").result()
    if not isinstance(areas, list):
        raise Failed("the result of ListAreas", expected="an array", came=areas)
    known = [each.get("id") for each in areas]
    expect("ids of areas that come twice", _twice(areas), [])
    expect("areas of tables that ListAreas does not have", sorted(set(used) - set(known)), [])
    return None if waiters else "no table has a waiter"


def _expect_filtered(bench: Bench, name: str, value: str, expected: list[Json]) -> None:
    found = stock.search(bench, "SearchTables", {name: value})
    expect_true(
        f"the tables with {name} {value!r}",
        _ids(found) == _ids(expected),
        expected=f"{_ids(expected)}",
        came=_ids(found),
    )


def _ids(rows: list[Json]) -> list[str]:
    return sorted(str(each.get("id")) for each in rows)


def _twice(rows: list[Json]) -> list[str]:
    return [each for each, count in Counter(_ids(rows)).items() if count > 1]
