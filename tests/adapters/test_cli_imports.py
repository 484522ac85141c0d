"""`dojo-epos` answers at once when nothing is to be done."""

import json
import subprocess
import sys

import pytest

from dojo_adapters.cli import Exit, arguments, command_arguments

# The program, and what of these it has imported in the end.
HEAVY = ("asyncio", "dojo_adapters.engine", "dojo_proto.client", "dojo_simulator", "msgspec")
CODE = f"""\
import sys
from dojo_adapters.cli import main
try:
    code = main(argv=sys.argv[1:])
except SystemExit as end:
    code = end.code
import json
print(json.dumps([code, [name for name in {HEAVY!r} if name in sys.modules]]))
"""


def ran(*argv: str) -> tuple[int, list[str]]:
    """The exit code, and which of the heavy modules were imported."""
    command = [sys.executable, "-c", CODE, *argv]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    code, imported = json.loads(done.stdout.splitlines()[-1])
    return code, imported


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--help"], Exit.OK),
        (["--version"], Exit.OK),
        (["rnu", "till:epos"], Exit.CONFIGURATION),
        (["--nonsense"], Exit.CONFIGURATION),
        ([], Exit.CONFIGURATION),
    ],
)
def test_nothing_that_serves_is_imported_without_a_command(argv: list[str], code: int) -> None:
    assert ran(*argv) == (code, [])


def test_a_command_imports_what_it_needs() -> None:
    code, imported = ran("run", "--help")
    assert code == Exit.OK
    assert {"dojo_adapters.engine", "dojo_proto.client", "msgspec"} <= set(imported)


def test_every_command_has_its_arguments() -> None:
    assert list(command_arguments.FILL) == list(arguments.COMMANDS)
