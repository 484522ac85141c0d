"""Runs one contestant in a fresh process: `python -m benchmarks.child MODULE PORT LOOP`.

MODULE is one of benchmarks.peers, and has `serve(port, loop)`, which dials and serves for ever.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread

ROOT = Path(__file__).parents[1]


@contextmanager
def running(module: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m MODULE ARGUMENTS…` while the block runs, then kill it.

    What it has written to stderr goes into the error if the block fails.
    """
    with TemporaryFile() as said:
        child = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of this project
            [sys.executable, "-m", module, *map(str, arguments)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
        )
        with child:
            try:
                yield child
            except Exception as error:
                said.seek(0)
                error.add_note(said.read().decode(errors="replace"))
                raise
            finally:
                child.kill()


def end_with_parent() -> None:
    """End this process as soon as the one that has started it is gone."""

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    import_module(f"benchmarks.peers.{sys.argv[1]}").serve(int(sys.argv[2]), sys.argv[3])
