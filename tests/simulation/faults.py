"""Every fault that can be planted."""

from tests.simulation import faults_of_links, faults_of_money
from tests.simulation.planting import FAULTS, Fault

__all__ = ["FAULTS", "Fault", "faults_of_links", "faults_of_money"]
