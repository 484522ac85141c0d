"""What the simulation is made of does what it is for."""

from collections.abc import Callable
from random import Random
from typing import cast

import pytest
from tests.simulation.clock import Clock
from tests.simulation.deeds import ASKED, TOKENS, Deed, result_for, told_by
from tests.simulation.disk import Booking, Books, Health, ModelJournal
from tests.simulation.invariants import MOST_EVENTS, Violation
from tests.simulation.scenario import Scenario, draw
from tests.simulation.tap import PING, TEXT, Tap
from tests.simulation.till import Fate
from tests.simulation.world import World

from dojo_proto.call import Call
from dojo_proto.contract import BY_NAME
from dojo_proto.framing import Framing
from dojo_proto.journal import Entry, Found, Identity, JournalError, RowState, Verdict
from dojo_proto.work import Abort, Begin, Commit

CALL = cast("Call", None)  # the journal does not look at it


def dice(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - to be repeated, not to be secret


def begin(ticket: str, key: str = "key", *, insert: bool = True) -> Begin:
    identity = Identity(key=key, repeat=f"id of {key}", content="", amounts="")
    entry = Entry(ticket=ticket, method="m", identity=identity, idempotency_key=key, owner="till 1")
    return Begin(CALL, entry, insert)


def commit(ticket: str, state: RowState = RowState.SUCCEEDED) -> Commit:
    return Commit(CALL, ticket, state, b"{}")


def verdict(journal: ModelJournal, key: str = "key") -> Verdict:
    [found] = journal.perform([begin("look", key, insert=False)])
    assert isinstance(found, Found)
    return found.verdict


@pytest.fixture
def journal() -> ModelJournal:
    return ModelJournal(Health())


# The clock.


def test_things_of_the_same_time_happen_in_the_order_they_were_asked_for() -> None:
    clock = Clock()
    happened: list[tuple[float, str]] = []

    def note(what: str) -> Callable[[], None]:
        return lambda: happened.append((clock.now, what))

    clock.after(2.0, note("later"))
    clock.at(1.0, note("first"))
    clock.at(1.0, note("second"))
    clock.run(1.5)
    assert happened == [(1.0, "first"), (1.0, "second")]
    assert clock.now == 1.5
    clock.run(3.0)
    assert happened[-1] == (2.0, "later")


def test_a_world_that_spins_is_stopped() -> None:
    clock = Clock()

    def again() -> None:
        clock.after(0.0, again)

    again()
    with pytest.raises(Violation, match="no end of it"):
        clock.run(1.0)
    assert clock.events == MOST_EVENTS + 1


# The disk.


def test_the_journal_looks_up_and_inserts_in_one_step(journal: ModelJournal) -> None:
    first, second = journal.perform([begin("a"), begin("b")])
    assert isinstance(first, Found)
    assert first.verdict is Verdict.FRESH
    assert isinstance(second, Found)
    assert second.row is not None
    assert (second.verdict, second.row.entry.ticket) == (Verdict.BEGUN, "a")
    assert list(journal.rows) == ["a"]


def test_what_was_not_synced_may_be_lost_in_a_crash_and_what_was_is_not() -> None:
    left = set()
    for seed in range(20):
        journal = ModelJournal(Health())
        journal.perform([begin("a")])
        journal.write([commit("a"), begin("b", "other")])
        journal.crash(dice(seed))
        left.add((verdict(journal), verdict(journal, "other")))
    # In order: what came later is never there without what came before.
    assert left == {
        (Verdict.BEGUN, Verdict.FRESH),
        (Verdict.SUCCEEDED, Verdict.FRESH),
        (Verdict.SUCCEEDED, Verdict.BEGUN),
    }


def test_an_abort_removes_the_row(journal: ModelJournal) -> None:
    journal.perform([begin("a"), Abort(CALL, "a")])
    assert verdict(journal) is Verdict.FRESH
    assert journal.unsettled() == []


def test_a_full_disk_can_be_read_and_not_written(journal: ModelJournal) -> None:
    journal.perform([begin("a")])
    journal.health.full = True
    assert verdict(journal) is Verdict.BEGUN
    new, kept = journal.perform([begin("b", "other"), commit("a")])
    assert isinstance(new, JournalError)
    assert new.fresh
    assert isinstance(kept, JournalError)
    journal.health.broken = True
    [unread] = journal.perform([begin("b", "other")])
    assert isinstance(unread, JournalError)
    assert not unread.fresh


def test_rows_that_are_open_or_unconfirmed_are_unsettled(journal: ModelJournal) -> None:
    journal.perform([begin("a"), begin("b", "other"), begin("c", "third")])
    journal.perform([commit("b"), commit("c", RowState.REFUSED)])
    assert [row.entry.ticket for row in journal.unsettled()] == ["a", "b"]


def test_a_booking_under_way_survives_a_crash_or_not() -> None:
    outcomes = set()
    for seed in range(20):
        books = Books()
        books.write(Booking("deed", "key", 1))
        assert not books.booked(token="deed")
        outcomes.add(len(books.crash(dice(seed))))
    assert outcomes == {0, 1}


def test_a_key_is_booked_once() -> None:
    books = Books()
    first, second = (books.write(Booking("deed", "key", run)) for run in (1, 2))
    assert books.commit(first) is not None
    assert books.commit(second) is None
    assert books.booked(key="key")


# The wire.


def test_a_tap_reads_frames_however_they_are_cut() -> None:
    framing = Framing(client=True, entropy=lambda size: b"\x5a" * size, max_message_size=1 << 20)
    long = b"x" * 70_000
    stream = b"GET /epos HTTP/1.1\r\n\r\n" + framing.ping(b"abcd")
    stream += framing.text(b"{}") + framing.text(b"y" * 300) + framing.text(long)
    for size in (1, 7, len(stream)):
        tap = Tap()
        frames = [
            frame
            for at in range(0, len(stream), size)
            for frame in tap.feed(stream[at : at + size])
        ]
        assert [(frame.opcode, frame.payload) for frame in frames] == [
            (PING, b"abcd"),
            (TEXT, b"{}"),
            (TEXT, b"y" * 300),
            (TEXT, long),
        ]


def test_a_refused_upgrade_has_no_frames() -> None:
    tap = Tap()
    assert tap.feed(b"HTTP/1.1 503 Busy\r\n\r\n\x89\x00") == []
    assert not tap.upgraded


# What is asked, and what goes wrong.


def test_an_answer_tells_which_deed_it_is_about() -> None:
    for method in ASKED:
        deed = Deed("token-1", method, 100)
        assert deed.params()[TOKENS[method.wire]] == "token-1"
        assert told_by(result_for(method.wire, "token-1")) == "token-1"
        assert BY_NAME[method.wire].kind is method.kind


def test_every_fault_is_in_some_scenarios_and_not_in_others() -> None:
    scenarios = [draw(dice(seed)) for seed in range(300)]
    for field in Scenario.__struct_fields__:
        values = [str(getattr(scenario, field)) for scenario in scenarios]
        assert len(set(values)) > 1, field


def test_the_worlds_get_to_see_everything() -> None:
    fates = [f"; it {fate.value}" for fate in Fate]
    verdicts = [f": {verdict.value}" for verdict in Verdict]
    others = [
        "redelivered; it",
        "the lookup raises",
        "a transaction has come through",
        ": booked",
        ": not booked",
        "PaymentUnconfirmed",
        ": crashes",
        ": a handler has started",
        ": the effect is written",
        ": the effect is durable",
        ": the journal is synced",
        ": something has been sent",
        "night falls",
        "SIGTERM",
        "the disk is full",
        "the disk is broken",
        "the disk is slow",
        "the wall clock is set",
        "held up",
        "is half open",
        "is dropped",
        "stalls",
        "is restarted",
        "no answer in time",
        "cause=pong-timeout",
        "cause=peer-closed",
        "cause=open-timeout",
        "cause=unavailable",
        "cause=authentication",
        "outcome=withheld",
        "outcome=abandoned",
        "outcome=repeat",
        "Overloaded",
        "ContentDiffers",
        "Slow(",
        "OutcomeUnknown",
        *(f"dials: {refusal}" for refusal in ("refused", "hangs", "silent", "closes")),
    ]
    missing = {*fates, *verdicts, *others}
    for seed in range(600):  # the rarest of them takes some hundred worlds
        world = World(seed, tracing=True)
        world.run()
        seen = "\n".join(world.trace)
        missing = {what for what in missing if what not in seen}
        if not missing:
            return
    assert missing == set()
