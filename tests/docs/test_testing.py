"""What the page on testing says works when pasted."""

import re
from pathlib import Path

import pytest

from dojo_simulator import EposConnection, Fault, FaultKind, Registry
from dojo_simulator.rest import RestApi
from dojo_simulator.rest_answers import RestFault
from dojo_simulator.serving import ServingGateway

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs/testing.md").read_text("utf-8")


def files() -> dict[str, str]:
    """The examples, by the file names in their first lines."""
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return dict(blocks)


def test_the_tests_of_the_page_pass(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name, text in files().items():
        (pytester.path / name).write_text(text, "utf-8")
    result = pytester.runpytest("-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=sum(text.count("\ndef test_") for text in files().values()))


def test_every_example_is_run_above() -> None:
    assert PAGE.count("```python") == len(files()) == 5
    assert all(text.count("\ndef test_") > 2 for name, text in files().items() if "test_" in name)


@pytest.mark.parametrize("path", re.findall(r"`gateway\.([\w.]+)\(", PAGE))
def test_the_methods_that_it_names_exist(path: str) -> None:
    owner, _, name = path.rpartition(".")
    kinds = {"": ServingGateway, "epos": EposConnection, "rest": RestApi}
    assert callable(getattr(kinds[owner], name))


@pytest.mark.parametrize("name", re.findall(r"`gateway\.registry\.(\w+)`", PAGE))
def test_what_it_reads_of_the_registry_exists(name: str) -> None:
    assert isinstance(getattr(Registry(), name), tuple)


def test_the_faults_that_it_names_exist() -> None:
    assert RestFault(status=500).status == 500
    named = re.findall(r'Fault\("([\w-]+)"', PAGE)
    assert {"drop-before-answer", "delay", "duplicate", "refuse"} <= set(named)
    assert set(named) <= set(FaultKind)
    assert Fault("refuse", value=503, retry_after=1).retry_after == 1
