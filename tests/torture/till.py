"""The till as a process: started, killed, started again."""

import os
import sqlite3
import subprocess
import sys
from collections import deque
from contextlib import closing
from pathlib import Path

import msgspec
from tests.torture.told import Booking

ROOT = Path(__file__).parents[2]

# A connection that was dropped is dialled again at once, and a silent one is noticed in 2 s: what
# is tried is what is booked, not patience.
_FIELDS = (
    "backoff_initial=0.05",
    "backoff_max=0.1",
    "stable_after=0",
    "ping_interval=1",
    "pong_timeout=1",
)


class Till:
    """`dojo-epos run` of `target`, with its books and its log in `folder`.

    `journal` may name the restaurant's own file as `{database}`.
    """

    def __init__(self, folder: Path, *, target: str, runtime: str, journal: str, url: str) -> None:
        self.database = folder / "restaurant.db"
        self._log = folder / "till.log"
        self._arguments = [
            *("run", target, "--runtime", runtime, "--url", url),
            *("--journal", journal.format(database=self.database)),
            *(word for field in _FIELDS for word in ("--set", field)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and do not wait until it is ready."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("DOJO_")}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                [
                    sys.executable,
                    "-c",
                    "import sys; from dojo_adapters.cli import main; sys.exit(main())",
                    *self._arguments,
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,  # where a target of these tests is found
                env={
                    **kept,
                    "DOJO_API_KEY": "sk_sandbox_torture",
                    "DOJO_RESTAURANT_DB": str(self.database),
                },
            )

    def kill(self) -> str:
        """Kill it as a power cut would; say what was wrong if it had ended by itself."""
        process, self._process = self._process, None
        if process is None:
            return ""
        ended = process.poll()
        process.kill()
        process.wait()
        if ended is None:
            return ""
        with self._log.open(encoding="utf-8", errors="replace") as log:
            said = "".join(deque(log, maxlen=5)).strip()
        return f"the till ended by itself with {ended}: {said}"

    def bookings(self) -> list[Booking]:
        """Every payment that is booked."""
        return [
            msgspec.convert(row, Booking)
            for row in self._rows("SELECT payment_intent_id, paid, tips FROM payments")
        ]

    def open_rows(self) -> int:
        """How many rows of the journal, if it lies with the books, have no outcome."""
        if not self._rows("SELECT 1 FROM sqlite_master WHERE name = 'dojo_journal'"):
            return 0
        return len(self._rows("SELECT 1 FROM dojo_journal WHERE state = 'begun'"))

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()
