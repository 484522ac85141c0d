"""The simulation bites: it finds every fault that is planted, and says which promise it breaks."""

import pytest
from tests.simulation.faults import FAULTS, Fault
from tests.simulation.invariants import Invariant, Violation
from tests.simulation.world import World

BOUND = 2000
"""Seeds within which a fault is to be found."""


def find(fault: Fault) -> Violation | None:
    with fault.plant():
        for seed in range(BOUND):
            try:
                World(seed).run()
            except Violation as violation:
                if violation.invariant in fault.breaks:
                    return violation
    return None


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_a_planted_fault_is_found(fault: Fault) -> None:
    assert find(fault) is not None


def test_faults_are_taken_back() -> None:
    with FAULTS["answered_twice"].plant(), pytest.raises(Violation):
        World(0).run()
    World(0).run()


def test_there_are_enough_faults_and_each_promise_is_broken_by_some() -> None:
    assert len(FAULTS) >= 12
    broken = frozenset[Invariant]().union(*(fault.breaks for fault in FAULTS.values()))
    assert broken == frozenset(Invariant)
