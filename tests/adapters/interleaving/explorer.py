"""Runs code in every order in which its threads can go on, and says which order breaks it.

The code is the real one, in real threads, of which one goes on at a time. Before each line of the
modules that are watched, and wherever it waits or tries to acquire a lock, any other thread may go
on instead. Within a line none does but in what that calls: CPython might switch there behind a call
of what is not watched, with nothing of the line left to do but to use what it has got.

Each order is run from the start. Where a run comes to a state in which another one has been, all
that can follow is known, and nothing new is tried from there. The state is where the threads are,
and all that can be reached from the variables of their frames. What a line has read of another
thread's, and keeps while it calls something that is watched, is in none of them: no line does so.
"""

import os
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from io import BytesIO
from math import inf
from types import CodeType, FunctionType, GeneratorType, ModuleType
from typing import Any, TypeAlias

import pytest
from tests.adapters.interleaving.world import Schedule, Step, Strand, World

Build: TypeAlias = Callable[[World], Callable[[], object]]
"""Spawns the threads of a world; what it returns is called when none of them can go on."""


def explore(
    build: Build,
    watched: Sequence[ModuleType],
    *,
    unwatched: Sequence[ModuleType] = (),
    preemptions: float = inf,
    merging: bool = True,
) -> int:
    """Run what `build` sets up by every schedule, and say how many there were.

    With `preemptions` only those in which a thread that could go on has to let another one do so
    that many times at the most. What is `unwatched` is interrupted only where it waits, or tries to
    acquire a lock. Without `merging` all that can follow a state is tried each time. Raises
    BrokenError.
    """
    seen: dict[bytes, float] = {}

    def is_known(world: World) -> bool:
        state = _state(world, is_bounded=preemptions != inf)
        if seen.get(state, -1) >= world.preemptions_left:
            return True
        seen[state] = world.preemptions_left
        return False

    schedule: Schedule | None = {}
    before: list[Step] = []
    schedules = 0
    with _one_core():
        while schedule is not None:
            world = World(watched, schedule, preemptions, is_known if merging else _is_new, before)
            _run(world, build, [*watched, *unwatched])
            schedule, before = world.next_schedule(), world.steps
            schedules += 1
    return schedules


def replay(
    build: Build,
    watched: Sequence[ModuleType],
    *,
    unwatched: Sequence[ModuleType] = (),
    schedule: Schedule,
) -> None:
    """Run it once, by the schedule that a BrokenError has told of."""
    _run(World(watched, schedule, inf, _is_new), build, [*watched, *unwatched])


def _run(world: World, build: Build, modules: Sequence[ModuleType]) -> None:
    replaced = {"Lock": Lock, "RLock": RLock, "Thread": Started}
    with pytest.MonkeyPatch.context() as patch:
        for module in modules:
            for name in replaced.keys() & vars(module).keys():
                patch.setattr(module, name, partial(replaced[name], world))
        world.run(build(world))


@contextmanager
def _one_core() -> Iterator[None]:
    """Threads of which one goes on at a time are handed over several times faster on one core."""
    if sys.platform == "linux":
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {sorted(cores)[os.getpid() % len(cores)]})
    try:
        yield
    finally:
        if sys.platform == "linux":
            os.sched_setaffinity(0, cores)


def _is_new(_world: World) -> bool:
    return False


class Lock:
    """One of `threading`, in a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._depth = 0
        self.holder: Strand | None = None
        """Who has acquired it, while it is held."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        strand = self._world.running
        tries = not blocking or timeout == 0
        self._world.wait_until(lambda: tries or self._is_free_for(strand), is_timed=timeout > 0)
        if not self._is_free_for(strand):
            return False
        self._depth += 1
        self.holder = strand
        return True

    def release(self) -> None:
        assert self._depth, "it is not held"
        self._depth -= 1
        if not self._depth:
            self.holder = None

    __enter__ = acquire

    def __exit__(self, *_error: object) -> None:
        self.release()

    def _is_free_for(self, _strand: Strand | None) -> bool:
        return not self._depth


class RLock(Lock):
    """One of `threading`, in a world."""

    def _is_free_for(self, strand: Strand | None) -> bool:
        return not self._depth or self.holder is strand


class Started:
    """A `threading.Thread` in a world, where it may wait for ever."""

    def __init__(self, world: World, target: Callable[[], object], name: str, daemon: bool) -> None:
        assert daemon, "it would hold up the end of the process"
        self._world = world
        self._target = target
        self._name = name

    def start(self) -> None:
        number = sum(strand.name.startswith(self._name) for strand in self._world.strands) + 1
        self._world.spawn(f"{self._name} {number}", self._target, sleeps=True)


def _state(world: World, *, is_bounded: bool) -> bytes:
    stacks = [
        (
            each.ended,
            [(frame.f_code, frame.f_lasti, dict(frame.f_locals)) for frame in each.stack()],
        )
        for each in world.strands
    ]
    written = BytesIO()
    _Canonical(written).dump((is_bounded and world.running, stacks))
    return blake2b(written.getvalue(), digest_size=16).digest()


class _Canonical(pickle.Pickler):
    """Writes the same for what is the same, whenever it was made."""

    def reducer_override(self, thing: Any) -> Any:
        match thing:
            case World():
                return repr, ("world",)
            case Strand():
                return repr, (thing.name,)
            case type():
                return repr, (thing.__qualname__,)
            case CodeType():
                return repr, (thing.co_filename, thing.co_firstlineno)
            case FunctionType():
                cells = [cell.cell_contents for cell in thing.__closure__ or ()]
                return repr, (thing.__qualname__,), (thing.__code__, cells)
            case GeneratorType():
                frame = thing.gi_frame
                return repr, (), frame and (frame.f_code, frame.f_lasti, dict(frame.f_locals))
        return NotImplemented
