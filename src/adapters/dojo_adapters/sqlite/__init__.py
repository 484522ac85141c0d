"""The durable journal, in SQLite."""

from dojo_adapters.sqlite.store import SqliteJournal

__all__ = ["SqliteJournal"]
