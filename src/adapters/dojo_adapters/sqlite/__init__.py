"""The durable journal, in SQLite."""

from dojo_adapters.sqlite.recording import has_row, record
from dojo_adapters.sqlite.store import SqliteJournal

__all__ = ["SqliteJournal", "has_row", "record"]
