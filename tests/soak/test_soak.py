"""Endurance is passed by each runtime, and by nothing that leaks, lags or answers wrongly."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest
from tests.evidence.record import BEGIN, END
from tests.soak import __main__ as main
from tests.soak.child import Report, Sample
from tests.soak.planted import PLANTED
from tests.soak.pulse import PERIOD, Beat, Lag, Pulse
from tests.soak.record import PAGE, TITLES, line, summary
from tests.soak.runner import RUNTIMES, Job, Outcome, soak
from tests.soak.short_lived import Delay
from tests.soak.verdict import fit, measure, wrongs
from tests.soak.witness import Waits

from dojo_adapters.runtimes import RUNTIMES as STANDARD

linux = pytest.mark.skipif(sys.platform != "linux", reason="what is measured is in Linux's /proc")


def short(folder: Path, runtime: str, planted: str = "") -> list[str]:
    """What is wrong after a short run."""
    job = Job(
        runtime=runtime,
        journal=RUNTIMES[runtime],
        requests=1500,
        reconnects=9,
        rests=6,
        planted=planted,
        patience=0.3 if planted else 12.0,
    )
    outcome = asyncio.run(soak(job, folder))
    return wrongs(outcome, measure(outcome))


@linux
@pytest.mark.parametrize("runtime", STANDARD)
def test_a_till_is_as_it_was_after_requests_and_reconnects(tmp_path: Path, runtime: str) -> None:
    assert short(tmp_path, runtime) == []


SAYS = {
    "contexts": "more pieces of memory per 1,000 requests",
    "buffers": "expected the memory to grow by",
    "descriptors": "expected no descriptor to be left over",
    "threads": "expected no thread to be left over",
    "tasks": "expected no task to be left over",
    "unclosed": "ResourceWarning: unclosed <socket",
    "blocking": "expected a lag of 50 ms at most",
    "twice": "answers nothing that was asked, or again",
    "another": "was answered with another result than its own",
    "doubled": "payments to be booked once each; the handler ran",
}


def test_every_planted_defect_is_tried() -> None:
    assert SAYS.keys() == PLANTED.keys()


@linux
@pytest.mark.parametrize("planted", SAYS)
def test_a_defect_is_found(tmp_path: Path, planted: str) -> None:
    found = short(tmp_path, "asyncio", planted)
    assert any(SAYS[planted] in wrong for wrong in found), found


# What is measured.


def test_the_pulse_knows_the_worst_and_what_most_beats_stayed_below() -> None:
    pulse = Pulse()
    for at in range(1, 5001):
        pulse.came(float(at), at + (0.06 if at <= 5 else 0.0011))
    lag = pulse.lag()
    assert lag.beats == 5000
    assert lag.worst == pytest.approx(0.06)
    assert lag.p999 == pytest.approx(0.0015)
    assert [beat.due for beat in lag.late] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_the_slope_is_that_of_the_line_through_the_points() -> None:
    assert fit([0, 1, 2, 3], [5, 7, 9, 11]) == pytest.approx(2)
    assert fit([0, 1, 2, 3], [5, 7, 7, 5]) == pytest.approx(0)
    assert fit([1, 1], [5, 7]) == 0


def test_what_was_waited_between_two_times_is_what_the_looks_around_them_saw() -> None:
    waits = Waits([0.0, 1.0, 2.0, 3.0], [0.0, 0.5, 0.5, 0.75])
    assert waits.between(1.0, 2.0) == 0
    assert waits.between(0.5, 1.5) == 0.5
    assert waits.between(2.5, 9.0) == 0.25
    assert Waits([], []).between(0.0, 1.0) == 0


# What follows from it.

SAMPLE = Sample(rss=30 << 20, blocks=100_000, descriptors=7, threads=5, tasks=1, unsettled=0)
QUIET = Lag(beats=1000, worst=0.004, p999=0.003, late=[])
REPORT = Report(
    lag=QUIET,
    booked=10,
    descriptors_left=[],
    threads_left=[],
    tasks_left=0,
    delays=[],
    alarms={},
)
OUTCOME = Outcome(
    job=Job(runtime="asyncio", journal="memory", requests=6000, reconnects=2),
    seconds=1.0,
    answered=[1000 * at for at in range(1, 7)],
    samples=[SAMPLE] * 6,
    payments=10,
    lost=3,
    reconnects=2,
    ended_otherwise=0,
    endings={},
    wrong_answers=[],
    wrong_count=0,
    report=REPORT,
    waits=Waits([0.0, 1.0, 2.0], [0.0, 0.0, 0.0]),
    open_rows=0,
    said="",
)


def judged(outcome: Outcome) -> list[str]:
    return wrongs(outcome, measure(outcome))


def grown(field: str, each: int) -> list[str]:
    """The judgement where `field` grows from rest to rest."""
    samples = [
        msgspec.structs.replace(SAMPLE, **{field: getattr(SAMPLE, field) + at * each})
        for at in range(6)
    ]
    return judged(msgspec.structs.replace(OUTCOME, samples=samples))


def late(lag: float, **more: object) -> list[str]:
    """The judgement where one beat came so late."""
    beat = Beat(0.5, 0.5 + lag)
    report = msgspec.structs.replace(
        REPORT, lag=Lag(beats=1000, worst=lag, p999=lag, late=[beat]), **more
    )
    return judged(msgspec.structs.replace(OUTCOME, report=report))


def test_what_stays_as_it_is_passes() -> None:
    assert judged(OUTCOME) == []


@pytest.mark.parametrize("field", ["descriptors", "threads", "tasks"])
def test_what_there_is_one_more_of_at_each_rest_is_named(field: str) -> None:
    assert [wrong.partition(" at ")[0] for wrong in grown(field, 1)] == [
        f"expected as many {field}"
    ]


def test_memory_may_move_a_little_and_not_grow() -> None:
    assert grown("rss", 1 << 18) == []
    assert "grew by 6144 KiB, 2097152 bytes per 1,000" in grown("rss", 2 << 20)[0]
    assert grown("blocks", 15) == []
    assert "200.0 more, 600 in all" in grown("blocks", 200)[0]


def test_a_lag_counts_that_nothing_but_the_process_can_explain() -> None:
    assert "it was 80 ms (80 ms by the clock)" in late(0.08)[0]
    assert late(0.08, delays=[Delay(0.55, 0.06)]) == []
    waits = Waits([0.0, 0.4, 0.6], [0.0, 0.0, 0.07])
    beat = Beat(0.5, 0.58)
    report = msgspec.structs.replace(REPORT, lag=Lag(1000, 0.08, 0.08, [beat]))
    assert judged(msgspec.structs.replace(OUTCOME, report=report, waits=waits)) == []
    assert beat.due - PERIOD > 0.4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"wrong_answers": ["this and that"], "wrong_count": 3}, "and 2 more such answers"),
        ({"payments": 9}, "expected 9 payments to be booked once each; the handler ran 10 times"),
        ({"open_rows": 1}, "every row of the journal to have an outcome; 1 have none"),
        ({"said": "Traceback"}, "nothing on standard error; it says: Traceback"),
        ({"report": None, "said": "it has ended"}, "it never came: it has ended"),
        (
            {"samples": [*OUTCOME.samples[:-1], msgspec.structs.replace(SAMPLE, unsettled=2)]},
            "when the traffic rests; 2 things were not",
        ),
        (
            {"report": msgspec.structs.replace(REPORT, alarms={"HandlerFailed": 4})},
            "there were 4 of HandlerFailed",
        ),
        (
            {"report": msgspec.structs.replace(REPORT, threads_left=["dojo-dial"])},
            "no thread to be left over; 1 are: dojo-dial",
        ),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, object], says: str) -> None:
    found = judged(msgspec.structs.replace(OUTCOME, **change))
    assert any(says in wrong for wrong in found), found


def test_an_outcome_is_a_line_below_the_titles() -> None:
    it = summary(OUTCOME, measure(OUTCOME), ["this", "that"])
    assert line(it).split() == [
        "asyncio",
        "memory",
        "6000",
        "2",
        "3",
        "1.0",
        "+0.0",
        "+0",
        "+0.00",
        "4.0",
        "4.0",
        "3.0",
        "0",
        "2",
        "WRONG",
    ]
    assert line(it).index("2 WRONG") == TITLES.index("verdict")


def test_only_a_complete_run_is_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(f"before\n{BEGIN}{END}after\n", "utf-8")
    monkeypatch.setattr("tests.evidence.record.DOCS", tmp_path)
    command = ["soak", "--requests", "1000000", "--reconnects"]

    async def soaked(job: Job, _folder: Path) -> Outcome:
        return msgspec.structs.replace(OUTCOME, job=job, reconnects=job.reconnects)

    monkeypatch.setattr(main, "soak", soaked)
    monkeypatch.setattr("sys.argv", [*command, "1999"])
    assert main.main() == 0
    assert not (tmp_path / "evidence.md").exists()
    monkeypatch.setattr("sys.argv", [*command, "2000"])
    assert main.main() == 0
    assert "in each of asyncio, trio, anyio, threads" in (tmp_path / "evidence.md").read_text(
        "utf-8"
    )
    assert "trio     sqlite" in (tmp_path / PAGE).read_text("utf-8")
