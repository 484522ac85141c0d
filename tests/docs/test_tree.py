"""What the files of the project say of one another, and what none of them may say."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]

# Written as patterns, so that this file is none of those that it finds.
MACHINE_PATHS = r"/(work|root|home|Users)/[\w.]"
REGISTRIES = (
    r"(pypi|pythonhosted|npmjs|registry\.npmjs|crates|deb\.debian|archive\.ubuntu|proxy\.golang)"
    r"\.(org|com|io)\b"
)


def files() -> list[Path]:
    """Every file of the project that git knows, or would take."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - wherever git is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_point_to_what_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    local = [link for link in links if not re.match(r"https?://|mailto:|#", link)]
    assert [link for link in local if not (page.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"\b(?:src|tests|docs)/[\w./-]*\w", page.read_text("utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_there_are_pages_and_links_to_check() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "design.md"} <= {p.name for p in PAGES}
    assert "](docs/design.md)" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("forbidden", [MACHINE_PATHS, REGISTRIES])
def test_no_file_names_a_machine_or_a_registry(forbidden: str) -> None:
    pattern = re.compile(forbidden)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in files()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_patterns_find_what_they_are_for() -> None:
    slash, dot = "/", "."
    assert re.search(MACHINE_PATHS, f"see {slash}home{slash}me")
    assert re.search(REGISTRIES, f"https://files.pythonhosted{dot}org/packages")
