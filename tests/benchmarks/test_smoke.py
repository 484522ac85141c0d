"""Every row can be measured. Times are not judged here: the machine may have other things to do."""

import xml.etree.ElementTree as ET

import pytest
from benchmarks import __main__ as command
from benchmarks.chart import chart
from benchmarks.registry import ROWS
from benchmarks.report import table
from benchmarks.rows import OURS, Measured, Row, lacking, measure


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_everybody_answers_all_and_is_given_a_number(row: Row) -> None:
    if missing := lacking(row):
        pytest.skip(f"there is no {missing}")
    measured = measure(row, 1, smoke=True)
    assert measured.results[0].who == OURS
    assert {each.who for each in measured.results} | {*measured.missing} == {OURS, *row.peers}
    assert all(value > 0 for each in measured.results for value in each.values)
    assert row.name in table([measured])
    ET.fromstring(chart([measured]))  # noqa: S314 - it was made here


def test_no_two_rows_have_the_same_name() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_command_prints_a_table_and_keeps_nothing_of_a_smoke_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "record", lambda *_: pytest.fail("it was kept"))
    assert command.main(["dispatch-floor", "--smoke", "--write"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1:3] for line in lines[2:]] == [["dispatch-floor", "|"], ["|", "floor"]]


def test_a_row_that_is_not_there_is_named_with_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["nonsense"])
    assert ended.value.code == 2
    assert "asyncio, anyio, trio, threads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        ([], True),
        (["floor"], False),
        (["floor", "--write"], True),
        (["fl*", "--write", "--rounds", "4"], False),
    ],
)
def test_what_is_kept_is_a_run_of_all_rows_or_what_was_asked_for(
    arguments: list[str], *, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row(name="floor", what="nothing", unit="s", better="less", ours=lambda **_: 1.0)
    records: list[list[Measured]] = []
    monkeypatch.setattr(command, "ROWS", [row])
    monkeypatch.setattr(command, "record", lambda rows, _: records.append(rows))
    assert command.main(arguments) == 0
    assert [each.name for rows in records for each in rows] == ["floor"] * kept
