"""`dojo-epos journal`: what support staff ask, and the answers in one sentence."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from re import search

import pytest
from tests.proto.stored import CALL

from dojo_adapters.cli.exits import Exit
from dojo_adapters.cli.journal import add_journal_arguments
from dojo_adapters.sqlite import SqliteJournal
from dojo_proto.errors import ConfigurationError, JournalInUse
from dojo_proto.journal import Entry, Identity, RowState, Told
from dojo_proto.work import Begin, Commit, JournalStep, Note

PAYMENT = "RecordOrderPaymentById"
Run = Callable[..., int]


def entry(name: str, method: str = PAYMENT) -> Entry:
    return Entry(
        ticket=f"ticket of {name}",
        method=method,
        identity=Identity(key=name, repeat="", content="c", amounts="a"),
        idempotency_key=name,
        owner="us",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    served = SqliteJournal(path, wall=lambda: 1_000_000.0)
    rows: list[tuple[Entry, RowState | None]] = [
        (entry(f"{PAYMENT}/order-1/pi-1"), RowState.SUCCEEDED),
        (entry(f"{PAYMENT}/order-1/pi-2"), RowState.REFUSED),
        (entry(f"{PAYMENT}/order%2F2/pi-3"), None),
        (entry("CreateOrder/dojo-7", "CreateOrder"), RowState.FAILED),
        (entry("a nonce", "CreateOrderLock"), RowState.SUCCEEDED),
    ]
    for each, state in rows:
        steps: list[JournalStep] = [Begin(CALL, each, insert=True)]
        if state is not None:
            steps.append(Commit(CALL, each.ticket, state, b"{}"))
        served.perform(steps)
    served.perform([Note((rows[0][0].ticket, rows[4][0].ticket), Told.SENT)])
    served.perform([Note((rows[0][0].ticket,), Told.CONFIRMED)])
    yield served
    served.close()


@pytest.fixture
def run(journal: SqliteJournal) -> Run:
    def run(*words: str) -> int:
        parser = ArgumentParser()
        add_journal_arguments(parser)
        arguments = parser.parse_args([*words, "--journal", f"sqlite:{journal.path}"])
        return int(arguments.command(arguments))

    return run


class TestLs:
    def test_everything_oldest_first(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("ls") == Exit.OK
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(maxsplit=2)[2] for line in lines] == [
            "succeeded  told  RecordOrderPaymentById order-1 pi-1",
            "refused    -     RecordOrderPaymentById order-1 pi-2",
            "begun      -     RecordOrderPaymentById order/2 pi-3",
            "failed     -     CreateOrder dojo-7",
            "succeeded  sent  CreateOrderLock",
        ]

    def test_only_what_is_open(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("ls", "--open") == Exit.OK
        assert "pi-3" in capsys.readouterr().out

    def test_nothing_is_open(
        self, run: Run, journal: SqliteJournal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ticket = f"ticket of {PAYMENT}/order%2F2/pi-3"
        journal.perform([Commit(CALL, ticket, RowState.SUCCEEDED, b"")])
        assert run("ls", "--open") == Exit.OK
        assert capsys.readouterr().err == "nothing is open\n"

    def test_as_json(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        run("ls", "--format", "json")
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["state"] for row in rows] == [
            "succeeded",
            "refused",
            "begun",
            "failed",
            "succeeded",
        ]
        assert rows[0]["begun_at"] == 1_000_000.0


class TestShow:
    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            (["--intent", "pi-1"], r"order-1 pi-1: booked \S+ \S+; Dojo has had the answer since"),
            (["--intent", "pi-2"], r"order-1 pi-2: refused .*, nothing was booked; Dojo is not kn"),
            (
                ["--order", "order/2"],
                r"order/2 pi-3: UNKNOWN whether it was booked: begun .*running or cut off;",
            ),
            (["--order", "dojo-7"], r"CreateOrder dojo-7: failed .*: the handler raised"),
        ],
    )
    def test_a_sentence(
        self, run: Run, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
    ) -> None:
        assert run("show", *words) == Exit.OK
        (line,) = capsys.readouterr().out.splitlines()
        assert search(sentence, line), line

    def test_all_payments_of_an_order(self, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
        assert run("show", "--order", "order-1") == Exit.OK
        assert len(capsys.readouterr().out.splitlines()) == 2

    def test_of_what_it_never_saw_it_says_so(
        self, run: Run, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run("show", "--intent", "pi-?") == Exit.FAILED
        assert "has nothing of that" in capsys.readouterr().err


class TestPurge:
    def test_not_while_it_is_served(self, run: Run) -> None:
        with pytest.raises(JournalInUse):
            run("purge")

    def test_open_rows_are_kept(
        self, run: Run, journal: SqliteJournal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal._lock.release()
        assert run("purge") == Exit.FAILED
        said = capsys.readouterr()
        assert len(said.out.splitlines()) == 4
        assert "pi-3: UNKNOWN" in said.err
        assert run("ls") == Exit.OK
        assert len(capsys.readouterr().out.splitlines()) == 1
        assert run("purge", "--even-open") == Exit.OK
        capsys.readouterr()
        assert run("ls") == Exit.OK
        assert capsys.readouterr().err == "it holds nothing\n"
        journal._lock = type(journal._lock)(journal.path)

    def test_what_is_young_is_kept(
        self, run: Run, journal: SqliteJournal, capsys: pytest.CaptureFixture[str]
    ) -> None:
        journal._lock.release()
        assert run("purge", "--days", "999999") == Exit.OK
        said = capsys.readouterr()
        assert (said.out, said.err) == ("", "nothing to remove\n")
        journal._lock = type(journal._lock)(journal.path)


def test_what_is_no_journal_is_left_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "till.py"
    program.write_text("import this  # and more, so that it is longer than a header\n" * 10)
    parser = ArgumentParser()
    add_journal_arguments(parser)
    arguments = parser.parse_args(["purge", "--journal", f"sqlite:{program}"])
    with pytest.raises(ConfigurationError, match="the file is no SQLite database"):
        arguments.command(arguments)
    assert list(tmp_path.iterdir()) == [program]


@pytest.mark.parametrize("words", [["ls"], ["show", "--order", "o"], ["purge"]])
def test_no_journal(tmp_path: Path, words: list[str]) -> None:
    parser = ArgumentParser()
    add_journal_arguments(parser)
    arguments = parser.parse_args([*words, "--journal", f"sqlite:{tmp_path}/missing.db"])
    with pytest.raises(ConfigurationError, match="there is no file"):
        arguments.command(arguments)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["show", "--journal", "sqlite:/x"],
        ["ls", "--journal", "journal.db"],
        ["purge", "--journal", "sqlite:/x", "--days", "many"],
        ["purge", "--journal", "sqlite:/x", "--days", "-1"],
    ],
)
def test_wrong_arguments(words: list[str]) -> None:
    parser = ArgumentParser()
    add_journal_arguments(parser)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(words)
