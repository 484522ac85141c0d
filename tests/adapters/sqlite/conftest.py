"""A journal in SQLite, under clocks of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.sqlite.steps import Clocks, serve

from dojo_adapters.sqlite import SqliteJournal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def journal(path: Path, clocks: Clocks) -> Iterator[SqliteJournal]:
    served = serve(path, clocks)
    yield served
    served.close()
