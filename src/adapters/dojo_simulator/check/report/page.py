"""The report as one page for a browser, which fetches nothing."""

from html import escape
from itertools import groupby

from dojo_simulator.check.framework import Exchange, Finding, Verdict
from dojo_simulator.check.report.total import Report, counted

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --passed: #1a7f37; --failed: #cf222e;
  --skipped: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --passed: #3fb950; --failed: #ff7b72; --skipped: #d29922; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; }
form { position: sticky; top: 0; background: Canvas; padding: .7rem 0; display: flex; gap: 1rem;
  flex-wrap: wrap; border-bottom: 1px solid var(--line); }
input[type=search] { flex: 1; min-width: 12rem; font: inherit; }
details { border-bottom: 1px solid var(--line); padding: .4rem 0; }
summary { cursor: pointer; display: flex; gap: .8rem; }
summary b { min-width: 4.5rem; } summary i { margin-left: auto; font-style: normal; }
.passed i { color: var(--passed); } .failed i { color: var(--failed); font-weight: bold; }
.skipped i { color: var(--skipped); }
dl { display: grid; grid-template-columns: 6rem 1fr; gap: .2rem 1rem; margin: .6rem 0; }
dt { opacity: .7; } dd { margin: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font-size: 13px; }
[hidden] { display: none; }
"""

# Shows the checks whose verdict is ticked and whose text has the words that are sought.
_SCRIPT = """
const form = document.forms[0];
function filter() {
  const sought = form.sought.value.toLowerCase();
  for (const section of document.querySelectorAll("section")) {
    let shown = 0;
    for (const each of section.querySelectorAll("details")) {
      const fits = form[each.className].checked && each.textContent.toLowerCase().includes(sought);
      each.hidden = !fits;
      shown += fits;
    }
    section.hidden = shown === 0;
  }
}
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
"""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def as_html(report: Report) -> str:
    """The whole report; whatever came from the EPOS is escaped."""
    title = escape(f"Checks of {report.epos}")
    made = f"dojo-proto {report.version}, {report.made_at:%Y-%m-%d %H:%M %Z}, {report.served}"
    boxes = "".join(
        f'<label><input type="checkbox" name="{each.value}" checked> {each.value}</label>'
        for each in Verdict
    )
    sections = "".join(
        f"<section><h2>{escape(flow)}</h2>{''.join(map(_finding, findings))}</section>"
        for flow, findings in groupby(report.findings, lambda each: each.check.flow)
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{escape(made)}<br><strong>{counted(report.findings)}</strong></p>
<form><input type="search" name="sought" placeholder="words, such as lock" aria-label="words">
{boxes}</form>
{sections}
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _finding(finding: Finding) -> str:
    check, verdict = finding.check, finding.verdict
    rows = [("Expected", escape(check.expected))]
    if finding.said:
        rows.append(("Remark" if verdict is Verdict.PASSED else "Because", escape(finding.said)))
    rows += [("Meanwhile", f"<pre>{escape(each)}</pre>") for each in finding.meanwhile]
    rows.append(("Source", escape("; ".join(check.source))))
    rows += [row for each in finding.exchanges for row in _exchange(each)]
    body = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
    opened = " open" if verdict is Verdict.FAILED else ""
    return (
        f'<details class="{verdict.value}"{opened}><summary><b>{escape(check.id)}</b>'
        f"<span>{escape(check.title)}</span><i>{verdict.value}</i></summary><dl>{body}</dl></details>"
    )


def _exchange(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    took = "" if exchange.seconds is None else f" after {exchange.seconds * 1000:.0f} ms"
    came = escape(exchange.came or "nothing")
    return (
        ("Sent", f"<pre>{escape(exchange.sent)}</pre>"),
        ("Came", f"<pre>{came}</pre>{took}"),
    )
