# ruff: noqa: INP001 - a script, in no package
"""Print constraints that hold each runtime dependency at the lower bound of pyproject.toml.

    python .ci/lowest.py [pyproject.toml] >constraints.txt
    pip install --constraint constraints.txt 'dojo-proto[all]'

A lower bound that nobody tests is a guess. `dependencies` and the extras that users install count;
what only development needs does not.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?>=(?P<lowest>[0-9][0-9.]*)")


def constraints(project: dict[str, Any]) -> list[str]:
    """`name==version` for each runtime dependency of the table `project`.

    Raises ValueError for one without a lower bound.
    """
    wanted = list(project["dependencies"])
    for extra, requirements in project["optional-dependencies"].items():
        if extra not in {"dev", "bench"}:
            wanted += [each for each in requirements if not each.startswith(project["name"])]
    return [_lowest(requirement) for requirement in wanted]


def _lowest(requirement: str) -> str:
    found = _REQUIREMENT.match(requirement)
    if found is None:
        raise ValueError(f"{requirement!r}: expected name>=version, so that it can be tested")
    return f"{found['name']}=={found['lowest']}"


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "pyproject.toml")
    lines = constraints(tomllib.loads(path.read_text())["project"])
    sys.stdout.writelines(f"{line}\n" for line in lines)
