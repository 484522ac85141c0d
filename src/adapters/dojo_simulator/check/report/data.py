"""The report as JSON, for machines."""

import msgspec

from dojo_simulator.check.framework import Finding, Verdict
from dojo_simulator.check.report.total import Report


def as_json(report: Report) -> str:
    """The report as one JSON object."""
    verdicts = [each.verdict for each in report.findings]
    value = {
        "epos": report.epos,
        "served": report.served,
        "version": report.version,
        "madeAt": report.made_at,
        "counts": {each.value: verdicts.count(each) for each in Verdict},
        "checks": [_finding(each) for each in report.findings],
    }
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    check = finding.check
    return {
        "id": check.id,
        "flow": check.flow,
        "check": check.title,
        "expected": check.expected,
        "verdict": finding.verdict,
        "said": finding.said,
        "meanwhile": finding.meanwhile,
        "seconds": round(finding.seconds, 3),
        "source": check.source,
        "exchanges": finding.exchanges,
    }
