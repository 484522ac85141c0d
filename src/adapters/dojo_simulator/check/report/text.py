"""The report as lines, for a terminal or a file."""

from textwrap import indent

from dojo_simulator.check.framework import Exchange, Finding, Verdict
from dojo_simulator.check.report.total import Report, counted

_MARKS = {Verdict.PASSED: "ok", Verdict.FAILED: "FAIL", Verdict.SKIPPED: "-"}
_BRIEF = 400
"""Characters of a message that a terminal shows."""
_LAST = 4
"""Exchanges of a check that failed that a terminal shows: what went wrong is at the end."""


def line(finding: Finding) -> str:
    """What a terminal shows of a check that is over: one line, and more if it has failed."""
    check = finding.check
    head = f"{_MARKS[finding.verdict]:4} {check.id:7}{finding.seconds:6.2f} s  {check.title}"
    if finding.verdict is not Verdict.FAILED:
        return f"{head}\n{_aside(finding.said)}".rstrip()
    shown = [_shown(each, _BRIEF) for each in finding.exchanges[-_LAST:]]
    return "\n".join([head, *_reasons(finding), *shown])


def as_text(report: Report) -> str:
    """The whole report."""
    made = f"checked by dojo-proto {report.version}, {report.made_at:%Y-%m-%d %H:%M %Z}"
    parts = [f"{report.title}\n{made}"]
    flow = ""
    for finding in report.findings:
        if finding.check.flow != flow:
            flow = finding.check.flow
            parts.append(f"{flow}\n{'=' * len(flow)}")
        parts.append(_whole(finding))
    return "\n\n".join([*parts, counted(report.findings)]) + "\n"


def _whole(finding: Finding) -> str:
    head = f"{_MARKS[finding.verdict]:4} {finding.check.id:7}{finding.check.title}"
    shown = [_shown(each) for each in finding.exchanges]
    return "\n".join([head, *_reasons(finding), *shown])


def _reasons(finding: Finding) -> list[str]:
    check = finding.check
    rows = [("expected", check.expected), ("verdict", finding.verdict.value)]
    if finding.said:
        rows.append(
            ("because" if finding.verdict is not Verdict.PASSED else "remark", finding.said)
        )
    rows += [("meanwhile", each) for each in finding.meanwhile]
    rows.append(("source", "; ".join(check.source)))
    return [_row(name, text) for name, text in rows]


def _shown(exchange: Exchange, limit: int | None = None) -> str:
    lines = (("sent", exchange.sent), ("came", exchange.came or "nothing"))
    return "\n".join(_row(name, _cut(text, limit)) for name, text in lines)


def _row(name: str, text: str) -> str:
    return f"     {name:10}{indent(text, ' ' * 15).strip()}"


def _cut(text: str, limit: int | None) -> str:
    return text if limit is None or len(text) <= limit else f"{text[:limit]}…"


def _aside(text: str) -> str:
    return indent(text, " " * 22) if text else ""
