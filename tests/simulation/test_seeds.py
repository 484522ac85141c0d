"""Two thousand worlds, in each of which other things go wrong.

They run in processes of their own, as `make simulate` runs them: on all cores, and not slowed down
by the measurement of coverage.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHUNK = 500


def simulate(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - ours
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize("first", range(0, 2000, CHUNK))
def test_no_promise_is_broken(first: int) -> None:
    ran = simulate("--first", str(first), "--seeds", str(CHUNK))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"{CHUNK} seeds, 0 failed" in ran.stdout


def test_a_seed_is_the_same_wherever_it_runs() -> None:
    for seed in ("3", "12", "97"):
        traces = [simulate("--seed", seed, PYTHONHASHSEED=hashing).stdout for hashing in "17"]
        assert traces[0] == traces[1]
        assert len(traces[0].splitlines()) > 20


def test_a_seed_that_fails_says_how_to_replay_it() -> None:
    ran = simulate("--seeds", "3", "--jobs", "1", "--plant", "answered_twice")
    assert ran.returncode == 1
    assert "3 seeds, 3 failed" in ran.stdout
    [command] = [line for line in ran.stdout.splitlines() if "--seed 1 " in line]
    assert command.startswith("python -m tests.simulation --plant answered_twice --seed 1 ")
    replayed = simulate("--seed", "1", "--plant", "answered_twice")
    assert replayed.returncode == 1
    for said in ("starts", "gateway: asks for", "ANSWERED: "):
        assert said in replayed.stdout
