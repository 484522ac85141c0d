"""How a fault is planted: a mutation of the library, made and taken back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple
from unittest.mock import patch

from tests.simulation.invariants import Invariant


class Fault(NamedTuple):
    """A mutation, and which promises it breaks: any of them may be the first to be noticed."""

    name: str
    plant: Callable[[], AbstractContextManager[None]]
    breaks: frozenset[Invariant]


FAULTS: dict[str, Fault] = {}
"""Every fault there is, by name."""


def breaks(*invariants: Invariant) -> Callable[[Callable[[], Iterator[None]]], None]:
    """Register a generator function that patches one decision of `dojo_proto` while it yields."""

    def register(plant: Callable[[], Iterator[None]]) -> None:
        name = plant.__name__
        FAULTS[name] = Fault(name, contextmanager(plant), frozenset(invariants))

    return register


def replaced(owner: object, name: str, make: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """Put `make(what was there)` in its place."""
    return patch.object(owner, name, make(getattr(owner, name)))
