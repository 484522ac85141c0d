"""What was found, on paper: as text, as JSON, or as a page for a browser."""

from pathlib import Path

from dojo_proto import ConfigurationError
from dojo_simulator.check.report.data import as_json
from dojo_simulator.check.report.page import as_html
from dojo_simulator.check.report.text import as_text, line
from dojo_simulator.check.report.total import Report, counted

__all__ = ["FORMS", "Report", "as_html", "as_json", "as_text", "check_path", "counted", "line"]

FORMS = {".html": as_html, ".json": as_json, ".txt": as_text}
"""The ending of a file's name → what goes into it."""


def check_path(name: str) -> Path:
    """The path of a report. Raises ConfigurationError unless its ending says what form it has.

    Its folder has to be there: that is better known before the checks than after them.
    """
    path = Path(name)
    if not path.parent.is_dir():
        raise ConfigurationError(f"--report: there is no folder {path.parent}")
    if path.suffix.lower() not in FORMS:
        raise ConfigurationError(f"--report: expected a name that ends in {', '.join(FORMS)}")
    return path
