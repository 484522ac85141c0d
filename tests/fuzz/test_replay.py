"""Every input that is kept: those to begin from, and those that once found something."""

from pathlib import Path

import pytest
from tests.fuzz.catalogue import CORPUS, DICTIONARY, TARGETS, kept
from tests.fuzz.seeds import SEEDS
from tests.fuzz.words import dictionary

KEPT = [(name, path) for name in TARGETS for path in kept(name)]


@pytest.mark.parametrize(
    ("name", "path"),
    KEPT,
    ids=[f"{name}-{path.parent.parent.name}-{path.name}" for name, path in KEPT],
)
def test_nothing_is_wrong_with(name: str, path: Path) -> None:
    TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_what_the_script_writes(name: str) -> None:
    """If it is not: python -m tests.fuzz.seeds."""
    found = {path.name: path.read_bytes() for path in (CORPUS / name).iterdir()}
    assert found == SEEDS[name]()


def test_the_dictionary_is_what_the_script_writes() -> None:
    assert DICTIONARY.read_text("utf-8") == "".join(dictionary())


def test_every_target_has_seeds() -> None:
    assert SEEDS.keys() == TARGETS.keys()
