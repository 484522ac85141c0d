"""The targets by their names, and where what belongs to them is kept."""

from collections.abc import Callable
from pathlib import Path

from tests.fuzz.targets import (
    contracts,
    frames,
    handshake,
    jsonrpc,
    registration,
    service,
    shortcut,
    upgrade,
)

TARGETS: dict[str, Callable[[bytes], None]] = {
    "handshake": handshake.target,
    "frames": frames.plain,
    "deflate": frames.deflated,
    "jsonrpc": jsonrpc.target,
    "contract": contracts.target,
    "registration": registration.target,
    "upgrade": upgrade.target,
    "service": service.target,
    "shortcut": shortcut.target,
}
"""Each takes any bytes, and raises if something is wrong with what comes of them."""

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
"""One folder a target, with small inputs to begin from."""
REGRESSIONS = HERE / "regressions"
"""One folder a target, with inputs that once found something."""
DICTIONARY = HERE / "dictionary.txt"


def kept(name: str) -> list[Path]:
    """Every input that is kept for a target."""
    return sorted(path for folder in (CORPUS, REGRESSIONS) for path in (folder / name).glob("*"))
