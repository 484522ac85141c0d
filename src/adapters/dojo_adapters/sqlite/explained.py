"""What SQLite's errors mean, in words for people."""

import sqlite3

BUSY = 4.0
"""Seconds to wait for a lock that somebody else holds: less than a step of the journal may take."""

_PERMISSIONS = "look at the permissions of the file and of its directory"
_DAMAGED = "the file is damaged"

_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: f"somebody else has kept it locked for {BUSY:g} s: a transaction that was "
    "left open in the till's own database?",
    sqlite3.SQLITE_CANTOPEN: f"it cannot be opened or made: {_PERMISSIONS}",
    sqlite3.SQLITE_READONLY: f"it cannot be written: {_PERMISSIONS}",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: "the file is no SQLite database, or damaged",
}


def explain(error: Exception) -> str:
    """Why SQLite could not. Its own texts name tables and columns, never what is in them."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # what lies above tells more of the same
    return _REASONS.get(code, str(error))
