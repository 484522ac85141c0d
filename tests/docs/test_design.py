"""The page on the design says what the code does, as far as a test can tell."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")


@pytest.mark.parametrize("source", ["src/dojo_proto", "src/adapters/dojo_adapters"])
def test_each_module_stands_in_one_row_of_its_tables(source: str) -> None:
    package = ROOT / source
    table = DESIGN.partition(f"| In `{package.name}` | Owns |")[2].partition("\n\n")[0]
    named = [
        name
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    modules = [path.stem for path in package.glob("*.py") if path.stem != "__init__"]
    packages = [path.parent.name for path in package.glob("*/__init__.py")]
    assert sorted(named) == sorted(modules + packages)


@pytest.mark.parametrize("package", ["dojo_proto", "dojo_adapters", "dojo_simulator"])
def test_each_package_is_explained(package: str) -> None:
    assert f"`{package}`" in DESIGN
