"""The command `dojo-epos`, and the same for a program that brings its own EPOS."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING

from dojo_adapters.cli.exits import Exit

# Everything else is imported in `main`, where an interrupt is no traceback.
if TYPE_CHECKING:
    from dojo_proto import Epos

__all__ = ["Exit", "main"]


def main(epos: "Epos | None" = None, argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code, one of Exit.

    `argv` is without the program's name; None takes the process's own. With `epos`, the command
    `run` serves that one: what a frozen executable calls. Raises SystemExit where argparse does: 0
    for --help and --version, 2 for arguments that it cannot read.
    """
    program = "dojo-epos"
    if epos is not None:
        program = os.path.basename(sys.argv[0])  # noqa: PTH119 - --help waits for no pathlib
    try:
        return _run(program, epos, sys.argv[1:] if argv is None else argv)
    except BrokenPipeError:
        # Whoever read it has gone, as `head` does. Python would complain of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except OSError as error:
        return _fail(program, error, Exit.FAILED)
    except KeyboardInterrupt:
        return _fail(program, "interrupted", Exit.FAILED)


def _run(program: str, epos: "Epos | None", argv: Sequence[str]) -> int:
    from dojo_adapters.cli.arguments import make_parser  # noqa: PLC0415 - as said above
    from dojo_proto.errors import (  # noqa: PLC0415 - too
        AuthenticationError,
        ConfigurationError,
        DojoError,
        JournalInUse,
    )

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # nothing is worth a UnicodeEncodeError
    try:
        parser = make_parser(program, epos, argv)
        arguments = parser.parse_args(argv)
        if arguments.command is None:
            parser.print_help(sys.stderr)
            return Exit.CONFIGURATION
        return int(arguments.command(arguments))
    except ConfigurationError as error:
        return _fail(program, error, Exit.CONFIGURATION)
    except AuthenticationError as error:
        return _fail(program, error, Exit.AUTHENTICATION)
    except JournalInUse as error:
        return _fail(program, error, Exit.JOURNAL_IN_USE)
    except DojoError as error:
        return _fail(program, error, Exit.FAILED)


def _fail(program: str, reason: object, code: Exit) -> Exit:
    with suppress(OSError):  # nobody may be there to read it
        print(f"{program}: {reason}", file=sys.stderr)
    return code
