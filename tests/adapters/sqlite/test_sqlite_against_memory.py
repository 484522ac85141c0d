"""The durable journal and the one in memory give the same answers, whatever is asked of them."""

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.proto.stored import CALL

from dojo_adapters.sqlite import SqliteJournal
from dojo_proto.journal import Entry, Found, Identity, RowState
from dojo_proto.memory import MemoryJournal
from dojo_proto.work import Abort, Begin, Commit

KEYS = st.sampled_from(["", "k1", "k2"])
IDS = st.sampled_from(["", "1", "2"])
COMMITTED = st.sampled_from([RowState.SUCCEEDED, RowState.REFUSED, RowState.FAILED])


class Journals(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.path = Path(self.directory.name) / "journal.db"
        self.now = 1_000_000.0
        self.memory = MemoryJournal(self.clock)
        self.durable = self.open()
        self.numbers = count()
        self.open_rows: list[str] = []
        self.waiting: list[Begin | Commit | Abort] = []

    def clock(self) -> float:
        return self.now

    def open(self) -> SqliteJournal:
        return SqliteJournal(self.path, wall=self.clock, clock=self.clock)

    @rule(key=KEYS, request_id=IDS, insert=st.booleans())
    def begin(self, key: str, request_id: str, *, insert: bool) -> None:
        # The same id with the same content has the same natural key.
        repeat = f"{request_id} of {key}" if request_id else ""
        ticket = f"t{next(self.numbers)}"
        entry = Entry(
            ticket=ticket,
            method="M",
            identity=Identity(key=key, repeat=repeat, content="c", amounts="a"),
            idempotency_key=f"i/{ticket}",
            owner="us",
        )
        self.waiting.append(Begin(CALL, entry, insert))

    @rule(data=st.data(), state=COMMITTED)
    def commit(self, data: st.DataObject, state: RowState) -> None:
        if self.open_rows:
            ticket = data.draw(st.sampled_from(self.open_rows))
            self.open_rows.remove(ticket)
            self.waiting.append(Commit(CALL, ticket, state, f'"{ticket}"'.encode()))

    @rule(data=st.data())
    def abort(self, data: st.DataObject) -> None:
        if self.open_rows:
            ticket = data.draw(st.sampled_from(self.open_rows))
            self.open_rows.remove(ticket)
            self.waiting.append(Abort(CALL, ticket))

    @rule()
    def perform(self) -> None:
        steps, self.waiting = self.waiting, []
        expected = self.memory.perform(steps)
        assert self.durable.perform(steps) == expected
        for step, result in zip(steps, expected, strict=True):
            if isinstance(step, Begin) and isinstance(result, Found) and step.insert:
                self.may_be_committed(step, result)

    def may_be_committed(self, step: Begin, found: Found) -> None:
        """A row that is new, or that is run again after it had failed."""
        if found.row is None:
            self.open_rows.append(step.entry.ticket)
        elif found.row.state is RowState.FAILED and found.row.entry.ticket not in self.open_rows:
            self.open_rows.append(found.row.entry.ticket)

    @rule(seconds=st.sampled_from([1.0, 119.0, 120.0, 604_700.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def reopen(self) -> None:
        self.perform()
        self.durable.close()
        self.durable = self.open()

    @invariant()
    def nothing_is_left_open(self) -> None:
        assert not self.durable._connection.in_transaction

    def teardown(self) -> None:
        self.durable.close()
        self.directory.cleanup()


TestJournals = Journals.TestCase
TestJournals.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
