"""Runs a suite of tests in a process of its own, and says what came of it."""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import msgspec
from tests.evidence.proofs import Proof

ROOT = Path(__file__).parents[2]
POINTLESS = frozenset({"it has no event loop"})
"""Why a test is skipped that lacks nothing: there is no such thing to be tested."""


class CannotRun(Exception):
    """What a suite needs is not here."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a suite."""

    passed: int
    bad: list[str]
    """The tests that failed, by name."""
    missing: list[str]
    """Why tests were skipped that would have shown something; each reason once."""
    seconds: float
    covered: str = ""
    """Per cent of the lines and branches, where that was measured."""
    code: int
    """Of pytest; not 0 also if too little is covered."""

    @property
    def good(self) -> bool:
        """Whether everything passed, and there was something."""
        return self.code == 0 and self.passed > 0

    def in_a_line(self) -> str:
        """What came of it."""
        said = f"{self.passed:,} tests passed"
        if self.bad:
            said += f", {len(self.bad)} failed, first {self.bad[0]}"
        if self.covered:
            said += f", {self.covered} % of the lines and branches covered"
        if self.code and not self.bad:
            said += f", and pytest ended with {self.code}"
        return f"{said}, in {self.seconds:.0f} s"


def run(suite: Proof) -> Ran:
    """Run it. Raises CannotRun if what it needs cannot be had."""
    with TemporaryDirectory(prefix="dojo-evidence-") as folder:
        python = _with_lowest(Path(folder)) if suite.lowest else Path(sys.executable)
        report = Path(folder) / "report.xml"
        ended = _called(python, "-m", "pytest", "-q", f"--junitxml={report}", *suite.tests)
        if not report.exists():
            raise CannotRun(f"pytest did not run:\n{ended.stdout}{ended.stderr}")
        return read(report.read_text("utf-8"), ended.stdout, ended.returncode)


def read(report: str, printed: str, code: int) -> Ran:
    """What a run of pytest came to, by its report in JUnit's XML and what it has printed."""
    cases = list(ET.fromstring(report).iter("testcase"))  # noqa: S314 - pytest wrote it
    bad = [case for case in cases if _any(case, "failure", "error")]
    skipped = [case for case in cases if _any(case, "skipped")]
    reasons = {each.get("message", "") for case in skipped for each in case.iter("skipped")}
    covered = re.search(r"Total coverage: ([\d.]+)%", printed)
    return Ran(
        passed=len(cases) - len(bad) - len(skipped),
        bad=[f"{case.get('classname')}.{case.get('name')}" for case in bad],
        missing=sorted(reasons - POINTLESS),
        seconds=sum(float(case.get("time", "0")) for case in cases),
        covered=covered[1] if covered else "",
        code=code,
    )


def _any(case: ET.Element, *tags: str) -> bool:
    return any(case.find(tag) is not None for tag in tags)


def _with_lowest(folder: Path) -> Path:
    """The Python of a new venv that has the lowest version of each dependency."""
    script = ROOT / ".ci" / "lowest.py"
    if not script.exists():
        raise CannotRun("the scripts of the CI are not here")
    constraints = folder / "lowest.txt"
    constraints.write_text(_done(Path(sys.executable), str(script)), "utf-8")
    _done(Path(sys.executable), "-m", "venv", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    _done(
        *(python, "-m", "pip", "install", "--quiet", "--prefer-binary"),
        *("--constraint", str(constraints), "--editable", f"{ROOT}[dev]"),
    )
    return python


def _done(python: Path, *arguments: str) -> str:
    ended = _called(python, *arguments)
    if ended.returncode:
        raise CannotRun(f"{' '.join(arguments[:4])} failed:\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def _called(python: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - a Python of ours
        [str(python), *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
