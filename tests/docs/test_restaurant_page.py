"""What the page on the sample restaurant says is so."""

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from dojo_adapters import threads
from dojo_proto import Settings
from dojo_simulator import LocalGateway
from dojo_simulator.restaurant import epos

PAGE = (Path(__file__).parents[2] / "docs/restaurant.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))


def names(text: str) -> set[str]:
    return set(re.findall(r"\b[A-Z]\w+[a-z]\b", text))


def test_each_method_is_in_the_module_that_the_page_names() -> None:
    handlers = epos.handlers().values()
    methods = {handler.method.name for handler in handlers}
    assert set().union(*(names(row) for row in ROWS.values())) == methods
    for handler in handlers:
        functions = [each.function for each in (handler, *(handler.by_event or {}).values())]
        modules = {function.__module__.rpartition(".")[2] for function in functions}
        assert any(handler.method.name in names(ROWS.get(module, "")) for module in modules)


def test_the_modules_that_it_names_exist() -> None:
    lists = re.findall(r"\((`\w+`(?:, `\w+`)+)\)", PAGE)
    modules = [name for each in lists for name in re.findall(r"`(\w+)`", each)]
    assert len(modules) == 7
    for name in [*modules, *ROWS]:
        assert import_module(f"dojo_simulator.restaurant.{name}").__doc__


def test_its_example_works() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    scope: dict[str, Any] = {}
    exec(example, scope)  # noqa: S102 - it is ours
    serve: Callable[[Settings], None] = scope["serve"]
    assert scope["dojo"] is threads
    with LocalGateway() as gateway:
        serve(Settings(api_key="sk_sandbox_docs", url=gateway.url))
