"""Threads of which one goes on at a time, and where another may go on instead."""

import sys
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Iterable, Iterator, Sequence
from linecache import getline
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple, TypeAlias

Schedule: TypeAlias = dict[int, int]
"""Which of the threads that can go on does, at which step; the first where nothing is said."""

_OWN = {str(Path(__file__).with_name(name)) for name in ("world.py", "explorer.py", "till.py")}
_ENDLESS = 5_000
"""Steps after which a schedule is taken for one that never ends."""


class BrokenError(AssertionError):
    """What is to hold does not. The message lists the steps of the schedule that shows it."""

    def __init__(self, world: "World", what: str) -> None:
        steps = "".join(f"  {step}\n" for step in world.steps)
        super().__init__(f"with the schedule {world.schedule}:\n{steps}{what}")
        self.schedule = world.schedule


class _EndedError(BaseException):
    """Raised in the threads that are left when their world ends."""


class Step(NamedTuple):
    """A place where another thread might have gone on."""

    name: str
    code: CodeType | None
    """None at the end of the thread."""
    instruction: int
    chosen: int
    choices: int

    def __str__(self) -> str:
        if self.code is None:
            return f"{self.name:16} has nothing more to do"
        file = self.code.co_filename
        lines = (
            line for start, end, line in self.code.co_lines() if start <= self.instruction < end
        )
        line = next(lines) or 0
        return (
            f"{self.name:16} {Path(file).name + ':' + str(line):16} {getline(file, line).strip()}"
        )


class Strand:
    """A thread of a world, which goes on when it is told to, and no other does meanwhile."""

    def __init__(
        self, world: "World", name: str, target: Callable[[], object], *, sleeps: bool
    ) -> None:
        self.name = name
        self.sleeps = sleeps
        """It may be found waiting in the end."""
        self._goes = allocate_lock()
        self._goes.acquire()
        self._is_started = False
        self.frame: FrameType | None = None
        self.waits_for: Callable[[], bool] | None = None
        self.is_timed = False
        self.error: BaseException | None = None
        self.ended = False
        self._world = world
        self._target = target

    def is_ready(self) -> bool:
        """Whether it can go on, and has waited for nothing in vain."""
        return not self.ended and (self.waits_for is None or self.waits_for())

    def stack(self) -> Iterator[FrameType]:
        """Where it is, innermost first."""
        frame = self.frame
        while frame is not None and frame.f_code is not Strand._run.__code__:
            yield frame
            frame = frame.f_back

    def place(self) -> tuple[CodeType | None, int]:
        """Which instruction is its next, leaving out what waits for it here."""
        frame = self.frame
        while frame is not None and frame.f_code.co_filename in _OWN:
            frame = frame.f_back
        return (None, 0) if frame is None else (frame.f_code, frame.f_lasti)

    def go(self) -> None:
        """Have it go on; whoever calls this is to wait next, or to end."""
        if self._is_started:
            self._goes.release()
        else:
            self._is_started = True
            start_new_thread(self._run, ())

    def wait(self) -> None:
        """Called in it: wait for `go`."""
        self._goes.acquire()

    def _run(self) -> None:
        sys.settrace(self._world.trace)
        try:
            self._target()
        except _EndedError:
            pass
        except BaseException as error:  # noqa: BLE001 - the world tells of it, with the schedule
            self.error = error
        finally:
            sys.settrace(None)
            self.frame = None
            self.ended = True
            self._world.go_on(self)


class World:
    """One run of all its strands by a schedule, which it completes with the first that can go on.

    A strand that could go on has to let another one do so at most `preemptions` times. `is_known()`
    is asked at each new step, and says whether all that can follow has been tried. The steps that
    were `before` are those of the last schedule, from which this one differs in its last choice.
    """

    def __init__(
        self,
        watched: Iterable[ModuleType],
        schedule: Schedule,
        preemptions: float,
        is_known: Callable[["World"], bool],
        before: Sequence[Step] = (),
    ) -> None:
        self.schedule = schedule
        self.steps: list[Step] = []
        self.strands: list[Strand] = []
        self.running: Strand | None = None
        self._files = {module.__file__ for module in watched}
        self._replayed = max(schedule, default=-1)
        self._is_known = is_known
        self._may_differ = True
        self._before = before
        self.preemptions_left = preemptions
        self._is_over = False
        self._at_rest = allocate_lock()
        self._at_rest.acquire()

    # For what runs in it.

    def spawn(self, name: str, target: Callable[[], object], *, sleeps: bool = False) -> None:
        """Have a thread call `target`."""
        self.strands.append(Strand(self, name, target, sleeps=sleeps))

    def wait_until(self, condition: Callable[[], bool], *, is_timed: bool = False) -> bool:
        """Wait for what another strand makes true. What is timed may return False before."""
        strand = self.running
        if strand is not None:
            strand.waits_for, strand.is_timed = condition, is_timed
            self._point(sys._getframe())
            strand.waits_for, strand.is_timed = None, False
        elif self._is_over:
            raise _EndedError
        return condition()

    # For the strands.

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        """The trace function of each."""
        if frame.f_code.co_filename not in self._files:
            return None
        if event == "line":
            self._point(frame)
        return self.trace

    def go_on(self, strand: Strand) -> None:
        """Have whoever is to go on do so, and `strand` wait for its turn."""
        following = None if self._is_over else self._choose(strand)
        if following is not strand:
            self.running = following
            if following is None:
                self._at_rest.release()
            else:
                following.go()
            if not strand.ended:
                strand.wait()

    # For the explorer.

    def run(self, check: Callable[[], object]) -> None:
        """Go on until none can; then `check()`. Raises BrokenError."""
        begins = Strand(self, "the explorer", check, sleeps=True)
        begins.ended = True
        self.go_on(begins)
        self._at_rest.acquire()
        self.running = None
        try:
            self._expect_rest()
            check()
        except AssertionError as error:
            raise BrokenError(self, str(error)) from error
        finally:
            self._end()

    def next_schedule(self) -> Schedule | None:
        """The one that differs last; None if there is none."""
        for number in reversed(range(len(self.steps))):
            step = self.steps[number]
            if step.chosen + 1 < step.choices:
                before = {at: chosen for at, chosen in self.schedule.items() if at < number}
                return {**before, number: step.chosen + 1}
        return None

    def _point(self, frame: FrameType) -> None:
        strand = self.running
        if strand is not None:
            strand.frame = frame
            self.go_on(strand)
        if self._is_over:
            raise _EndedError

    def _choose(self, strand: Strand) -> Strand | None:
        number = len(self.steps)
        chosen = self.schedule.get(number, 0)
        is_ready = strand.is_ready()
        is_replayed = number <= self._replayed
        may_differ = self._may_differ and (not is_ready or self.preemptions_left > 0)
        if is_ready and not chosen and (is_replayed or not may_differ):
            able = [strand]  # and others, which make no difference: by far the most frequent case
        else:
            able = self._able(strand)
        if not able or number == _ENDLESS:
            return None
        if is_replayed:
            choices = self._before[number].choices if self._before else 1
        else:
            if may_differ and len(able) > 1 and self._is_known(self):
                self._may_differ = may_differ = False
            choices = len(able) if may_differ else 1
        self.steps.append(Step(strand.name, *strand.place(), chosen, choices))
        self.preemptions_left -= is_ready and chosen > 0
        return able[chosen]

    def _able(self, strand: Strand) -> list[Strand]:
        """Those that can go on: `strand` before the others, and last those that would give up."""
        others = [other for other in self.strands if other is not strand]
        able = [each for each in (strand, *others) if each.is_ready()]
        return able + [each for each in (*others, strand) if each.is_timed and not each.is_ready()]

    def _expect_rest(self) -> None:
        for strand in self.strands:
            if strand.error is not None:
                raise AssertionError(f"{strand.name} has raised {strand.error!r}") from strand.error
        assert len(self.steps) < _ENDLESS, "it goes on for ever"
        for strand in self.strands:
            assert strand.ended or strand.sleeps, f"{strand.name} waits for ever"

    def _end(self) -> None:
        self._is_over = True
        for strand in self.strands:
            if not strand.ended:
                strand.go()
                self._at_rest.acquire()
