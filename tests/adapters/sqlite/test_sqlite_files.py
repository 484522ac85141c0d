"""The file of a journal: where it may lie, and what is said of one that will not do."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.proto.stored import begin, entry

from dojo_adapters.sqlite import SqliteJournal
from dojo_adapters.sqlite.explained import explain
from dojo_adapters.sqlite.schema import VERSION, connect_to_read
from dojo_proto import ConfigurationError
from dojo_proto.journal import Verdict


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="absolute path"):
        SqliteJournal("journal.db")


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no directory"):
        SqliteJournal(tmp_path / "missing" / "journal.db")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is a directory"):
        SqliteJournal(tmp_path)


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_text("orders\n" * 1000)
    with pytest.raises(ConfigurationError, match="no SQLite database"):
        SqliteJournal(path)


def test_one_that_the_system_does_not_let_be_opened_or_written(path: Path) -> None:
    SqliteJournal(path).close()
    with closing(connect_to_read(path)) as reader:
        with pytest.raises(sqlite3.OperationalError) as caught:
            reader.execute("DELETE FROM dojo_journal")
        assert "cannot be written: look at the permissions" in explain(caught.value)
    other = path.with_name("other.db")
    other.symlink_to(path.parent / "missing" / "journal.db")
    with pytest.raises(ConfigurationError, match="opened or made: look at the permissions"):
        SqliteJournal(other)


def test_the_tills_own_database_gets_the_tables_besides_its_own(path: Path) -> None:
    till = sqlite3.connect(path)
    till.execute("CREATE TABLE orders (id TEXT)")
    till.commit()
    journal = SqliteJournal(path)
    assert begin(journal, entry()).verdict is Verdict.FRESH
    journal.close()
    assert till.execute("SELECT count(*) FROM orders").fetchone() == (0,)
    till.close()


def test_the_next_releases_tables_can_be_worked_with(path: Path) -> None:
    SqliteJournal(path).close()
    later = sqlite3.connect(path, isolation_level=None)
    later.execute("ALTER TABLE dojo_journal ADD COLUMN mood TEXT NOT NULL DEFAULT 'good'")
    later.execute("UPDATE dojo_journal_about SET version = ?", (VERSION + 1,))
    journal = SqliteJournal(path)
    assert begin(journal, entry()).verdict is Verdict.FRESH
    journal.close()
    later.execute("UPDATE dojo_journal_about SET version = ?", (VERSION + 2,))
    with pytest.raises(ConfigurationError, match="newer release"):
        SqliteJournal(path)
    with pytest.raises(ConfigurationError, match="newer release"):
        connect_to_read(path)
    later.close()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM dojo_journal_about", "it does not say its version"),
        (
            "UPDATE dojo_journal_about SET lived = 'long'",
            "it does not say how old its rows are",
        ),
        ("ALTER TABLE dojo_journal_about DROP COLUMN lived", "no such column"),
    ],
)
def test_one_that_is_damaged_is_refused_and_not_held(path: Path, damage: str, said: str) -> None:
    SqliteJournal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(damage)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=said):
            SqliteJournal(path)


def test_a_database_without_a_journal_can_only_become_one_by_serving(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE orders (id TEXT)")
    other.close()
    with pytest.raises(ConfigurationError, match="holds no journal"):
        connect_to_read(path)
    with pytest.raises(ConfigurationError, match="there is no file"):
        connect_to_read(path.with_name("missing.db"))
