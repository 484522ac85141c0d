"""Everything that a report says, before it has a form."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from dojo_simulator.check.framework import Finding, Verdict


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the checks."""

    epos: str
    """The id of the software's maker."""
    served: str
    """How: the runtime, or that it runs by itself."""
    version: str
    """Of this library."""
    made_at: datetime
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:
        """What this is a report on."""
        return f"{self.epos}, {self.served}"

    @property
    def failed(self) -> bool:
        """Whether any check has failed."""
        return any(each.verdict is Verdict.FAILED for each in self.findings)


def counted(findings: Sequence[Finding]) -> str:
    """How many ended how: `61 passed, 2 failed, 7 skipped`."""
    counts = Counter(each.verdict for each in findings)
    return ", ".join(f"{counts[each]} {each.value}" for each in Verdict)
