"""The house: its tables, its areas, and who serves where."""

from dojo_proto import Context
from dojo_proto.contract import (
    Area,
    ListAreasParams,
    PagedTablesResponse,
    SearchTablesParams,
    Table,
)
from dojo_simulator.restaurant.paging import page
from dojo_simulator.restaurant.serving import epos, reading


@epos.on("SearchTables")
def search_tables(ctx: Context, params: SearchTablesParams) -> PagedTablesResponse:
    """The tables of an area, of a waiter, or all."""
    with reading(ctx) as books:
        found = page(
            books,
            """
            SELECT * FROM tables
            WHERE (:area_id IS NULL OR area_id = :area_id)
              AND (:waiter_id IS NULL OR id IN (
                  SELECT table_id FROM waiters WHERE waiter_id = :waiter_id
              ))
            """,
            params.cursor,
            area_id=params.area_id,
            waiter_id=params.waiter_id,
        )
        served = books.rows("SELECT * FROM waiters ORDER BY waiter_id")
    tables = [
        Table(
            id=row["id"],
            name=row["name"],
            max_covers=row["max_covers"],
            area_id=row["area_id"],
            waiter_ids=[each["waiter_id"] for each in served if each["table_id"] == row["id"]],
        )
        for row in found.rows
    ]
    return PagedTablesResponse(data=tables, before=found.before, after=found.after)


@epos.on("ListAreas")
def list_areas(ctx: Context, params: ListAreasParams) -> list[Area]:  # noqa: ARG001 - as all handlers
    """All areas, with the waiters who serve a table in them."""
    with reading(ctx) as books:
        areas = books.rows("SELECT * FROM areas ORDER BY id")
        served = books.rows(
            """
            SELECT DISTINCT area_id, waiter_id
            FROM waiters JOIN tables ON tables.id = waiters.table_id
            ORDER BY waiter_id
            """
        )
    return [
        Area(
            id=area["id"],
            name=area["name"],
            waiter_ids=[each["waiter_id"] for each in served if each["area_id"] == area["id"]],
        )
        for area in areas
    ]
