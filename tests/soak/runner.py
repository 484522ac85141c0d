"""One till of one runtime, for so many requests and reconnects; and what was measured of it."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, closing
from pathlib import Path
from time import monotonic
from typing import IO, Any, TypeVar

import msgspec
from tests.interop.process import ROOT
from tests.soak import child, witness
from tests.soak.child import Report, Sample
from tests.soak.link import Ending
from tests.soak.traffic import Traffic
from tests.soak.witness import Waits

RUNTIMES = {
    "asyncio": "memory",
    "trio": "sqlite",
    "anyio": "memory",
    "threads": "sqlite",
    "uvloop": "memory",
}
"""Each runtime, and the journal that it has here unless another is asked for."""
JOURNALS = ("memory", "sqlite")

_STUCK = 30.0
"""Seconds without an answer after which nothing more is to be expected."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to do to which till."""

    runtime: str
    journal: str
    requests: int
    reconnects: int
    seed: int = 0
    rests: int = 24
    """How often the traffic rests, and all is measured."""
    planted: str = ""
    """A defect, of tests.soak.planted."""
    patience: float = 12.0
    """Seconds in which what is to settle or to end has; trio keeps an idle thread for 10."""


class Outcome(msgspec.Struct, kw_only=True):
    """What was seen."""

    job: Job
    seconds: float
    answered: list[int]
    """Requests, at each sample."""
    samples: list[Sample]
    payments: int
    lost: int
    """Requests whose connection ended before the answer."""
    reconnects: int
    """Connections that were made to end."""
    ended_otherwise: int
    """Connections that were not."""
    endings: Mapping[Ending, int]
    wrong_answers: Sequence[str]
    wrong_count: int
    report: Report | None
    """None if it did not come."""
    waits: Waits
    open_rows: int
    said: str
    """On standard error, which is to be empty, or why it was given up."""


T = TypeVar("T", Sample, Report)


class Stuck(Exception):
    """The till does not answer any more, or has ended."""


async def soak(job: Job, folder: Path) -> Outcome:
    """Do it; the till's journal and what it says on standard error are in `folder`."""
    journal = folder / "journal.db"
    traffic = Traffic(job.seed)
    answered: list[int] = []
    samples: list[Sample] = []
    report, why, waits = None, "", Waits((), ())
    began = monotonic()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(traffic.close)
        given = child.Job(
            runtime=job.runtime,
            url=f"ws://127.0.0.1:{traffic.port}/epos",
            journal="memory:" if job.journal == "memory" else f"sqlite:{journal}",
            planted=job.planted,
            patience=job.patience,
        )
        errors = stack.enter_context((folder / "stderr").open("wb"))
        till = await _start(child.__name__, msgspec.json.encode(given).decode(), errors)
        stack.push_async_callback(_end, till)
        beside = await _start(witness.__name__, str(till.pid), errors)
        stack.push_async_callback(_end, beside)
        try:
            for at in range(1, job.rests + 1):
                await _round(traffic, till, job, at)
                samples.append(await _ask(till, "measure", Sample))
                answered.append(traffic.answered_count)
            seconds = monotonic() - began
            report = await _ask(till, "stop", Report, job.patience)
        except Stuck as error:
            seconds, why = monotonic() - began, str(error)
        waits = msgspec.json.decode((await beside.communicate(b""))[0], type=Waits)
    return Outcome(
        job=job,
        seconds=seconds,
        answered=answered,
        samples=samples,
        payments=traffic.payments,
        lost=traffic.lost_count,
        reconnects=traffic.endings.total(),
        ended_otherwise=traffic.ended_otherwise,
        endings=traffic.endings,
        wrong_answers=traffic.wrongs,
        wrong_count=traffic.wrong_count,
        report=report,
        waits=waits,
        open_rows=_open_rows(journal),
        said=(why + "\n" + (folder / "stderr").read_text("utf-8", "replace")).strip(),
    )


async def _start(module: str, argument: str, errors: IO[bytes]) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "always::ResourceWarning", "-m", module, argument),
        stdin=PIPE,
        stdout=PIPE,
        stderr=errors,
        cwd=ROOT,
        limit=1 << 20,
    )


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def _round(traffic: Traffic, till: Process, job: Job, at: int) -> None:
    requests = job.requests * at // job.rests - job.requests * (at - 1) // job.rests
    reconnects = job.reconnects * at // job.rests - traffic.endings.total()
    over = traffic.start_round(requests, reconnects)
    ended = asyncio.create_task(till.wait())
    try:
        while not over.done():
            before = traffic.answered_count
            waited: set[asyncio.Future[Any]] = {over, ended}
            await asyncio.wait(waited, timeout=_STUCK, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                raise Stuck(f"the till has ended by itself with {ended.result()}")
            if traffic.answered_count == before and not over.done():
                raise Stuck(f"no answer came for {_STUCK:g} s: {traffic.state}")
    finally:
        ended.cancel()


async def _ask(till: Process, command: str, kind: type[T], patience: float = 0.0) -> T:
    assert till.stdin is not None
    assert till.stdout is not None
    try:
        till.stdin.write(f"{command}\n".encode())
        line = await asyncio.wait_for(till.stdout.readline(), _STUCK + 3 * patience)
    except (TimeoutError, OSError) as error:
        raise Stuck(f"{command} was not answered: {error!r}") from None
    if not line:
        raise Stuck(f"the till has ended instead of answering {command}")
    return msgspec.json.decode(line, type=kind)


def _open_rows(journal: Path) -> int:
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(journal)) as connection:
        query = "SELECT count(*) FROM dojo_journal WHERE state = 'begun'"
        ((rows,),) = connection.execute(query)
        return int(rows)
