"""A journal in SQLite, and clocks that go as the test says."""

from pathlib import Path

from dojo_adapters.sqlite import SqliteJournal


class Clocks:
    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.monotonic = 50.0

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


def serve(path: Path, clocks: Clocks) -> SqliteJournal:
    return SqliteJournal(path, wall=lambda: clocks.wall, clock=lambda: clocks.monotonic)
