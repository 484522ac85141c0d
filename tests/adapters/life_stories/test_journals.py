"""A journal that has to wait for its disk: it holds up nothing but what it is asked for."""

import threading
from collections.abc import Sequence
from time import monotonic

import pytest
from tests.adapters.life_stories.conftest import Serve
from tests.adapters.life_stories.serving import DEADLINE
from tests.adapters.life_stories.tills import Till, order, payment

from dojo_proto import Epos, MemoryJournal
from dojo_proto.events import JournalFailed, RequestFinished, RequestOutcome
from dojo_proto.journal import Found, JournalError
from dojo_proto.work import JournalStep, Note
from dojo_simulator import LocalGateway


class SlowJournal(MemoryJournal):
    """Waits for its disk before every step, and remembers in which threads."""

    blocking = True

    def __init__(self) -> None:
        super().__init__(monotonic)
        self.disk = threading.Event()
        self.threads: set[str] = set()

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        self.threads.add(threading.current_thread().name)
        assert self.disk.wait(DEADLINE)
        return super().perform(steps)


def test_a_payment_waits_for_the_disk_and_a_read_does_not(
    serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    journal = SlowJournal()
    serve(epos, journal=journal)
    connection = gateway.wait_for_epos()
    paying = connection.start_call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1"))
    assert connection.call("GetOrderByIdV1", {"orderId": "o-2"}).result == order("o-2")
    assert till.booked == []
    assert not paying.done
    journal.disk.set()
    assert paying.wait().result == order("o-1", "pi-1")
    assert journal.threads == {"dojo-journal"}


def test_a_disk_that_hangs_is_given_up_and_the_payment_not_begun(
    serve: Serve,
    epos: Epos,
    till: Till,
    gateway: LocalGateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    journal = SlowJournal()
    service = serve(epos, journal=journal)
    connection = gateway.wait_for_epos()
    with monkeypatch.context() as impatient:
        impatient.setattr("dojo_adapters.steps.JOURNAL_TIMEOUT", 0.05)
        connection.start_call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1"))
        failed = service.wait_for_event(JournalFailed)
    assert (failed.step, failed.reason) == ("begin", "no answer within 0.05 s")
    finished = service.wait_for_event(RequestFinished)
    assert finished.outcome is RequestOutcome.WITHHELD
    journal.disk.set()
    retry = connection.call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1"))
    assert retry.result == order("o-1", "pi-1")
    assert till.booked == ["pi-1"]


class FullJournal(MemoryJournal):
    """Has no room for a row. `fresh` says whether it can still look up that there is none."""

    def __init__(self, *, fresh: bool, blocking: bool) -> None:
        super().__init__(monotonic)
        self.blocking = blocking
        self.fresh = fresh

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        return [JournalError("disk full", fresh=self.fresh) for _ in steps]


@pytest.mark.parametrize("blocking", [False, True])
def test_a_payment_that_was_looked_up_and_not_inserted_is_answered_as_not_done(
    blocking: bool, serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    serve(epos, journal=FullJournal(fresh=True, blocking=blocking))
    connection = gateway.wait_for_epos()
    refused = connection.call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1")).error
    assert refused is not None
    assert refused["errorType"] == "UnexpectedError"
    assert refused["message"] == "the EPOS cannot write its journal, and nothing was done"
    assert till.booked == []


@pytest.mark.parametrize("blocking", [False, True])
def test_a_payment_that_cannot_be_looked_up_is_not_answered(
    blocking: bool, serve: Serve, epos: Epos, till: Till, gateway: LocalGateway
) -> None:
    service = serve(epos, journal=FullJournal(fresh=False, blocking=blocking))
    connection = gateway.wait_for_epos()
    paying = connection.start_call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1"))
    assert service.wait_for_event(JournalFailed).reason == "disk full"
    finished = service.wait_for_event(RequestFinished)
    assert finished.outcome is RequestOutcome.WITHHELD
    # An answer to what came behind it shows that none to it is on its way.
    assert connection.call("GetOrderByIdV1", {"orderId": "o-2"}).result == order("o-2")
    assert not paying.done
    assert till.booked == []


class ForgetfulJournal(MemoryJournal):
    """Has room for rows, and none for what became of their answers."""

    def __init__(self, *, blocking: bool) -> None:
        super().__init__(monotonic)
        self.blocking = blocking

    def perform(self, steps: Sequence[JournalStep]) -> list[Found | JournalError | None]:
        done = super().perform(steps)
        noted = [isinstance(step, Note) for step in steps]
        return [
            JournalError("disk full") if note else each
            for note, each in zip(noted, done, strict=True)
        ]


@pytest.mark.parametrize("blocking", [False, True])
def test_a_note_that_cannot_be_written_is_told_of_and_holds_up_nothing(
    blocking: bool, serve: Serve, epos: Epos, gateway: LocalGateway
) -> None:
    service = serve(epos, journal=ForgetfulJournal(blocking=blocking), ping_interval=0.02)
    connection = gateway.wait_for_epos()
    assert connection.call("RecordOrderPaymentByIdV1", payment("o-1", "pi-1")).error is None
    failed = service.wait_for_event(JournalFailed)
    assert (failed.method, failed.step, failed.reason) == ("", "note", "disk full")
    assert connection.call("RecordOrderPaymentByIdV1", payment("o-1", "pi-2")).error is None
