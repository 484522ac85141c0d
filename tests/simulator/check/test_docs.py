"""The page on the checks has all of them, and its example works."""

import re
import runpy
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_up_to_date() -> None:
    script = runpy.run_path(str(DOCS / "checks.py"))
    page = (DOCS / "checks.md").read_text("utf-8")
    assert "`PAY-4`" in page
    assert script["render"]() == page, "run: python docs/checks.py"


def test_the_example_of_a_test_works() -> None:
    page = (DOCS / "checks.md").read_text("utf-8")
    example = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert example is not None
    names: dict[str, Any] = {}
    exec(compile(example[1], "checks.md", "exec"), names)  # noqa: S102 - the page's own code
    names["test_what_dojo_asks_for"]()
