"""What can be run to show a claim. Each proof is one run of one command, and has one record."""

from collections.abc import Sequence

import msgspec
from tests.evidence.claims import FUZZED


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be run, and is recorded under `name`."""

    name: str
    command: str
    """From the top of the project; what was run begins with it."""
    page: str
    """With the details, seen from docs/."""
    tests: Sequence[str] = ()
    """Arguments for pytest, where the command is `make evidence`."""
    lowest: bool = False
    """Whether they run with the lowest version of each dependency."""


def _suite(name: str, page: str, *tests: str, lowest: bool = False) -> Proof:
    command = f"make evidence ARGS={name}"
    return Proof(name=name, command=command, page=page, tests=tests, lowest=lowest)


_STORIES = "tests/adapters/life_stories"

PROOFS: dict[str, Proof] = {
    proof.name: proof
    for proof in (
        Proof(name="simulation", command="make simulate", page="simulation.md"),
        Proof(name="torture", command="make torture", page="torture.md"),
        Proof(name="conformance", command="make conformance", page="conformance.md"),
        Proof(name="soak", command="make soak", page="soak.md"),
        *(Proof(name=f"fuzz-{each}", command="make fuzz", page="fuzzing.md") for each in FUZZED),
        _suite(
            "restarts",
            "journal.md",
            f"{_STORIES}/test_durable_journals.py",
            f"{_STORIES}/test_stopping.py",
            f"{_STORIES}/test_signals.py",
        ),
        _suite("journal", "journal.md", "tests/adapters/sqlite", "tests/adapters/test_journals.py"),
        _suite(
            "splits",
            "design.md",
            *(
                f"tests/proto/test_{each}.py"
                for each in (
                    *("connection_properties", "client_properties", "both_roles", "framing"),
                    *("deflate", "exchange", "upgrade", "tunnel", "rest"),
                )
            ),
        ),
        _suite("lanes", "design.md", "tests/proto/test_framing_lanes.py"),
        _suite("stories", "design.md", _STORIES),
        _suite("core", "design.md", "tests", "--cov", "--cov-report=term"),
        _suite(
            "lowest",
            "../SECURITY.md",
            *("tests/proto", _STORIES, "tests/adapters/sqlite", "tests/security/test_lowest.py"),
            lowest=True,
        ),
        _suite(
            "interop",
            "interop.md",
            *(f"tests/interop/test_{each}.py" for each in ("visit", "wire", "alpn")),
        ),
        _suite("nginx", "interop.md", "tests/interop/test_nginx.py"),
        _suite("tls", "../SECURITY.md", f"{_STORIES}/test_tls.py", "tests/adapters/test_tls.py"),
        _suite("headers", "../SECURITY.md", "tests/security/test_headers.py"),
        _suite("handshakes", "../SECURITY.md", "tests/security/test_handshakes.py"),
        _suite("frames", "../SECURITY.md", "tests/security/test_frames.py"),
        _suite("floods", "../SECURITY.md", "tests/security/test_floods.py"),
        _suite("rest", "../SECURITY.md", "tests/security/test_rest.py"),
        _suite("attacks", "../SECURITY.md", f"{_STORIES}/test_attacks.py"),
        _suite(
            "secrets",
            "../SECURITY.md",
            *(f"{_STORIES}/test_canary.py", "tests/adapters/test_privacy.py"),
        ),
        _suite("contract", "contract/index.md", "tests/contract"),
        _suite(
            "checks",
            "checks.md",
            *(f"tests/simulator/check/test_{each}.py" for each in ("sample", "mistakes")),
        ),
        _suite(
            "planted",
            "../CONTRIBUTING.md",
            "tests/simulation/test_planted_faults.py",
            "tests/torture/test_torture.py",
            "tests/conformance/test_faults.py",
            "tests/fuzz/test_planted.py",
            "tests/interop/test_bite.py",
            "tests/security",
            _STORIES,
            "-k",
            "planted or test_faults or test_torture or test_bite or red_where",
        ),
    )
}
"""All of them, by name."""

SUITES = {name: proof for name, proof in PROOFS.items() if proof.tests}
"""What `make evidence` runs."""
