"""What `dojo-epos demo` runs: a restaurant's EPOS and a gateway, and all that may come between."""

import platform
from collections import Counter
from collections.abc import Sequence
from time import monotonic
from typing import TextIO

from dojo_adapters.background import in_background
from dojo_adapters.runtimes import RuntimeNotInstalled
from dojo_proto import DojoError, Settings, __version__
from dojo_simulator.demo.report import Fault, Line, Outcome, Report, verdict
from dojo_simulator.demo.steps import SCENES, Run, Scene, Step
from dojo_simulator.demo.visit import Heard, Unexpected, Visit, elapsed
from dojo_simulator.errors import SimulatorError
from dojo_simulator.gateway import LocalGateway
from dojo_simulator.restaurant import Restaurant, epos

__all__ = ["demonstrate"]

_BACKOFF = 0.25
"""Seconds until the first retry: a demonstration need not wait as long as a till."""


def demonstrate(
    runtimes: Sequence[str],
    out: TextIO,
    *,
    scenes: Sequence[Scene] = SCENES,
) -> bool:
    """Show everything on each of `runtimes`, one after the other; say whether all steps passed.

    What is shown goes to `out`, line by line as it happens. A runtime that is not installed raises
    RuntimeNotInstalled, after the others have been shown. Raises OSError if no port is free.
    """
    report = Report(out)
    passed = True
    missing: RuntimeNotInstalled | None = None
    for number, runtime in enumerate(runtimes):
        if number:
            report.gap()
        try:
            passed &= _show(runtime, report, scenes)
        except RuntimeNotInstalled as error:
            missing = error
            report.missing(runtime)
    report.total()
    if missing is not None:
        raise missing
    return passed


def _show(runtime: str, report: Report, scenes: Sequence[Scene]) -> bool:
    heard = Heard()
    began = monotonic()
    with Restaurant() as till, LocalGateway() as gateway:
        settings = Settings(
            api_key="sk_sandbox_demo", url=gateway.url, backoff_initial=_BACKOFF, jitter=0
        )
        with in_background(
            runtime, epos, settings, journal="memory:", state=till, on_event=heard.put
        ) as service:
            report.title(
                f"dojo-proto {__version__} on {runtime}, with Python {platform.python_version()}",
                {
                    "gateway": f"{gateway.url}, on this machine, in place of Dojo's",
                    "EPOS": f"{epos.software_house_id}, {len(epos.handlers())} methods, "
                    "over a real socket",
                },
            )
            visit = Visit(gateway=gateway, service=service, till=till, heard=heard)
            counts = play(scenes, visit, report, began)
    report.summary(runtime, counts, elapsed(began))
    return verdict(counts) is Outcome.PASSED


def play(scenes: Sequence[Scene], visit: Visit, report: Report, began: float) -> Counter[Outcome]:
    """Run every step whose needs have passed; return how many ended how."""
    counts: Counter[Outcome] = Counter()
    passed: set[Run] = set()
    for scene in scenes:
        report.scene(scene.title)
        for step in scene.steps:
            line = _run(step, visit, began) if passed.issuperset(step.needs) else _skip(step, began)
            report.step(line)
            counts[line.outcome] += 1
            if line.outcome is Outcome.PASSED:
                passed.add(step.run)
    return counts


def _run(step: Step, visit: Visit, began: float) -> Line:
    start = monotonic()
    said, fault = "", None
    try:
        said = step.run(visit)
    except Unexpected as error:
        fault = error.fault
    except SimulatorError as error:
        fault = Fault(what="the EPOS", expected="an answer in time", came=str(error))
    except DojoError as error:
        fault = Fault(what="the service", expected="it serves", came=str(error))
    except (KeyError, TypeError) as error:
        fault = Fault(
            what="the result",
            expected="the vendor's shape",
            came=f"{type(error).__name__}: {error}",
        )
    return Line(
        at=elapsed(began),
        outcome=Outcome.PASSED if fault is None else Outcome.FAILED,
        name=step.name,
        took=elapsed(start),
        said=said,
        fault=fault,
    )


def _skip(step: Step, began: float) -> Line:
    return Line(
        at=elapsed(began),
        outcome=Outcome.SKIPPED,
        name=step.name,
        said="what it builds on has failed",
    )
