"""What counts as bad, and how it is counted."""

import msgspec
import pytest
from tests.conformance.record import PAGE, Measured, in_a_line, shown
from tests.conformance.table import Report, Results, rows, table
from tests.evidence.record import DOCS, recorded


def results(*reports: tuple[str, str]) -> Results:
    """Results of the cases 7.1, 7.2 and so on, with these behaviors."""
    cases = [f"7.{number}" for number in range(1, len(reports) + 1)]
    judged = {case: Report(*each, 500) for case, each in zip(cases, reports, strict=True)}
    return Results("client", cases, judged)


@pytest.mark.parametrize("behavior", ["OK", "INFORMATIONAL"])
def test_what_is_ok_or_informational_is_not_bad(behavior: str) -> None:
    assert results((behavior, "OK"), (behavior, "INFORMATIONAL")).bad() == []


@pytest.mark.parametrize(
    ("behavior", "verdict"),
    [
        ("NON-STRICT", "non-strict"),
        ("FAILED", "failed"),
        ("UNCLEAN", "unclean"),
        ("WRONG CODE", "failed"),
        ("FAILED BY CLIENT", "failed"),
        ("UNIMPLEMENTED", "failed"),
        ("something new", "failed"),
    ],
)
def test_everything_else_is_bad_in_the_case_or_at_its_end(behavior: str, verdict: str) -> None:
    result = results((behavior, "OK"), ("OK", behavior), ("OK", "OK"))
    assert result.bad() == ["7.1", "7.2"]
    assert result.verdict("7.1") == result.verdict("7.2") == verdict


def test_the_worse_of_the_two_decides() -> None:
    result = results(("NON-STRICT", "FAILED"), ("UNCLEAN", "INFORMATIONAL"))
    assert [result.verdict(case) for case in result.cases] == ["failed", "unclean"]


def test_a_case_without_a_report_is_bad() -> None:
    assert Results("client", ["7.1"], {}).bad() == ["7.1"]


def test_the_table_has_a_row_for_each_group_and_one_for_the_role() -> None:
    reports = {"1.1": Report("OK", "OK", 1500), "7.1": Report("OK", "UNCLEAN", 250)}
    lines = list(rows([Results("client", ["1.1", "1.2", "7.1"], reports)]))
    assert table(lines) == (
        "| role   | cases     | OK | informational | non-strict | failed | unclean | seconds |\n"
        "| ------ | --------- | -: | ------------: | ---------: | -----: | ------: | ------: |\n"
        "| client | 1 framing |  1 |             0 |          0 |      1 |       0 |     1.5 |\n"
        "| client | 7 closing |  0 |             0 |          0 |      0 |       1 |     0.2 |\n"
        "| client | all       |  1 |             0 |          0 |      1 |       1 |     1.8 |\n"
    )


def test_the_page_shows_the_run_that_is_kept() -> None:
    run = recorded("conformance")
    assert run is not None
    assert shown(run) in (DOCS / PAGE).read_text("utf-8")
    measured = msgspec.convert(run.details, Measured)
    assert measured.bad == []
    assert run.passed
    assert run.result == in_a_line(measured)
    assert [sum(row.counts) for row in measured.rows if row.group == "all"] == [517, 517]


def test_a_bad_case_is_in_the_line_of_the_run() -> None:
    lines = list(rows([results(("OK", "OK"), ("FAILED", "OK"))]))
    said = in_a_line(Measured(suite="autobahn", bad=["client 7.2"], rows=lines))
    assert said == "2 cases as the client: 1 bad"
