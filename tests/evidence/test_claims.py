"""Every claim has a proof that can be run, and the page is what the records say."""

import re
from pathlib import Path

import msgspec
import pytest
from tests.evidence import record
from tests.evidence.claims import CLAIMS, FUZZED
from tests.evidence.proofs import PROOFS, SUITES
from tests.evidence.record import DOCS, Recorded
from tests.fuzz import __main__ as fuzz
from tests.fuzz.catalogue import TARGETS
from tests.simulation import __main__ as simulation

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
MEASURED = {"benchmarks"}
"""Files beside the records that are no proof of a claim: docs/performance.md is made of it."""
RECORDS = [path for path in sorted((DOCS / "evidence").iterdir()) if path.stem not in MEASURED]


def runnable(command: str) -> bool:
    """Whether there is such a command: a rule of the Makefile, or the module that it is to run."""
    make, target, *_ = command.split()
    assert make == "make"
    has_rule = re.search(rf"^{target}:", MAKEFILE, re.MULTILINE) is not None
    return has_rule or (ROOT / "tests" / target / "__main__.py").exists()


def test_nobody_has_edited_the_page() -> None:
    runs = {path.stem: msgspec.json.decode(path.read_bytes(), type=Recorded) for path in RECORDS}
    assert (DOCS / "evidence.md").read_text("utf-8") == record.page(runs), (
        "what the page shows is not what is recorded: python -m tests.evidence --render"
    )


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_every_record_is_of_a_proof_and_by_its_command(path: Path) -> None:
    run = msgspec.json.decode(path.read_bytes(), type=Recorded)
    assert run.name == path.stem
    assert run.command.startswith(PROOFS[run.name].command)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", run.date)


def test_every_claim_has_a_proof_and_every_proof_shows_a_claim() -> None:
    assert {claim.proof for claims in CLAIMS.values() for claim in claims} == set(PROOFS)


def test_every_target_of_the_fuzzer_is_claimed() -> None:
    assert set(FUZZED) == set(TARGETS)


@pytest.mark.parametrize("name", PROOFS)
def test_its_command_and_its_page_exist(name: str) -> None:
    proof = PROOFS[name]
    assert runnable(proof.command)
    assert (DOCS / proof.page).exists()


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_names_tests_that_exist_and_is_chosen_by_its_name(name: str) -> None:
    named = [each for each in SUITES[name].tests if each.startswith("tests")]
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []
    assert SUITES[name].command == f"make evidence ARGS={name}"


def test_what_the_plain_commands_do_is_recorded() -> None:
    """The amounts in the Makefile are the least of which a run is recorded."""
    defaults = dict(re.findall(r"^(SEEDS|MINUTES) \?= (\d+)$", MAKEFILE, re.MULTILINE))
    assert defaults == {"SEEDS": str(simulation.FULL), "MINUTES": f"{fuzz.FULL:g}"}


@pytest.mark.parametrize("command", ["make nothing", "make no.thing ARGS=core"])
def test_a_command_that_is_not_there_is_found_out(command: str) -> None:
    assert not runnable(command)
