"""The report: the same in each form, and nothing in it that a browser would take for markup."""

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

from dojo_simulator.check import Check, Exchange, Finding, Verdict
from dojo_simulator.check.report import Report, as_html, as_json, as_text, counted, line

NASTY = '</pre><script>alert("x")</script>'


def finding(
    verdict: Verdict, *, id: str = "PAY-1", said: str = "", meanwhile: tuple[str, ...] = ()
) -> Finding:
    return Finding(
        check=Check(
            id=id,
            flow="Payments",
            title="All that is owed is paid",
            expected="the order",
            source=("the vendor", "inferred"),
            run=lambda _: None,
        ),
        verdict=verdict,
        said=said,
        meanwhile=meanwhile,
        exchanges=[
            Exchange(sent='{"method": "GetOrderByIdV1"}', came=NASTY, seconds=0.25),
            Exchange(sent="(nobody answers)"),
        ],
        seconds=1.5,
    )


REPORT = Report(
    epos="acme <epos>",
    served="served on trio",
    version="1.2.3",
    made_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    findings=(
        finding(Verdict.PASSED),
        finding(
            Verdict.FAILED,
            id="PAY-2",
            said="paidAmount: expected 2, got 1",
            meanwhile=(f"RecordOrderPaymentByIdV1 raised OSError: no paper\n{NASTY}",),
        ),
        finding(Verdict.SKIPPED, id="PAY-3", said="nobody works the till"),
    ),
)


class Page(HTMLParser):
    """Collects what a browser would act upon."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_the_page_escapes_what_came() -> None:
    page = Page(as_html(REPORT))
    assert page.tags.count("script") == 1
    assert NASTY not in as_html(REPORT)
    assert "acme &lt;epos&gt;" in as_html(REPORT)


def test_the_page_fetches_nothing() -> None:
    text = as_html(REPORT)
    names = {name for name, _ in Page(text).attributes}
    assert not names & {"src", "href", "action", "onclick", "style"}
    assert "default-src &#x27;none&#x27;" in text or "default-src 'none'" in text
    assert not re.search(r"https?://|@import|url\(", text)


def test_the_page_can_be_filtered_by_verdict_and_opens_what_failed() -> None:
    text = as_html(REPORT)
    for verdict in Verdict:
        assert f'type="checkbox" name="{verdict.value}" checked' in text
        assert f'<details class="{verdict.value}"' in text
    assert text.count(" open><summary>") == 1


def test_the_page_is_made_for_light_and_dark() -> None:
    assert "color-scheme: light dark" in as_html(REPORT)
    assert "prefers-color-scheme: dark" in as_html(REPORT)


def test_json_has_everything() -> None:
    value = json.loads(as_json(REPORT))
    assert value["counts"] == {"passed": 1, "failed": 1, "skipped": 1}
    assert value["checks"][1] == {
        "id": "PAY-2",
        "flow": "Payments",
        "check": "All that is owed is paid",
        "expected": "the order",
        "verdict": "failed",
        "said": "paidAmount: expected 2, got 1",
        "meanwhile": [f"RecordOrderPaymentByIdV1 raised OSError: no paper\n{NASTY}"],
        "seconds": 1.5,
        "source": ["the vendor", "inferred"],
        "exchanges": [
            {"sent": '{"method": "GetOrderByIdV1"}', "came": NASTY, "seconds": 0.25},
            {"sent": "(nobody answers)", "came": "", "seconds": None},
        ],
    }


def test_text_has_what_was_sent_and_what_came() -> None:
    text = as_text(REPORT)
    for part in ("PAY-2", "the order", "expected 2, got 1", "the vendor; inferred", NASTY):
        assert part in text
    assert text.endswith("1 passed, 1 failed, 1 skipped\n")
    assert "came      nothing" in text


def test_text_that_came_in_lines_stays_in_its_column() -> None:
    told = f"     meanwhile RecordOrderPaymentByIdV1 raised OSError: no paper\n{' ' * 15}{NASTY}\n"
    assert told in as_text(REPORT)
    assert told in line(REPORT.findings[1])


def test_the_terminal_shows_one_line_of_what_passed_and_more_of_what_failed() -> None:
    assert line(finding(Verdict.PASSED)) == "ok   PAY-1    1.50 s  All that is owed is paid"
    failed = line(REPORT.findings[1])
    assert failed.startswith("FAIL PAY-2")
    assert NASTY in failed
    assert line(REPORT.findings[2]).splitlines()[1].strip() == "nobody works the till"


def test_counts() -> None:
    assert counted(REPORT.findings) == "1 passed, 1 failed, 1 skipped"
    assert REPORT.failed
