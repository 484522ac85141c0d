"""The lower bounds of the dependencies, as the continuous integration installs them."""

import runpy
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / ".ci" / "lowest.py"
BASE = {"h11", "msgspec", "truststore", "wsproto"}
EXTRAS = {"trio", "anyio", "uvloop", "websockets", "starlette", "uvicorn"}

if not SCRIPT.exists():
    pytest.skip("the scripts of the CI are not here", allow_module_level=True)

constraints = runpy.run_path(str(SCRIPT))["constraints"]


def test_every_runtime_dependency_is_held_at_its_lower_bound() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = constraints(project)
    assert {line.partition("==")[0] for line in lines} == BASE | EXTRAS
    for line in lines:
        name, _, version = line.partition("==")
        assert any(
            each.startswith(f"{name}>={version},<")
            for group in (project["dependencies"], *project["optional-dependencies"].values())
            for each in group
        ), line


@pytest.mark.parametrize("requirement", ["h11", "h11<1", "h11==0.16", "h11>0.16", "h11~=0.16"])
def test_a_dependency_without_a_lower_bound_is_refused(requirement: str) -> None:
    project = {"name": "p", "dependencies": [requirement], "optional-dependencies": {}}
    with pytest.raises(ValueError, match="h11"):
        constraints(project)
