"""The commands of `dojo-epos`, and the help on them."""

import re
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from dojo_proto.version import __version__

if TYPE_CHECKING:
    from dojo_proto import Epos

COMMANDS = {
    "run": "serve an EPOS",
    "register": "tell Dojo what an EPOS serves",
    "capabilities": "show what Dojo has registered",
    "demo": "show everything, on this machine alone",
    "simulate": "run a local gateway",
    "trigger": "make the local gateway call",
    "check": "judge an EPOS",
    "journal": "look into a journal",
}
"""Name → what the list of commands says of it."""


class _Parser(ArgumentParser):
    """One whose complaints do not repeat a key that somebody has put on the command line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with 2."""
        known, colon, rest = message.partition("unrecognized arguments: ")
        if colon:
            options = [word.partition("=")[0] for word in rest.split() if word.startswith("-")]
            message = f"{known}{colon}{' '.join(options) or 'they are not repeated here'}"
        super().error(re.sub(r"sk_\S+", "sk_…", message))


def make_parser(program: str, epos: "Epos | None", argv: Sequence[str]) -> ArgumentParser:
    """The parser of all commands; with `epos`, none needs a MODULE:NAME.

    Only the command that `argv` names gets its arguments. Without one, as for --help, nothing is
    imported that serves.
    """
    parser = _Parser(
        prog=program,
        description="Serve Dojo's EPOS Data API from a till, and try it out without Dojo.",
        epilog=f"`{program} COMMAND --help` tells more of each.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"dojo-proto {__version__}")
    parser.set_defaults(command=None, epos=epos, target=None)
    sub = parser.add_subparsers(metavar="COMMAND", title="commands")
    chosen = next((word for word in argv if not word.startswith("-")), None)
    for name, brief in COMMANDS.items():
        command = sub.add_parser(
            name,
            help=brief,
            formatter_class=RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        if name == chosen:
            from dojo_adapters.cli.command_arguments import FILL  # noqa: PLC0415 - as said above

            FILL[name](command, epos)
    return parser
