"""The demonstration on paper: one line a step, in colour if somebody looks at it."""

import os
import sys
from collections.abc import Mapping
from enum import Enum
from typing import TextIO

import msgspec

_NAME = 26  # columns for what a step is called


class Outcome(Enum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "not run"


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why a step failed."""

    what: str
    """What was looked at: `paidAmount`."""
    expected: str
    came: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of a step that is over. Times are seconds."""

    at: float
    """Since the demonstration began."""
    outcome: Outcome
    name: str
    took: float = 0.0
    said: str = ""
    fault: Fault | None = None


_MARKS = {Outcome.PASSED: "ok", Outcome.FAILED: "FAIL", Outcome.SKIPPED: "-"}
_SIGNS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "-"}
_COLOURS = {Outcome.PASSED: "32", Outcome.FAILED: "1;31", Outcome.SKIPPED: "33"}
_BOLD, _DIM = "1", "2"


class Report:
    """Writes to `out`; in colour if that is a terminal and the environment does not object."""

    def __init__(self, out: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self._out = out
        self._summaries: list[str] = []
        # https://no-color.org: the variable counts if it is not empty, whatever it says.
        objects = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._colour = out.isatty() and not objects
        self._marks = _SIGNS if self._colour and _encodes(out, "✓✗") else _MARKS
        self._mark = max(map(len, self._marks.values()))
        self._indent = " " * (11 + self._mark)  # up to what a step is called

    def title(self, text: str, facts: Mapping[str, str]) -> None:
        """What is about to be shown, and where."""
        self._write(self._painted(_BOLD, text), "")
        for name, value in facts.items():
            self._write(f"  {self._painted(_DIM, f'{name:9}')}{value}")
        columns = f"{'at s':>{len(self._indent) - self._mark - 4}}"
        columns = f"{columns:{len(self._indent)}}{'step':{_NAME}}{'took':>10}  checked"
        self._write("", self._painted(_DIM, columns))

    def scene(self, text: str) -> None:
        """What the next steps have in common."""
        self._write("", self._painted(_BOLD, text))

    def step(self, line: Line) -> None:
        """A step is over."""
        at = self._painted(_DIM, f"{line.at:7.3f}")
        mark = self._painted(_COLOURS[line.outcome], f"{self._marks[line.outcome]:{self._mark}}")
        took = "" if line.outcome is Outcome.SKIPPED else f"{line.took * 1000:7.1f} ms"
        row = f"{at}  {mark}  {line.name:{_NAME}}{self._painted(_DIM, f'{took:10}')}  {line.said}"
        self._write(row.rstrip())
        if line.fault is not None:
            colour = _COLOURS[Outcome.FAILED]
            self._write(
                f"{self._indent}{self._painted(colour, line.fault.what)}",
                f"{self._indent}expected  {line.fault.expected}",
                f"{self._indent}came      {line.fault.came}",
            )

    def summary(self, runtime: str, counts: Mapping[Outcome, int], seconds: float) -> None:
        """How it went on one runtime."""
        outcome = verdict(counts)
        parts = [f"{counts[each]} {each.value}" for each in Outcome if counts[each]]
        text = f"{runtime}: {', '.join(parts)} in {seconds:.2f} s"
        self._summaries.append(self._painted(_COLOURS[outcome], text))
        self._write("", self._summaries[-1])

    def missing(self, runtime: str) -> None:
        """A runtime cannot be shown."""
        text = f"{runtime}: not shown, since it is not installed"
        self._summaries.append(self._painted(_COLOURS[Outcome.SKIPPED], text))
        self._write(self._summaries[-1])

    def total(self) -> None:
        """How it went on all runtimes, if there were several."""
        if len(self._summaries) > 1:
            self._write("", self._painted(_BOLD, "In all"), *self._summaries)

    def gap(self) -> None:
        """Between two runtimes."""
        self._write("", "")

    def _write(self, *lines: str) -> None:
        for line in lines:
            print(line, file=self._out)
        self._out.flush()

    def _painted(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text


def verdict(counts: Mapping[Outcome, int]) -> Outcome:
    """The outcome of all steps together: passed only if each of them has."""
    return Outcome.FAILED if counts[Outcome.FAILED] or counts[Outcome.SKIPPED] else Outcome.PASSED


def _encodes(out: TextIO, text: str) -> bool:
    try:
        text.encode(out.encoding or sys.getdefaultencoding())
    except (UnicodeEncodeError, LookupError):
        return False
    return True
