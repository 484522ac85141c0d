"""`python -m tests.fuzz`: every target for some minutes, coverage-guided, one after the other.

See docs/fuzzing.md.
"""

import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import monotonic

from tests.fuzz.catalogue import CORPUS, DICTIONARY, REGRESSIONS, TARGETS
from tests.fuzz.record import Ran, keep, table
from tests.fuzz.shrinking import shrink

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".fuzz"
"""What the fuzzer finds on its way; later runs go on from there."""
LONGEST = 2048
"""Bytes of an input."""
FULL = 1.0
"""Minutes for each target of a run that is recorded, or more."""
SHRINKING = 30.0
"""Seconds for making one input smaller."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if anything was found, 2 if there is no fuzzer."""
    parser = ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=FULL, help="for each target")
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    options = parser.parse_args(arguments)
    try:
        version("atheris")
    except PackageNotFoundError:
        print("atheris is not installed; there are wheels for CPython on Linux")
        return 2
    HOME.mkdir(exist_ok=True)
    (HOME / ".gitignore").write_text("*\n", "utf-8")
    runs = []
    command = f"make fuzz MINUTES={options.minutes:g}"
    for name in options.targets or TARGETS:
        print(
            f"{name}: {options.minutes:g} min; {HOME.name}/{name}.log has the details", flush=True
        )
        runs.append(_run(name, round(options.minutes * 60)))
        if options.minutes >= FULL:
            keep(runs[-1], command=command)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    print(table((run, today) for run in runs), end="")
    return int(any(run.found for run in runs))


def _run(name: str, seconds: int) -> Ran:
    grown, artifacts = HOME / "corpus" / name, HOME / "found" / name
    for folder in (grown, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    # The first folder is the one that is written to.
    flags = [
        *(str(grown), str(CORPUS / name)),
        *([str(REGRESSIONS / name)] if (REGRESSIONS / name).exists() else []),
        f"-dict={DICTIONARY}",
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={artifacts}/",
        "-print_final_stats=1",
        "-timeout=30",
        "-rss_limit_mb=1024",
    ]
    began = monotonic()
    log = HOME / f"{name}.log"
    with log.open("wb") as output:
        ended = subprocess.run(  # noqa: S603 - this Python, and a target of ours
            [sys.executable, "-m", "tests.fuzz.child", name, *flags],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    said = log.read_text("utf-8", "replace")
    found = [_save(name, path) for path in sorted(artifacts.iterdir())]
    if ended.returncode and not found:
        raise SystemExit(f"the fuzzer itself has failed; see {log}")
    return Ran(
        target=name,
        atheris=version("atheris"),
        seconds=round(monotonic() - began),
        executions=_last(r"stat::number_of_executed_units: *(\d+)", said),
        edges=_last(r"cov: (\d+)", said),
        inputs=_last(r"corp: (\d+)", said),
        megabytes=_last(r"stat::peak_rss_mb: *(\d+)", said),
        found=found,
    )


def _save(name: str, artifact: Path) -> str:
    """Keep what has found something, as small as can be, where `make test` replays it."""
    data = artifact.read_bytes()
    if artifact.name.startswith("crash-"):
        data = shrink(TARGETS[name], data, seconds=SHRINKING)
    kind = artifact.name.partition("-")[0]
    path = REGRESSIONS / name / f"{kind}-{sha256(data).hexdigest()[:12]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    artifact.unlink()
    print(f"found: {path.relative_to(ROOT)}: {data!r}")
    print(f"       .venv/bin/pytest tests/fuzz/test_replay.py -k {path.name}")
    return path.name


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
