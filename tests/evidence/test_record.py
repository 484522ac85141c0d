"""A run is kept as it was, in the place of the last one, and the page shows it."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.evidence import record as evidence
from tests.evidence.record import page, record, recorded


@pytest.fixture(autouse=True)
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty docs/."""
    monkeypatch.setattr(evidence, "DOCS", tmp_path)
    return tmp_path


def rows(proof_command: str) -> list[list[str]]:
    """The page's rows of claims with this command: their cells."""
    lines = (evidence.DOCS / "evidence.md").read_text("utf-8").splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [row for row in cells if len(row) > 2 and row[1].startswith(f"`{proof_command}")]


def test_what_was_not_run_is_in_the_page_and_says_so() -> None:
    text = page({})
    assert text.count("not run yet") > 30
    assert "FAILED" not in text


def test_a_run_is_kept_and_shown() -> None:
    ran = record("torture", command="make torture", result="all\n well", passed=True, details=[1])
    assert recorded("torture") == ran
    assert ran.result == "all well"
    assert ran.details == [1]
    [row] = rows("make torture")
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    assert row[1:] == ["`make torture` ([how](torture.md))", "all well", today]


def test_a_run_shows_every_claim_of_its_proof() -> None:
    record("simulation", command="make simulate SEEDS=10000", result="fine", passed=True)
    assert [row[2] for row in rows("make simulate SEEDS=10000")] == ["fine"] * 7


def test_the_next_run_takes_its_place_and_leaves_the_others() -> None:
    record("torture", command="make torture", result="well", passed=True)
    record("soak", command="make soak", result="flat", passed=True)
    record("torture", command="make torture", result="a penny is missing", passed=False)
    assert [row[2] for row in rows("make torture")] == ["**FAILED:** a penny is missing"]
    assert [row[2] for row in rows("make soak")] == ["flat"]


def test_a_bar_does_not_end_the_cell() -> None:
    record("torture", command="make torture", result="a|b", passed=True)
    assert r"| a\|b |" in (evidence.DOCS / "evidence.md").read_text("utf-8")


def test_what_nobody_claims_is_not_recorded(docs: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one of simulation, .*, not 'toture'"):
        record("toture", command="make torture", result="well", passed=True)
    with pytest.raises(ValueError, match="shown by 'make torture', not by 'make simulate'"):
        record("torture", command="make simulate", result="well", passed=True)
    assert list(docs.iterdir()) == []


def test_nothing_of_the_machine_is_kept_but_its_kind(docs: Path) -> None:
    record("soak", command="make soak", result="flat", passed=True)
    kept = msgspec.json.decode((docs / "evidence" / "soak.json").read_bytes())
    assert set(kept) == {
        *("name", "command", "result", "passed", "date"),
        *("version", "python", "platform"),
    }


def test_a_page_gets_what_was_recorded_into_its_place(docs: Path) -> None:
    path = docs / "some.md"
    path.write_text(f"before\n{evidence.BEGIN}old\n{evidence.END}after\n", "utf-8")
    for text in ("first\n", "second\n"):
        evidence.fill("some.md", text)
        assert path.read_text("utf-8") == (
            f"before\n{evidence.BEGIN}\n{text}\n{evidence.END}after\n"
        )
