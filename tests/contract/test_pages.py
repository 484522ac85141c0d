"""The pages of docs/contract say what the code says, of every method and type."""

import re
from contextlib import suppress
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest

from dojo_proto import Conflict, contract
from dojo_proto.contract import METHODS, OpenEnum, Shape
from dojo_proto.contract.shape import is_shape

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "contract").glob("*.md"))

pytestmark = pytest.mark.skipif(
    not (ROOT / "src").is_dir(), reason="only the tests are here, without the project around them"
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    return run_path(str(ROOT / "docs" / "members.py"))


def places(what: str) -> list[str]:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    return sorted(re.findall(rf"<!-- {what} (\w+) -->", text))


def anchors(page: Path) -> set[str]:
    headlines = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", line).lower().replace(" ", "-") for line in headlines}


@each_page
def test_it_is_up_to_date(page: Path, script: dict[str, Any]) -> None:
    text = page.read_text(encoding="utf-8")
    assert script["render"](page) == text, "run: python docs/members.py"


def test_every_method_has_its_place() -> None:
    assert places("method") == sorted(method.name for method in METHODS)


@pytest.mark.parametrize("method", [method.name for method in METHODS])
def test_of_every_method_its_errors_are_told_and_what_follows(method: str) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    [section] = re.findall(rf"^## {method}\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL)
    assert "\n**Errors.** " in section
    assert "\n**Then.** " in section


def test_every_type_has_its_place() -> None:
    types = {
        name
        for name, kind in vars(contract).items()
        if isinstance(kind, type) and (is_shape(kind) or issubclass(kind, OpenEnum))
    }
    params = {f"{method.name}Params" for method in METHODS}
    assert places("type") == sorted(types - params - {Shape.__name__, OpenEnum.__name__})


@each_page
def test_its_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text(encoding="utf-8"))
    assert links
    for target, anchor in links:
        other = page.parent / target if target else page
        assert other in PAGES, target
        assert not anchor or anchor in anchors(other), f"{target}#{anchor}"


EXAMPLES = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(
            r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
    )
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_its_example_runs_alone(example: str) -> None:
    with suppress(Conflict):  # which one of them shows how to raise
        exec(example, {})  # noqa: S102 - our own page


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5
