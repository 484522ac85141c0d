"""The command `dojo-epos`, and the same for a program that brings its own EPOS."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper

from dojo_adapters.cli.arguments import make_parser
from dojo_adapters.cli.exits import Exit
from dojo_proto import AuthenticationError, ConfigurationError, DojoError, Epos

__all__ = ["Exit", "main"]


def main(epos: Epos | None = None, argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code, one of Exit.

    `argv` is without the program's name; None takes the process's own. With `epos`, the command
    `run` serves that one: what a frozen executable calls. Raises SystemExit where argparse does: 0
    for --help and --version, 2 for arguments that it cannot read.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # nothing is worth a UnicodeEncodeError
    parser = make_parser(epos)
    arguments = parser.parse_args(argv)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return Exit.CONFIGURATION
    try:
        return int(arguments.command(arguments))
    except ConfigurationError as error:
        return _fail(parser.prog, error, Exit.CONFIGURATION)
    except AuthenticationError as error:
        return _fail(parser.prog, error, Exit.AUTHENTICATION)
    except BrokenPipeError:
        # Whoever read it has gone, as `head` does. Python would complain of it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except (DojoError, OSError) as error:
        return _fail(parser.prog, error, Exit.FAILED)
    except KeyboardInterrupt:
        return _fail(parser.prog, "interrupted", Exit.FAILED)


def _fail(program: str, reason: object, code: Exit) -> Exit:
    with suppress(OSError):  # nobody may be there to read it
        print(f"{program}: {reason}", file=sys.stderr)
    return code
