"""The Autobahn test suite: how it is installed, and how it is run."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import msgspec

HOME = Path(__file__).parents[2] / ".conformance"
"""All that the suite leaves behind; it tells git to ignore it."""
VERSION = "0.8.2"

_WSTEST = HOME / "suite" / "bin" / "wstest"
_PROBE = "import sys; sys.exit(sys.version_info[:2] != (2, 7))"
_CASES = re.compile(r"^Cases = \[(.*)\]$", re.MULTILINE)


class NoPython(Exception):
    """There is no Python 2.7, without which the suite does not run."""


def is_installed() -> bool:
    """Whether `install` has been here."""
    return _WSTEST.exists()


def install(python: str | None) -> None:
    """Install the suite in HOME, unless it is there; with `python`, or one that is found.

    Raises NoPython, and CalledProcessError with what pip said.
    """
    if is_installed():
        return
    found = next(filter(_is_python, [python] if python else _pythons()), None)
    if found is None:
        raise NoPython(
            f"the Autobahn test suite needs Python 2.7: {python} is none"
            if python
            else "the Autobahn test suite needs Python 2.7, and none was found in PATH or by pyenv"
        )
    HOME.mkdir(exist_ok=True)
    (HOME / ".gitignore").write_text("*\n", "ascii")
    print(f"installing the Autobahn test suite with {found} (once; about a minute)", flush=True)
    tool, venv = HOME / "virtualenv", _WSTEST.parents[1]
    # A Python 2.7 rarely has virtualenv, so one is put beside it; 20.22 no longer knows 2.7.
    _run(found, "-m", "pip", "install", "--target", tool, "--upgrade", "virtualenv<20.22")
    seeds = ("--app-data", HOME / "app-data")
    _run("env", f"PYTHONPATH={tool}", found, "-m", "virtualenv", "--python", found, *seeds, venv)
    _run(venv / "bin/python", "-m", "pip", "install", f"autobahntestsuite=={VERSION}")


def _run(*command: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - nothing of it comes from outside
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        print(done.stdout)
        done.check_returncode()


def _pythons() -> Iterator[str]:
    yield from filter(None, map(which, ("python2.7", "python2")))
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob("versions/2.7*/bin/python2.7"), reverse=True))


def _is_python(path: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - what the user named, or what PATH has
            [path, "-c", _PROBE], stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


class Run(msgspec.Struct, frozen=True):
    """`wstest` at work; it writes to `log`."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text("utf-8", "replace")

    def cases(self) -> Sequence[str]:
        """The cases that it was to run."""
        listed = _CASES.search(self.said())
        return re.findall(r"[\d.]+", listed[1]) if listed else ()


@contextmanager
def running(mode: str, folder: Path, spec: dict[str, object]) -> Iterator[Run]:
    """`wstest --mode MODE` with `spec`, until it ends or the block is left; reports to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    path, log = folder / "spec", folder / "log"
    path.write_bytes(msgspec.json.encode({**spec, "outdir": str(folder)}))
    # A PYTHONPATH is meant for another Python.
    python = (_WSTEST.with_name("python"), "-E", "-u")
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603 - what was installed above
            [*python, _WSTEST, "--mode", mode, "--spec", path, "--webport", "0"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield Run(process, log)
        finally:
            process.terminate()
