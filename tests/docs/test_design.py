"""The page on the design says what the code does, as far as a test can tell."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "docs" / "design.md").read_text("utf-8")


def test_the_modules_of_its_table_exist() -> None:
    table = DESIGN.partition("| Module | Owns |")[2].partition("\n\n")[0]
    named = [
        name
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert len(named) > 15
    package = ROOT / "src" / "dojo_proto"
    missing = [
        name
        for name in named
        if not (package / f"{name}.py").exists() and not (package / name).is_dir()
    ]
    assert missing == []


@pytest.mark.parametrize("package", ["dojo_proto", "dojo_adapters", "dojo_simulator"])
def test_each_package_is_explained(package: str) -> None:
    assert f"`{package}`" in DESIGN
