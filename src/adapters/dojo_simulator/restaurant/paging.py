"""One page of what a search finds, the same for orders, tables, parties and reservations."""

import sqlite3
from typing import Any, NamedTuple

from dojo_proto import InvalidRequest
from dojo_proto.contract import Cursor
from dojo_simulator.restaurant.database import Books

MOST = 100
"""Rows in one page, at the most: the contract refuses a limit that is above."""


class Page(NamedTuple):
    """Rows in the order they were made in, and where the pages beside this one begin."""

    rows: list[sqlite3.Row]
    before: str | None
    after: str | None


def page(books: Books, query: str, cursor: Cursor | None, **values: Any) -> Page:
    """Return the page of `query` that `cursor` asks for; the first one if it asks for none.

    `query` selects rows that have a `number`, and ends in its WHERE clause. A cursor is the number
    of a row: it holds while rows come and go, also if that very row is not found any more.
    """
    cursor = cursor or Cursor()
    limit = cursor.limit or MOST
    if cursor.before is None:
        beyond, place, order = " AND number > :place", _number(cursor.after or "0"), ""
    else:
        beyond, place, order = " AND number < :place", _number(cursor.before), " DESC"
    ordered = f"{query}{beyond} ORDER BY number{order} LIMIT :limit"
    rows = books.rows(ordered, place=place, limit=limit, **values)
    if cursor.before is not None:
        rows.reverse()
    if not rows:
        return Page([], None, None)
    first, last = rows[0]["number"], rows[-1]["number"]
    earlier = books.row(f"{query} AND number < :place", place=first, **values)
    later = books.row(f"{query} AND number > :place", place=last, **values)
    return Page(rows, str(first) if earlier else None, str(last) if later else None)


def _number(cursor: str) -> int:
    # Digits that SQLite can hold: a cursor comes from outside.
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidRequest("cursor: expected one that an earlier page has given")
    return int(cursor)
