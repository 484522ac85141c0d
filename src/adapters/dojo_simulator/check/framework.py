"""What a check is, and how it ends."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from dojo_simulator.check.bench import Bench

Json: TypeAlias = dict[str, Any]

Run: TypeAlias = Callable[["Bench"], str | None]
"""Does what the check is for. Raises Failed or Skipped; may return a remark."""


class Verdict(Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Failed(Exception):
    """The EPOS did not do what was expected. `what` says where it was looked for."""

    def __init__(self, what: str, *, expected: object, came: object) -> None:
        super().__init__(f"{what}: expected {expected}, got {came}")


class Skipped(Exception):
    """The check cannot be made; the text says what is missing and how to give it."""


class Source:
    """Where rules come from, as the report names them."""

    CONNECTING = "Dojo, Opening a WebSockets connection"
    API = "Dojo, EPOS Data API: messages and types"
    REGISTERING = "Dojo, Registering capabilities"
    CHECKLIST = "Dojo, Pay at Table: go-live checklist"
    PAY_AT_TABLE = "Dojo, Pay at Table: flows"
    LOCKS = "Dojo, Order lock capabilities"
    BILLS = "Dojo, Bills"
    ORDER_AND_PAY = "Dojo, Order and Pay: flows"
    EVENTS = "Dojo, Events from Dojo"
    EPOS_EVENTS = "Dojo, Events from the EPOS"
    BOOKINGS = "Dojo, Bookings guide"
    MERCHANTS = "Dojo, guides for merchants"
    OLD_TESTS = "Dojo, test cases of the older Tables API"
    JSON_RPC = "JSON-RPC 2.0"
    INFERRED = "inferred"
    """Not written down; the safest reading."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an integration must get right."""

    id: str
    flow: str
    title: str
    """What is done."""
    expected: str
    """What the EPOS has to do then."""
    source: tuple[str, ...]
    run: Run
    needs: tuple[str, ...] = ()
    """Methods without which there is nothing to check, by capability name."""
    till: tuple[str, ...] = ()
    """What somebody has to do at the till meanwhile: names of TillActions."""
    hosted: bool = False
    """Only if the EPOS is served by the check itself, which then can stop and start it."""
    rest: bool = False
    """Only if there is a REST side."""


class Flow:
    """Checks that belong together, in the order in which they are made."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.checks: list[Check] = []

    def check(
        self,
        id: str,
        title: str,
        *,
        expected: str,
        source: tuple[str, ...] | str,
        needs: tuple[str, ...] = (),
        till: tuple[str, ...] = (),
        hosted: bool = False,
        rest: bool = False,
    ) -> Callable[[Run], Run]:
        """Add the function as a check; a decorator. The parameters are those of Check."""

        def add(run: Run) -> Run:
            self.checks.append(
                Check(
                    id=id,
                    flow=self.title,
                    title=title,
                    expected=expected,
                    source=(source,) if isinstance(source, str) else source,
                    run=run,
                    needs=needs,
                    till=till,
                    hosted=hosted,
                    rest=rest,
                )
            )
            return run

        return add


class Exchange(msgspec.Struct, kw_only=True):
    """Something that was sent to the EPOS or done, and what came back; as text for the report."""

    sent: str
    came: str = ""
    seconds: float | None = None
    """From the one to the other; None if nothing came."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How one check ended."""

    check: Check
    verdict: Verdict
    said: str
    """Why it failed or was skipped; of one that passed, a remark or nothing."""
    exchanges: list[Exchange]
    seconds: float
    meanwhile: tuple[str, ...] = ()
    """What went wrong in the EPOS, if the check failed and serves it itself."""
