"""Judges an EPOS: everything that an integration must get right, and that a simulator can see.

`dojo-epos check` is made of `add_check_arguments` and `run`. In a program or a test:

    with hosted_bench(epos, till=till_actions) as bench:
        findings = make(bench, CHECKS)
"""

from dojo_simulator.check.arguments import DESCRIPTION, EPILOG, add_check_arguments
from dojo_simulator.check.bench import Bench, Given
from dojo_simulator.check.command import run
from dojo_simulator.check.flows import CHECKS
from dojo_simulator.check.framework import Check, Exchange, Failed, Finding, Skipped, Verdict
from dojo_simulator.check.pace import Pace
from dojo_simulator.check.runner import QUICK, chosen, hosted_bench, make, visited_bench

__all__ = [
    "CHECKS",
    "DESCRIPTION",
    "EPILOG",
    "QUICK",
    "Bench",
    "Check",
    "Exchange",
    "Failed",
    "Finding",
    "Given",
    "Pace",
    "Skipped",
    "Verdict",
    "add_check_arguments",
    "chosen",
    "hosted_bench",
    "make",
    "run",
    "visited_bench",
]
