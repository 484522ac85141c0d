"""A program that serves on a free port of this machine while a block runs."""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
"""Seconds after which whatever waits gives up; far more than anything here takes."""

Command = Callable[[socket.socket], Sequence[str]]


class Process:
    """A program that inherits a listening socket; `command` makes its command line for that.

    The socket listens before the program runs, so connections may be made at once. Leaving the
    block ends the program's standard input, which ends the program, unless `end` does otherwise.
    """

    def __init__(self, command: Command) -> None:
        self._errors = TemporaryFile("w+")  # noqa: SIM115 - closed with the block
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port: int = listener.getsockname()[1]
            self.process = Popen(  # noqa: S603 - the tests' own command lines
                command(listener),
                stdin=PIPE,
                stdout=PIPE,
                stderr=self._errors,
                pass_fds=[listener.fileno()],
                cwd=ROOT,
                text=True,
            )

    @property
    def errors(self) -> str:
        """What it has written on its standard error."""
        self._errors.seek(0)
        return self._errors.read()

    def end(self) -> None:
        """Have it end; by itself its standard input does."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self.process.stdin is not None
        with self._errors, self.process:
            self.process.stdin.close()
            self.end()
            self.process.wait(PATIENCE)
