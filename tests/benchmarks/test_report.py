"""The table, the chart, and where both are kept."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from benchmarks import report
from benchmarks.chart import TITLE, bar, chart
from benchmarks.child import ROOT
from benchmarks.registry import ROWS
from benchmarks.rows import OURS, Goal, Row, judge
from msgspec.structs import replace

FAST = judge(
    Row(
        name="fast",
        what="answers a second",
        unit="/s",
        better="more",
        goal=Goal(factor=2.0),
        ours=lambda **_: 1.0,
    ),
    {OURS: [80_000, 100_000, 120_000], "a": [40_000, 40_000, 40_000], "b": [8e3, 1e4, 12e3]},
    ["c"],
)
SMALL_ROW = Row(
    name="small",
    what="memory",
    unit="KiB",
    better="less",
    goal=Goal(limit=8.0),
    ours=lambda **_: 1.0,
)
SMALL = judge(SMALL_ROW, {OURS: [9.0, 9.0, 9.0], "a": [12.0, 12.0, 12.0]}, [])

TABLE = """\
| row   | who        |         value | spread | ours ÷ theirs | goal                    |
| ----- | ---------- | ------------: | -----: | ------------: | ----------------------- |
| fast  | dojo-proto |     100,000/s |   ±10% |               |                         |
|       | a          |      40,000/s |    ±0% |          2.50 | ≥ 2 (the best): reached |
|       | b          |      10,000/s |   ±10% |         10.00 |                         |
|       | c          | not installed |        |               |                         |
| small | dojo-proto |      9.00 KiB |    ±0% |               | ≤ 8.00 KiB: missed      |
|       | a          |      12.0 KiB |    ±0% |          0.75 |                         |
"""


def test_the_table_says_who_reached_what() -> None:
    assert report.table([FAST, SMALL]) == TABLE


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (123_456.7, "/s", "123,457/s"),
        (0.01234, "µs", "0.0123 µs"),
        (1.5, "µs", "1.50 µs"),
        (999.6, "KiB", "1,000 KiB"),
        (1.02, "", "1.02"),
    ],
)
def test_an_amount_has_three_digits_or_is_whole(value: float, unit: str, text: str) -> None:
    assert report.amount(value, unit) == text


def test_a_bar_says_how_many_times_as_good_where_less_is_better_too() -> None:
    fast, small = bar(FAST), bar(SMALL)
    assert fast is not None
    assert small is not None
    assert (fast.against, fast.times, fast.goal) == ("a", 2.5, 2.0)
    assert (small.against, small.times, small.goal) == ("a", 12 / 9, 1.5)


def test_a_bar_compares_with_no_reference() -> None:
    values = {OURS: [9.0], "a bare transport": [1.0], "a": [12.0]}
    row = replace(SMALL_ROW, references=["a bare transport"])
    small = bar(judge(row, values, []))
    assert small is not None
    assert (small.against, small.times) == ("a", 12 / 9)
    del values["a"]
    assert bar(judge(row, values, [])) is None


def test_references_are_contestants_and_what_is_kept_knows_them() -> None:
    for row in ROWS:
        assert set(row.references) <= set(row.peers)
    now = {row.name: list(row.references) for row in ROWS}
    assert {row.name: list(row.references) for row in report.load().rows} == now
    assert sum(map(bool, now.values())) > 5


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_where_the_chart_cannot_be_seen_stands_its_title(page: str) -> None:
    assert f"![{TITLE}](" in (ROOT / page).read_text("utf-8")
    assert chart([]).count(TITLE) == 2


def test_the_chart_is_for_light_and_dark_and_has_a_bar_and_a_mark_for_each_row() -> None:
    drawn = ET.fromstring(chart([FAST, SMALL]))  # noqa: S314 - it was made here
    kinds = [each.get("class") for each in drawn.iter()]
    assert (kinds.count("reached"), kinds.count("missed"), kinds.count("goal")) == (1, 1, 2)
    assert "prefers-color-scheme: dark" in chart([])


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Has what is kept, instead of docs/."""
    monkeypatch.setattr(report, "EVIDENCE", tmp_path / "evidence" / "benchmarks.json")
    monkeypatch.setattr(report, "PAGE", tmp_path / "performance.md")
    monkeypatch.setattr(report, "CHART", tmp_path / "benchmarks.svg")
    report.PAGE.write_text("before\n<!-- measured -->\nold\n<!-- end -->\nafter\n", "utf-8")
    return tmp_path


def names() -> list[str]:
    return [row.name for row in report.load().rows]


@pytest.mark.usefixtures("kept")
def test_new_rows_take_the_place_of_the_old_and_leave_the_others() -> None:
    report.record([FAST], ["small", "fast", "other"])
    report.record([SMALL], ["small", "fast", "other"])
    assert names() == ["small", "fast"]
    report.record([FAST], ["fast"])
    assert names() == ["fast"]
    assert report.load().rows == [FAST]


@pytest.mark.usefixtures("kept")
def test_the_page_shows_what_is_kept_between_its_markers() -> None:
    report.record([FAST, SMALL], ["fast", "small"])
    shown = report.PAGE.read_text("utf-8")
    assert shown.startswith("before\n<!-- measured -->\n")
    assert shown.endswith("<!-- end -->\nafter\n")
    assert TABLE in shown
    assert "- **small**: memory\n" in shown
    assert "old" not in shown
    assert report.page(report.load()) == shown


def test_the_page_and_the_chart_of_the_project_show_its_evidence() -> None:
    evidence = report.load()
    assert report.page(evidence) == report.PAGE.read_text("utf-8")
    assert chart(evidence.rows) == report.CHART.read_text("utf-8")
    assert {row.name for row in evidence.rows} <= {row.name for row in ROWS}
